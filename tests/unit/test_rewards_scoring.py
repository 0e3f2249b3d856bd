from __future__ import annotations

import random
from dataclasses import replace

import pytest

pytest.importorskip("torch")

from rewards import Noise, RewardSpec, TaxonomyVerifier, build_rubric
from rewards.scoring import Scorer, scoring_metrics
from rlfg.taxonomy import taxonomy_from_lineages
from rlfg.types import Rollout

TREE = taxonomy_from_lineages(
    {s: [f"family {s[0]}", f"genus {s[:2]}", s] for s in ("aa1", "aa2", "ab1", "ba1")},
    source="toy", ranks=("family", "genus", "species"), root="thing", root_aliases=(),
)  # fmt: skip
ANSWERS = ["aa1", "genus aa", "ba1", None, "thing", "aa1"]


def rollout(group: str, index: int, answer: str | None, truth: str = "aa1") -> Rollout:
    text = "no tags" if answer is None else f"<think>t</think><answer>{answer}</answer>"
    return Rollout(
        step=0, group_id=group, prompt_key=group, index=index, truth=truth, completion=text, token_ids=(1, 2)
    )


@pytest.fixture
def scorer() -> Scorer:
    rubric = build_rubric(RewardSpec(name="hedged"))
    return Scorer(verifier=TaxonomyVerifier(TREE), rubric=rubric, parse_mode="lenient", scale="group")


def test_a_scattered_group_is_scored_like_a_whole_one(scorer: Scorer) -> None:
    """Two processes hold parts of a group; what counts is who belongs together."""
    whole = [rollout(g, i, a) for g in "pq" for i, a in enumerate(ANSWERS)]
    expected = {(s.rollout.group_id, s.rollout.index): (s.score.reward, s.advantage) for s in scorer(whole)}
    shuffled = random.Random(0).sample(whole, len(whole))
    found = {(s.rollout.group_id, s.rollout.index): (s.score.reward, s.advantage) for s in scorer(shuffled)}
    assert found == expected
    assert [expected["p", i][0] for i in range(6)] == [1.0, 0.5, 0.0, -1.0, 0.25, 1.0]


def test_a_rollout_without_a_verdict_touches_no_other(scorer: Scorer) -> None:
    judged = [rollout("p", i, a) for i, a in enumerate(ANSWERS)]
    unknown = [rollout("p", 6, "aa1", truth="not in the tree"), rollout("p", 7, "ba1", truth="not in the tree")]
    with_masked, without = scorer([*judged, *unknown]), scorer(judged)
    assert [s.advantage for s in with_masked[:6]] == [s.advantage for s in without]
    assert [(s.valid, s.advantage, s.score.reward) for s in with_masked[6:]] == [(False, 0.0, None)] * 2


def test_noise_is_in_the_rewards_and_not_in_what_is_said_of_the_policy(scorer: Scorer) -> None:
    """The best checkpoint is chosen by HM, which a noisy reward must not blur."""
    rollouts = [rollout(g, i, a) for g in "pqr" for i, a in enumerate(ANSWERS)]
    noisy = replace(scorer, rubric=build_rubric(RewardSpec(name="hedged", noise=Noise(probability=1.0))))
    found, plain = noisy(rollouts), scorer(rollouts)
    assert [s.score.reward for s in found] != [s.score.reward for s in plain]
    of_rewards = {"reward", "reward_std", "zero_variance_groups"}
    metrics, expected = scoring_metrics(found), scoring_metrics(plain)
    assert {k: v for k, v in metrics.items() if k not in of_rewards} == {
        k: v for k, v in expected.items() if k not in of_rewards
    }


def test_metrics_add_up(scorer: Scorer) -> None:
    rollouts = [rollout("p", i, a) for i, a in enumerate(ANSWERS)] + [rollout("q", i, "aa1") for i in range(4)]
    metrics = scoring_metrics(scorer(rollouts))
    assert sum(v for k, v in metrics.items() if k.startswith("verdict/")) == pytest.approx(1)
    assert metrics["correctness"] == pytest.approx(8 / 10)
    assert metrics["specificity"] == pytest.approx((6 * 1 + 2 / 3 + 0) / 8)
    assert metrics["zero_variance_groups"] == 0.5
    assert "hack/dominant_answer" not in metrics, "all pictures show one thing"
    assert "hack/dominant_answer" in scoring_metrics(scorer([*rollouts, rollout("r", 0, "aa2", truth="aa2")]))

"""From rollouts to advantages, whatever process made them: gather, verify, reward whole groups, hand back.

Everything is decided once, on the main process, over whole groups; so a group that is split over two
processes is scored exactly as it would be on one.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rewards.advantages import Scale, group_advantages
from rewards.graded import NOMINAL_SPECIFICITY
from rewards.group import Group
from rewards.rubric import Rubric
from rewards.verifier import Pair, Verifier
from rlfg.data import ParseMode, parse_answer
from rlfg.taxonomy import normalize
from rlfg.types import VERDICT_LABELS, Relation, Rollout, Score, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A rollout with its score and advantage."""

    rollout: Rollout
    verdict: Verdict
    """As it was given; `score.verdict` is as it was rewarded, which differs under noise."""
    score: Score
    advantage: float
    valid: bool
    """False where there is no verdict: masked out of everything."""


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """Verifier, rubric and advantage scale of a run."""

    verifier: Verifier
    rubric: Rubric
    parse_mode: ParseMode
    scale: Scale

    def __call__(self, rollouts: Sequence[Rollout]) -> list[Scored]:
        """Scores the rollouts of all processes, in their order; groups may be scattered."""
        answers = [parse_answer(r.completion, self.parse_mode).answer for r in rollouts]
        pairs = [(a, r.truth) for a, r in zip(answers, rollouts, strict=True)]
        return reward_groups(rollouts, verify_some(self.verifier, pairs), self.rubric, self.scale)


def reward_groups(
    rollouts: Sequence[Rollout], verdicts: Sequence[Verdict], rubric: Rubric, scale: Scale
) -> list[Scored]:
    """Scores and advantages of rollouts whose verdicts are known, in their order; groups may be scattered."""
    members: dict[str, list[int]] = defaultdict(list)
    for i, rollout in enumerate(rollouts):
        members[rollout.group_id].append(i)
    scores: dict[int, Score] = {}
    for group_id, found in members.items():
        order = sorted(found, key=lambda i: rollouts[i].index)
        group = Group(
            verdicts=tuple(verdicts[i] for i in order),
            completions=tuple(rollouts[i].completion for i in order),
            lengths=tuple(len(rollouts[i].token_ids) for i in order),
            step=rollouts[order[0]].step,
            group_id=group_id,
        )
        scores |= dict(zip(order, rubric(group), strict=True))
    rewards = [scores[i].reward for i in range(len(rollouts))]
    advantages = group_advantages(rewards, group_ids=[r.group_id for r in rollouts], scale=scale)
    return [
        Scored(
            rollout=rollout,
            verdict=verdicts[i],
            score=scores[i],
            advantage=float(advantages.values[i]),
            valid=bool(advantages.valid[i]),
        )
        for i, rollout in enumerate(rollouts)
    ]


def verify_some(verifier: Verifier, pairs: Sequence[Pair], *, wait_s: float = 1.0) -> list[Verdict]:
    """The verdicts; asked again as long as a judge that is down leaves nothing to train on.

    The judge itself puts an end to that, by `JudgeDown`.
    """
    while True:
        verdicts = verifier.verify(pairs)
        unanswered = any(v.source == "judge" and v.relation is None for v in verdicts)
        if not unanswered or any(v.relation is not None for v in verdicts):
            return verdicts
        time.sleep(wait_s)


def varied_groups(scored: Sequence[Scored]) -> list[str]:
    """Ids, in order, of the groups in which rewards differ: the others carry no gradient.

    Rollouts without a verdict do not count.
    """
    rewards: dict[str, set[float]] = defaultdict(set)
    for one in scored:
        if one.score.reward is not None:
            rewards[one.rollout.group_id].add(round(one.score.reward, 9))
    return [group for group, found in rewards.items() if len(found) > 1]


def scoring_metrics(scored: Sequence[Scored]) -> dict[str, float]:
    """What is logged of one set of rollouts: verdict shares, correctness, specificity, HM, group variance.

    Shares are of all rollouts and add up to 1; correctness leaves out NO_VERDICT, as in evaluation. Verdicts are those
    that were given: noise is in the rewards alone.
    """
    verdicts = [s.verdict for s in scored]
    labels = [v.label for v in verdicts]
    decided = [v for v in verdicts if v.decided]
    right = [
        NOMINAL_SPECIFICITY[v.relation] if v.specificity is None else v.specificity
        for v in decided
        if v.relation is not None and v.relation.is_correct
    ]
    correctness = len(right) / max(len(decided), 1)
    specificity = float(np.mean(right)) if right else 0.0
    groups = {s.rollout.group_id for s in scored if s.score.reward is not None}
    lengths = [len(s.rollout.token_ids) for s in scored]
    rewards = [s.score.reward for s in scored if s.score.reward is not None]
    return {
        **{f"verdict/{label.lower()}": labels.count(label) / len(labels) for label in VERDICT_LABELS},
        "reward": float(np.mean(rewards)) if rewards else 0.0,
        "reward_std": float(np.std(rewards)) if rewards else 0.0,
        "correctness": correctness,
        "specificity": specificity,
        "hm": 2 * correctness * specificity / max(correctness + specificity, 1e-12),
        "zero_variance_groups": (len(groups) - len(varied_groups(scored))) / max(len(groups), 1),
        # Of one truth, one answer is what is wanted.
        **({"hack/dominant_answer": dominant_share(verdicts)} if len({v.truth for v in verdicts}) > 1 else {}),
        "hack/wrong_specific": sum(v.relation is Relation.WRONG and (v.claim or 0) >= 1 for v in verdicts)
        / len(scored),
        "length/mean": float(np.mean(lengths)),
        "length/max": float(max(lengths)),
        "length/truncated": sum(s.rollout.finish_reason == "length" for s in scored) / len(scored),
    }


def dominant_share(verdicts: Sequence[Verdict]) -> float:
    """How much one answer is given whatever the truth: for each answer, its mean share over the distinct truths.

    1 where everything gets the same answer; 1 / number of truths where each truth has its own.
    """
    by_truth: dict[str | None, Counter[str]] = defaultdict(Counter)
    for verdict in verdicts:
        if verdict.answer is not None:
            by_truth[verdict.truth][normalize(verdict.answer)] += 1
    totals: dict[str, float] = defaultdict(float)
    for answers in by_truth.values():
        for answer, count in answers.items():
            totals[answer] += count / answers.total()
    return max(totals.values(), default=0.0) / max(len(by_truth), 1)

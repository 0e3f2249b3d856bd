"""What every reward of `build_reward` keeps, and the names it knows."""

from __future__ import annotations

import random

import pytest
from reward_toys import toy_reward

from rewards import build_reward
from rewards.build import REWARDS
from rewards.fine_r1 import names_truth
from rlfg.errors import RlfgError
from rlfg.types import Relation, Verdict

ANY_REWARD = pytest.mark.parametrize("name", list(REWARDS))


def draw_group(draw: random.Random, size: int) -> list[Verdict]:
    outcomes = [*Relation, "unparsed", None]
    answers = ["gull", "herring gull", "bird"]
    verdicts = []
    for outcome in draw.choices(outcomes, k=size):
        relation = outcome if isinstance(outcome, Relation) else None
        verdicts.append(
            Verdict(
                relation=relation,
                unparsed=outcome == "unparsed",
                answer=None if outcome == "unparsed" else draw.choice(answers),
                truth="herring gull",
                specificity=draw.random() if relation is not None and relation.is_correct else None,
            )
        )
    return verdicts


@ANY_REWARD
def test_only_rollouts_without_a_verdict_are_masked(name: str) -> None:
    reward, draw = toy_reward(name), random.Random(0)
    for _ in range(300):
        verdicts = draw_group(draw, 8)
        rewards = reward(verdicts)
        assert [value is not None for value in rewards] == [verdict.decided for verdict in verdicts]
        assert all(-1 <= value <= 1 for value in rewards if value is not None)


@ANY_REWARD
def test_masked_rollouts_change_nobody_elses_reward(name: str) -> None:
    reward, draw = toy_reward(name), random.Random(1)
    for _ in range(300):
        verdicts = draw_group(draw, 8)
        decided = [verdict for verdict in verdicts if verdict.decided]
        assert [value for value in reward(verdicts) if value is not None] == reward(decided)


@ANY_REWARD
def test_order_of_the_rollouts_does_not_matter(name: str) -> None:
    reward, draw = toy_reward(name), random.Random(2)
    for _ in range(300):
        verdicts = draw_group(draw, 8)
        order = draw.sample(range(8), 8)
        rewards = reward(verdicts)
        assert reward([verdicts[i] for i in order]) == [rewards[i] for i in order]


@ANY_REWARD
def test_all_wrong_earns_nothing(name: str) -> None:
    wrong = Verdict(relation=Relation.WRONG, answer="a duck", truth="herring gull")
    assert toy_reward(name)([wrong, wrong]) == [0, 0]


def test_unparsed_earns_minus_one_but_under_fine_r1() -> None:
    unparsed = Verdict(relation=None, unparsed=True, truth="gull")
    earned = {name: toy_reward(name)([unparsed]) for name in REWARDS}
    assert earned == {name: [0.0 if name == "fine_r1_accuracy" else -1.0] for name in REWARDS}


def test_graded_pays_depth_and_falls_back_on_the_relation() -> None:
    verdicts = [
        Verdict(relation=Relation.LESS_SPECIFIC, specificity=2 / 3),
        Verdict(relation=Relation.GENERIC, specificity=0.0),  # the root
        Verdict(relation=Relation.LESS_SPECIFIC),  # a judge's: no depth
        Verdict(relation=Relation.GENERIC),
        Verdict(relation=Relation.MORE_SPECIFIC, specificity=1.0),
        Verdict(relation=Relation.ABSTAIN),
    ]
    assert build_reward("graded")(verdicts) == [2 / 3, 0, 0.75, 0.5, 1, 0]


@pytest.mark.parametrize(
    ("answer", "truth", "named"),
    [
        ("cat", "cat", True),
        ("Caterpillar", "cat", False),  # the authors' substring test pays this
        ("a photo of a Black-and-White Warbler.", "Black and white Warbler", True),
        ("Brewer's Blackbird", "brewer blackbird", False),
        ("cat or dog", "cat", False),
        ("cat and dog", "cat", False),
        ("dog, cat", "cat", False),
        ("dog\ncat", "cat", False),
        ("one two three four five six cat", "cat", True),
        ("one two three four five six seven cat", "cat", False),
        ("", "cat", False),
    ],
)
def test_fine_r1_wants_the_truth_in_whole_words(answer: str, truth: str, named: bool) -> None:
    assert names_truth(answer, truth) is named


def test_unknown_names_and_options_name_the_choices() -> None:
    with pytest.raises(RlfgError, match=r'unknown reward "dinamic"; choose from dynamic, hedged, binary'):
        build_reward("dinamic")
    with pytest.raises(RlfgError, match=r'"dynamic" has no option "tie"; its options are ties, abstention, anchor_k'):
        build_reward("dynamic", tie="all")
    with pytest.raises(RlfgError, match=r'reward "binary" has no option "table"; it has none'):
        build_reward("binary", table="scala1")

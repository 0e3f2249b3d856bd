"""The hedged reward: hand tables, and the bet that it makes of every answer."""

from __future__ import annotations

import itertools
import random

import pytest

from rewards import build_reward, group_advantages
from rlfg.errors import RlfgError
from rlfg.types import Relation, Verdict

RELATIONS = {
    "M": Relation.MORE_SPECIFIC,
    "S": Relation.SPECIFIC,
    "L": Relation.LESS_SPECIFIC,
    "G": Relation.GENERIC,
    "A": Relation.ABSTAIN,
    "W": Relation.WRONG,
}


def group(letters: str) -> list[Verdict]:
    return [Verdict(relation=RELATIONS.get(letter), unparsed=letter == "-") for letter in letters]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("MSLGAW-?", [1, 1, 0.5, 0.25, 0, 0, -1, None]),
        ("LGAW", [1, 0.5, 0, 0]),
        ("GGAW", [1, 1, 0, 0]),  # nobody knows better: the coarse answer is the best answer
        ("AAW", [1, 1, 0]),
        ("WWW", [0, 0, 0]),
        ("?-", [None, -1]),
        ("", []),
    ],
)
def test_defaults(letters: str, expected: list[float | None]) -> None:
    assert build_reward("hedged")(group(letters)) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"hedge": 0.8}, [1, 0.8, pytest.approx(0.64), 0, 0]),
        ({"hedge": 0.8, "falloff": 0.5}, [1, 0.8, 0.4, 0, 0]),
        ({"hedge": 0.8, "falloff": 1}, [1, 0.8, 0.8, 0, 0]),
        ({"abstain": 0.1}, [1, 0.5, 0.25, 0.1, 0]),
        ({"hedge": 1.0}, [1, 1, 1, 0, 0]),
        ({"anchor_k": 2}, [1, 1, 0.5, 0, 0]),
        ({"anchor_quantile": 0.5}, [1, 1, 1, 0, 0]),
    ],
)
def test_options(options: dict[str, float], expected: list[float]) -> None:
    assert build_reward("hedged", **options)(group("SLGAW")) == expected


def test_no_hedge_is_the_dynamic_reward() -> None:
    draw = random.Random(0)
    for options in ({}, {"abstention": "never"}, {"anchor_k": 3}, {"anchor_quantile": 0.7}):
        hedged, dynamic = build_reward("hedged", hedge=0, **options), build_reward("dynamic", **options)
        for _ in range(500):
            verdicts = group("".join(draw.choices("MSLGAW-?", k=8)))
            assert hedged(verdicts) == dynamic(verdicts)


def test_coarser_is_never_paid_more_and_wrong_less_than_correct() -> None:
    """Over every group of four outcomes: the pay follows the order of the relations."""
    reward = build_reward("hedged", abstain=0.2)
    for letters in itertools.product("SLGAW", repeat=4):
        paid = dict(zip(letters, reward(group("".join(letters))), strict=True))
        ladder = [paid[letter] for letter in "WAGLS" if letter in paid]
        assert ladder == sorted(ladder)  # type: ignore[type-var]
        assert all(paid[letter] > 0 for letter in "GLS" if letter in paid)  # type: ignore[operator]


@pytest.mark.parametrize("hedge", [0.2, 0.5, 0.8])
def test_committing_pays_above_a_chance_of_hedge_once_the_bar_is_set(hedge: float) -> None:
    """Chow's rule, at every rank: another rollout is SPECIFIC, and we go one step finer or stay."""
    reward = build_reward("hedged", hedge=hedge)

    def earns(letter: str) -> float:
        value = reward(group("S" + letter))[1]
        assert value is not None
        return value

    for finer, coarser in (("S", "L"), ("L", "G")):
        # p · finer + (1 - p) · wrong = coarser
        indifferent = (earns(coarser) - earns("W")) / (earns(finer) - earns("W"))
        assert indifferent == pytest.approx(hedge)


@pytest.mark.parametrize("hedge", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("scale", ["none", "group"])
def test_first_to_commit_needs_the_documented_chance(hedge: float, scale: str) -> None:
    """Seven rollouts hedge and one goes finer: the chance at which its expected advantage is zero."""
    reward = build_reward("hedged", hedge=hedge)

    def advantage(letter: str) -> float:
        rewards = [reward(group("L" * 7 + letter))]
        return float(group_advantages(rewards, scale=scale).values[0, 7])  # type: ignore[arg-type]

    right, wrong = advantage("S"), advantage("W")
    expected = 1 / (2 - hedge) if scale == "none" else 0.5
    assert -wrong / (right - wrong) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hedge": 1.5}, "hedge is 1.5; it must be a number from 0 to 1"),
        ({"hedge": "half"}, "hedge is 'half'"),
        ({"falloff": -1}, "falloff is -1"),
        ({"abstain": 0.3}, "abstain is 0.3; it must be a number from 0 to 0.25"),
    ],
)
def test_bad_options_fail_when_built(options: dict[str, object], message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        build_reward("hedged", **options)

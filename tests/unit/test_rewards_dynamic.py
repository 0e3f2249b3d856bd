"""The dynamic and static rewards, against hand tables and an independent reference."""

from __future__ import annotations

import random

import pytest

from rewards import build_reward
from rewards.anchor import find_bar
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
LETTERS = "MSLGAW-?"  # "-" unparsed, "?" no verdict


def group(letters: str) -> list[Verdict]:
    return [Verdict(relation=RELATIONS.get(letter), unparsed=letter == "-") for letter in letters]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("SLGAW", [1, 0, 0, 0, 0]),
        ("MSL", [1, 1, 0]),
        ("LLGW", [1, 1, 0, 0]),
        ("GGGW", [1, 1, 1, 0]),
        ("AAW", [1, 1, 0]),
        ("WWW", [0, 0, 0]),
        ("S-?G", [1, -1, None, 0]),
        ("W-?", [0, -1, None]),
        ("--", [-1, -1]),
        ("??", [None, None]),
        ("", []),
    ],
)
def test_dynamic_pays_what_ties_with_the_best(letters: str, expected: list[float | None]) -> None:
    assert build_reward("dynamic")(group(letters)) == expected


def test_dynamic_first_pays_only_the_first_of_the_best() -> None:
    reward = build_reward("dynamic", ties="first")
    assert reward(group("GSLMW")) == [0, 1, 0, 0, 0]
    assert reward(group("WW-?")) == [0, 0, -1, None]


def test_dynamic_can_refuse_to_pay_abstentions() -> None:
    reward = build_reward("dynamic", abstention="never")
    assert reward(group("AAW")) == [0, 0, 0]
    assert reward(group("GAW")) == [1, 0, 0]


@pytest.mark.parametrize(
    ("letters", "options", "expected"),
    [
        ("SLLGW", {}, "S"),
        ("SLLGW", {"anchor_k": 2}, "L"),
        ("SLLGW", {"anchor_k": 4}, "G"),
        ("SL-?", {"anchor_k": 9}, "L"),  # fewer than k have a relation: what all of them reach
        ("SWWW", {"anchor_k": 2}, "A"),  # WRONG is never the bar
        ("SWWW", {"anchor_k": 2, "abstention": "never"}, "G"),
        ("SSLLLLGGWW", {"anchor_quantile": 1.0}, "S"),
        ("SSLLLLGGWW", {"anchor_quantile": 0.8}, "L"),  # the 8th of 10 from the bottom
        ("SSLLLLGGWW", {"anchor_quantile": 0.5}, "L"),
        ("SSLLLLGGWW", {"anchor_quantile": 0.4}, "G"),
        ("-?", {}, "A"),
    ],
)
def test_bar(letters: str, options: dict[str, float], expected: str) -> None:
    assert find_bar(group(letters), **options) == RELATIONS[expected].order  # type: ignore[arg-type]


def test_k_of_n_pays_above_the_bar_too() -> None:
    assert build_reward("dynamic", anchor_k=2)(group("SLLGAW")) == [1, 1, 1, 0, 0, 0]


def test_quantile_counts_survive_rounding() -> None:
    """0.55 · 100 is 55.000…01 in floating point: still the 55th from the bottom."""
    verdicts = group("G" * 55 + "S" * 45)
    assert find_bar(verdicts, anchor_quantile=0.55) == Relation.GENERIC.order
    assert find_bar(verdicts, anchor_quantile=0.56) == Relation.SPECIFIC.order


@pytest.mark.parametrize(
    ("table", "prices"),
    [
        ("binary", [1, 1, 0, 0, 0, 0, -1, None]),
        ("scala1", [1, 1, 0.75, 0.5, 0.25, 0, -1, None]),
        ("scala2", [1, 1, 0.75, 0.5, 0, 0, -1, None]),
        ("scala3", [1, 1, 0.75, 0, 0, 0, -1, None]),
    ],
)
def test_static_tables(table: str, prices: list[float | None]) -> None:
    assert build_reward(table)(group(LETTERS)) == prices


def reference_dynamic(letters: str) -> list[float | None]:
    """The paper's reward on letters, written without the library."""
    height = {"M": 4, "S": 4, "L": 3, "G": 2, "A": 1, "W": 0}
    best = max([height[x] for x in letters if x in height], default=0)
    rewards: list[float | None] = []
    for x in letters:
        if x == "?":
            rewards.append(None)
        elif x == "-":
            rewards.append(-1.0)
        else:
            rewards.append(1.0 if best > 0 and height[x] == best else 0.0)
    return rewards


def reference_static(letters: str, prices: str) -> list[float | None]:
    table = dict(zip("MSLGAW", (float(price) for price in prices.split()), strict=True))
    return [None if x == "?" else -1.0 if x == "-" else table[x] for x in letters]


def test_differential_on_random_groups() -> None:
    tables = {
        "binary": "1 1 0 0 0 0",
        "scala1": "1 1 .75 .5 .25 0",
        "scala2": "1 1 .75 .5 0 0",
        "scala3": "1 1 .75 0 0 0",
    }
    dynamic = build_reward("dynamic")
    static = {name: build_reward(name) for name in tables}
    draw = random.Random(0)
    for _ in range(10_000):
        # A random subset of outcomes, so that all-wrong and all-masked groups occur too.
        outcomes = draw.sample(LETTERS, draw.randint(1, len(LETTERS)))
        letters = "".join(draw.choices(outcomes, k=draw.randint(1, 16)))
        verdicts = group(letters)
        assert dynamic(verdicts) == reference_dynamic(letters), letters
        for name, prices in tables.items():
            assert static[name](verdicts) == reference_static(letters, prices), (name, letters)


def reference_options(
    letters: str, *, ties: str, lowest: int, k: int, quantile: float | None, hedge: float | None
) -> list[float | None]:
    """The dynamic reward's switches and the hedged reward on letters, written without the library."""
    height = {"M": 4, "S": 4, "L": 3, "G": 2, "A": 1, "W": 0}
    heights = sorted(height[x] for x in letters if x in height)
    if quantile is not None:  # the first height that this share of the group stays at or below
        best = next((h for i, h in enumerate(heights, 1) if i / len(heights) >= quantile), 0)
    else:
        best = heights[-min(k, len(heights))] if heights else 0
    bar, paid, rewards = max(lowest, best), False, []
    for x in letters:
        at_bar = height.get(x, -1) >= bar and not (paid and ties == "first")
        below = hedge ** (bar - height[x]) if hedge is not None and bar > height.get(x, -1) >= 2 else 0.0
        rewards.append(None if x == "?" else -1.0 if x == "-" else 1.0 if at_bar else below)
        paid = paid or at_bar
    return rewards


def test_differential_of_every_switch() -> None:
    draw = random.Random(1)
    for _ in range(10_000):
        letters = "".join(draw.choices(draw.sample(LETTERS, draw.randint(1, len(LETTERS))), k=draw.randint(1, 16)))
        abstention, ties = draw.choice(["paper", "never"]), draw.choice(["all", "first"])
        k, quantile = draw.choice([(draw.randint(1, 5), None), (1, draw.choice([0.0, 0.25, 0.5, 0.75, 1.0]))])
        hedge = draw.choice([None, 0.25, 0.5, 1.0])
        options = {"abstention": abstention, "anchor_k": k, "anchor_quantile": quantile}
        if hedge is None:
            reward = build_reward("dynamic", ties=ties, **options)
        else:
            reward, ties = build_reward("hedged", hedge=hedge, **options), "all"
        lowest = 1 if abstention == "paper" else 2
        expected = reference_options(letters, ties=ties, lowest=lowest, k=k, quantile=quantile, hedge=hedge)
        assert reward(group(letters)) == expected, (letters, options, ties, hedge)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ties": "last"}, "ties is 'last'; choose from all, first"),
        ({"abstention": "maybe"}, "abstention is 'maybe'; choose from paper, never"),
        ({"anchor_k": 0}, "anchor_k is 0; it must be a whole number, 1 or more"),
        ({"anchor_k": 1.5}, "anchor_k is 1.5; it must be a whole number"),
        ({"anchor_quantile": 80}, "anchor_quantile is 80; it must be a number from 0 to 1"),
        ({"anchor_k": 2, "anchor_quantile": 0.5}, "give one of them"),
    ],
)
def test_bad_options_fail_when_built(options: dict[str, object], message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        build_reward("dynamic", **options)

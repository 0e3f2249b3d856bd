"""The noisy verifier: rates, directions, and draws that depend on nothing but their place."""

from __future__ import annotations

from collections import Counter

import pytest

from rewards import Group, Noise
from rlfg.errors import RlfgError
from rlfg.types import Relation, Verdict

N = 4000


def shifted(relation: Relation, probability: float, **place: object) -> Counter[str]:
    verdicts = (Verdict(relation=relation),) * N
    return Counter(v.label for v in Noise(probability=probability)(Group(verdicts=verdicts, **place)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("relation", "neighbours"),
    [
        (Relation.WRONG, {"ABSTAIN"}),
        (Relation.ABSTAIN, {"WRONG", "GENERIC"}),
        (Relation.GENERIC, {"ABSTAIN", "LESS_SPECIFIC"}),
        (Relation.LESS_SPECIFIC, {"GENERIC", "SPECIFIC"}),
        (Relation.SPECIFIC, {"LESS_SPECIFIC"}),
        (Relation.MORE_SPECIFIC, {"LESS_SPECIFIC"}),
    ],
)
def test_one_step_at_random_and_inwards_at_the_ends(relation: Relation, neighbours: set[str]) -> None:
    counts = shifted(relation, 1.0)
    assert set(counts) == neighbours
    # ± 0.05 is six standard deviations of a fair coin over 4,000 draws.
    assert all(abs(count / N - 1 / len(neighbours)) < 0.05 for count in counts.values())


@pytest.mark.parametrize("probability", [0.0, 0.05, 0.1, 0.25])
def test_rate(probability: float) -> None:
    moved = 1 - shifted(Relation.GENERIC, probability)["GENERIC"] / N
    assert abs(moved - probability) < 6 * (probability * (1 - probability) / N) ** 0.5 + 1e-9


def test_unparsed_and_undecided_are_left_alone() -> None:
    verdicts = (Verdict(relation=None, unparsed=True), Verdict(relation=None))
    assert Noise(probability=1.0)(Group(verdicts=verdicts)) == verdicts


def test_a_shifted_verdict_says_what_it_was_and_loses_its_depth() -> None:
    verdict = Verdict(relation=Relation.SPECIFIC, specificity=1.0, answer="gull", reason="the same taxon")
    (noisy,) = Noise(probability=1.0)(Group(verdicts=(verdict,)))
    assert (noisy.relation, noisy.specificity, noisy.answer) == (Relation.LESS_SPECIFIC, None, "gull")
    assert noisy.reason == "noise: was SPECIFIC (the same taxon)"


def test_draws_depend_on_seed_step_group_and_position_only() -> None:
    verdicts = (Verdict(relation=Relation.GENERIC),) * 64

    def draws(seed: int = 0, step: int = 3, group_id: str = "a") -> list[str]:
        noisy = Noise(probability=0.5, seed=seed)(Group(verdicts=verdicts, step=step, group_id=group_id))
        return [verdict.label for verdict in noisy]

    assert draws() == draws()
    assert len({tuple(draws(**change)) for change in ({}, {"seed": 1}, {"step": 4}, {"group_id": "b"})}) == 4
    # A position's draw does not hang on what stands in the other positions.
    mixed = (Verdict(relation=None), *verdicts[1:])
    noisy = Noise(probability=0.5)(Group(verdicts=mixed, step=3, group_id="a"))
    assert [verdict.label for verdict in noisy][1:] == draws()[1:]
    fewer = Noise(probability=0.5)(Group(verdicts=verdicts[:5], step=3, group_id="a"))
    assert [verdict.label for verdict in fewer] == draws()[:5]


def test_probability_is_checked() -> None:
    with pytest.raises(RlfgError, match=r"probability is 1\.5"):
        Noise(probability=1.5)

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eval_toys import scored, toy_tree

from eval.compare import compare, compare_many
from eval.compare.holm import holm
from eval.compare.text import corrected_text
from eval.intervals import class_bootstrap
from eval.metrics.ratio import Ratio
from eval.score import ScoredItem
from eval.seeds import over_seeds, seeds_text, t_interval, t_quantile
from rlfg.errors import RlfgError
from rlfg.types import Relation, Verdict


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04: times 4, 3, 2, 1 = .04 .06 .06 .04, and none below the one before.
    assert holm({"d": 0.04, "a": 0.01, "c": 0.03, "b": 0.02}) == pytest.approx(
        {"d": 0.06, "a": 0.04, "c": 0.06, "b": 0.06}
    )
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0} and holm({}) == {}


def test_holm_keeps_false_alarms_rare_where_uncorrected_tests_do_not() -> None:
    draw = np.random.default_rng(0).random((2000, 8))
    raw = np.mean([(row < 0.05).any() for row in draw])
    corrected = np.mean([min(holm(dict(enumerate(row))).values()) < 0.05 for row in draw])
    assert raw > 0.3 and corrected < 0.065


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (9, 2.26216), (30, 2.04227), (120, 1.97993)],
)
def test_quantiles_of_t_as_in_the_tables(degrees: int, expected: float) -> None:
    assert t_quantile(0.975, degrees) == pytest.approx(expected, abs=1e-5)
    assert t_quantile(0.5, degrees) == pytest.approx(0, abs=1e-9)


def test_t_interval_by_hand() -> None:
    # Mean 2, sd 1, three values: 2 ± 4.30265 / √3.
    assert t_interval([1, 2, 3]) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-4)
    assert t_interval([1]) is None


def run_of(values: dict[str, list[int]]) -> list[ScoredItem]:
    """Right (1) or wrong (0) for each picture of each class."""
    verdicts = Verdict(relation=Relation.WRONG), Verdict(relation=Relation.SPECIFIC)
    return [
        ScoredItem(id=f"{name}{k}", sample=0, truth=name, answer="a", verdict=verdicts[v], truth_class=name)
        for name, row in values.items()
        for k, v in enumerate(row)
    ]


def test_mean_over_seeds_by_hand() -> None:
    runs = {"s1": run_of({"a": [1, 1], "b": [0, 0]}), "s2": run_of({"a": [1, 1], "b": [1, 1]})}
    row = over_seeds(runs, samples=400).metrics["correctness"]
    assert row.mean == 0.75 and row.values == {"s1": 0.5, "s2": 1.0}
    assert row.sd == pytest.approx(np.std([0.5, 1], ddof=1))
    assert row.t_interval == pytest.approx((0.75 - 12.7062 * 0.25, 0.75 + 12.7062 * 0.25), abs=1e-3)
    # Seed 1 can draw class b twice (0); seed 2 is always 1: both ends are reached, with 1/16 and more.
    assert row.bootstrap_interval == (0.0, 1.0)
    found = over_seeds(runs, samples=20)
    text = seeds_text(found)
    assert "open: 2 runs, 4 items answered in all; failed in any: 0\n" in text
    assert "correctness" in text and "0.750" in text
    assert found.to_json()["metrics"]["correctness"]["values"] == {"s1": 0.5, "s2": 1.0}


def test_one_seed_has_the_interval_of_its_classes() -> None:
    row = over_seeds({"s": run_of({"a": [1], "b": [0]})}, samples=200).metrics["correctness"]
    assert (row.t_interval, row.sd, row.bootstrap_interval) == (None, None, (0.0, 1.0))


def test_seeds_over_other_pictures_are_refused() -> None:
    with pytest.raises(RlfgError, match='not over the same items: 1 ids are in one only, "a1" among them'):
        over_seeds({"s1": run_of({"a": [1, 1]}), "s2": run_of({"a": [1]})})
    with pytest.raises(RlfgError, match="one or more seeds"):
        over_seeds({})


def test_several_runs_against_one_are_corrected_together(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    a = scored(tree, *["Corvus corax"] * 6)
    others = {"much": scored(tree, *["Larus"] * 6), "little": scored(tree, "Larus", *["Corvus corax"] * 5)}
    found = compare_many(a, others)
    assert found["much"].mcnemar.p == pytest.approx(2 / 64) and found["much"].mcnemar.p_holm == pytest.approx(4 / 64)
    assert found["little"].mcnemar.p_holm == 1
    assert compare_many(a, {"much": others["much"]})["much"] == compare(a, others["much"])
    assert "0.0625" in corrected_text(found)


def test_scores_are_compared_too() -> None:
    def scored_by(*values: float | None) -> list[ScoredItem]:
        verdict = Verdict(relation=Relation.SPECIFIC)
        return [
            ScoredItem(
                id=str(k), sample=0, truth="t", answer="a", verdict=verdict, truth_class=str(k % 2), scores={"s": value}
            )
            for k, value in enumerate(values)
        ]

    found = compare(scored_by(0.2, 0.4, None), scored_by(0.6, 0.6, 0.9), samples=50).metrics["s"]
    assert (found.a, found.b) == (pytest.approx(0.3), pytest.approx(0.7))
    assert found.ci is not None and found.ci[0] <= 0.4 <= found.ci[1]


def test_duplicated_items_do_not_narrow_the_interval() -> None:
    """An interval that takes answers as independent shrinks by √2 when the file is doubled; ours stays."""
    draw = np.random.default_rng(0)
    classes, right = np.repeat(np.arange(30), 20).astype(str), draw.random(600).round()

    def width(values: np.ndarray, clusters: np.ndarray) -> float:
        resamples = class_bootstrap(clusters, samples=2000)
        interval = resamples.interval(resamples.draws(Ratio(numerator_N=values, denominator_N=np.ones(len(values)))))
        assert interval is not None
        return interval[1] - interval[0]

    twice = np.concatenate([right, right])
    naive = width(twice, np.arange(1200).astype(str)) / width(right, np.arange(600).astype(str))
    ours = width(twice, np.concatenate([classes, classes])) / width(right, classes)
    assert naive == pytest.approx(1 / np.sqrt(2), abs=0.05) and ours == pytest.approx(1)


def test_pictures_that_one_seed_failed_at_are_in_no_number() -> None:
    """Else seed 2 would be resampled over class a alone, and its mean be of other pictures than that of seed 1."""
    one = run_of({"a": [1, 0], "b": [0, 0]})
    two = [replace(item, error="HTTP 500", answer=None) if item.id[0] == "b" else item for item in one]
    found = over_seeds({"s1": one, "s2": two}, samples=50)
    assert (found.items, found.failed) == (2, ("b0", "b1"))
    assert found.metrics["correctness"].values == {"s1": 0.5, "s2": 0.5}

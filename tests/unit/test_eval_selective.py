from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from eval_toys import sampled as asked
from eval_toys import toy_tree

from eval.metrics.hierarchical_risk import area_under_risk
from eval.metrics.reliability import bin_closed_below, bin_of, expected_calibration_error, reliability_points
from eval.metrics.risk_coverage import augrc, aurc, confidence_groups, risk_coverage_points, trapezoid_aurc
from eval.sampled import on_path, sampled
from eval.selective import picture_records, selective_summary


def area_of(confidence: list[float], wrong: list[int]) -> float:
    levels, index = confidence_groups(np.array(confidence))
    counts, errors = (np.bincount(index, weights=w, minlength=len(levels)) for w in (np.ones(len(index)), wrong))
    return float(aurc(counts, errors))


def published(wrong: list[int]) -> float:
    """AURC as the authors' code sums it, pictures in order of confidence."""
    return sum(sum(wrong[: k + 1]) / (k + 1) for k in range(len(wrong))) / len(wrong)


def test_aurc_by_hand_and_as_published() -> None:
    assert area_of([0.9, 0.8, 0.7, 0.6], [0, 0, 1, 0]) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    rng = np.random.default_rng(0)
    wrong = rng.integers(0, 2, 200).tolist()
    assert area_of(np.linspace(1, 0, 200).tolist(), wrong) == pytest.approx(published(wrong))


def test_aurc_of_equal_confidences_is_the_mean_over_all_orders() -> None:
    """Sure of two, one wrong; three more alike, two wrong. A sort would give whatever order the file has."""
    orders = [published([*a, *b]) for a in itertools.permutations([1, 0]) for b in itertools.permutations([1, 1, 0])]
    assert max(orders) > min(orders)
    assert area_of([0.9, 0.5, 0.9, 0.5, 0.5], [1, 1, 0, 1, 0]) == pytest.approx(np.mean(orders))


def test_the_other_areas_by_hand() -> None:
    """Two surest, one wrong; then three, two wrong: risks 1/2 and 3/5 at coverages 2/5 and 1."""
    counts, errors = np.array([2.0, 3.0]), np.array([1.0, 2.0])
    assert trapezoid_aurc(counts, errors) == pytest.approx(0.4 * 0.5 + 0.6 * (0.5 + 0.6) / 2)
    # Mistakes among all five: 0, 1/5 and 3/5.
    assert augrc(counts, errors) == pytest.approx(0.4 * 0.2 / 2 + 0.6 * (0.2 + 0.6) / 2)
    resamples = augrc(np.array([[2.0, 3.0], [0.0, 5.0]]), np.array([[1.0, 2.0], [0.0, 1.0]]))
    assert resamples == pytest.approx([0.28, 0.1])  # nobody at the first confidence


def test_risk_coverage_points() -> None:
    points = risk_coverage_points(np.array([0.5, 1.0, 0.5, 1.0]), np.array([True, False, True, False]))
    assert [(p["confidence"], p["pictures"], p["coverage"], p["risk"]) for p in points] == [
        (1.0, 2, 0.5, 0), (0.5, 4, 1, 0.5),
    ]  # fmt: skip


def test_area_under_hierarchical_risk_by_hand() -> None:
    # (0, 0), (.2, 0), (.6, .1), (1, .3): triangles and trapezoids.
    assert area_under_risk(np.array([0.2, 0.6, 1.0]), np.array([0.0, 0.1, 0.3])) == pytest.approx(0.02 + 0.08)
    # (.5, .2), (1, .4): with and without the triangle before the first.
    curve = np.array([0.5, 1.0]), np.array([0.2, 0.4])
    assert area_under_risk(*curve) == pytest.approx(0.05 + 0.15)
    assert area_under_risk(*curve, from_origin=False) == pytest.approx(0.15)


def test_reliability_by_hand() -> None:
    confidence, right = np.array([0.1, 0.3, 0.3, 1.0, 0.0]), np.array([False, True, False, True, False])
    assert bin_of(confidence).tolist() == [0, 2, 2, 9, 0]  # a bin is closed above
    assert bin_closed_below(confidence).tolist() == [1, 3, 3, 9, 0]
    assert bin_closed_below(np.arange(11) / 10).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    points = reliability_points(confidence, right)
    assert [p["n"] for p in points] == [2, 0, 2, 0, 0, 0, 0, 0, 0, 1]
    assert (points[2]["confidence"], points[2]["accuracy"]) == (pytest.approx(0.3), 0.5)
    assert points[1]["accuracy"] is None
    gaps = np.bincount(bin_of(confidence), weights=confidence - right, minlength=10)
    counts = np.array([p["n"] for p in points], float)
    assert expected_calibration_error(counts, gaps) == pytest.approx((2 * 0.05 + 2 * 0.2 + 0) / 5)


def test_on_path(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    nodes = np.arange(-1, tree.n)
    for a, b in itertools.product(nodes, nodes):
        expected = a >= 0 and b >= 0 and tree.lca(int(a), int(b)) in (a, b)
        assert on_path(tree, np.array([a]), np.array([b]))[0] == expected


def test_pictures_by_hand(tmp_path: Path) -> None:
    """Two answers each: agreed and right; parted at the family; agreed and wrong; nothing at all."""
    tree = toy_tree(tmp_path)
    items = [
        *asked(tree, "sure", "Larus fuscus", "Larus fuscus"),
        *asked(tree, "parted", "Larus fuscus", "Sterna hirundo", truth="Sterna hirundo"),
        *asked(tree, "wrong", "Corvus corax", "Corvus corax"),
        *asked(tree, "silent", "", "None"),
        *asked(tree, "dodo", "Larus", "Larus", truth="Dodo"),
    ]
    found = sampled(items, tree)
    laridae, fuscus, corax = (tree.lookup(name)[0] for name in ("Laridae", "Larus fuscus", "Corvus corax"))
    assert found.ids == ("sure", "parted", "wrong", "silent") and found.without_truth == ("dodo",)
    assert found.thresholds == (1.0, 0.5)
    assert found.top_M.tolist() == [fuscus, fuscus, corax, -1]
    assert found.confidence_M.tolist() == [1, 0.5, 1, 0]
    assert found.said_MT.tolist() == [[fuscus, fuscus], [laridae, fuscus], [corax, corax], [-1, -1]]
    summary = selective_summary(found, tree, samples=50)
    # Sure: one right, one wrong, in either order; then a wrong one at .5, and the silent one, which counts as wrong.
    assert summary["aurc"]["value"] == pytest.approx(((0 + 1) / 2 + 1 / 2 + 2 / 3 + 3 / 4) / 4)
    assert summary["aurc"]["denominator"] == 4 and summary["without_truth"] == ["dodo"]
    strict, lenient = summary["accuracy_specificity"]
    assert (strict["answered"]["value"], strict["accuracy"]["value"], strict["accuracy"]["denominator"]) == (
        0.75, pytest.approx(2 / 3), 3,
    )  # fmt: skip
    assert strict["specificity"]["value"] == pytest.approx((1 + 0.5) / 2)
    assert lenient["accuracy"]["value"] == pytest.approx(1 / 3) and lenient["specificity"]["value"] == 1
    # Coverage of Laridae: 1 - log2(3) / log2(4).
    cover = 1 - np.log2(3) / 2
    strict_cover = (1 + cover + 1 + 0) / 4
    area = strict_cover * 0.25 / 2 + (0.75 - strict_cover) * (0.25 + 0.5) / 2
    assert summary["haurc"]["value"] == pytest.approx(area) and summary["haurc"]["coverage_reached"] == 0.75
    assert summary["haurc"]["published"] == pytest.approx(area - strict_cover * 0.25 / 2)
    # Four pictures: of the surest two one is wrong, then one at .5 and one at 0.
    assert summary["aurc"]["trapezoid"] == pytest.approx(
        0.5 * 0.5 + 0.25 * (1 / 2 + 2 / 3) / 2 + 0.25 * (2 / 3 + 3 / 4) / 2
    )
    assert summary["augrc"]["value"] == pytest.approx((0.5 * 0.25 + 0.25 * (0.25 + 0.5) + 0.25 * (0.5 + 0.75)) / 2)
    family = summary["calibration"]["family"]
    assert family["ece"]["denominator"] == 3 and sum(b["n"] for b in family["bins"]) == 3
    assert family["brier"]["value"] == pytest.approx((0 + 0 + 1) / 3)
    genus = summary["calibration"]["genus"]  # the path of "parted" goes on to Larus with .5, and is wrong
    assert genus["brier"]["value"] == pytest.approx((0 + 0.25 + 1) / 3)
    assert genus["ece"]["value"] == pytest.approx((2 * 0.5 + 1 * 0.5) / 3)
    assert genus["ece"]["closed_below"] == genus["ece"]["value"]  # .5 and 1 are in bins of their own either way


def test_every_number_is_found_again_in_the_pictures(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    names = ("Larus fuscus", "Larus canus", "Sterna hirundo", "Larus", "Laridae", "Corvus corax", "", "None")
    draw = np.random.default_rng(0)
    items = [
        item
        for k in range(40)
        for item in asked(tree, f"p{k}", *draw.choice(names, 5).tolist(), truth=str(draw.choice(names[:3])))
    ]
    found = sampled(items, tree)
    summary, records = selective_summary(found, tree, samples=20), picture_records(found, tree)
    wrong = [not r["right"] for r in records]
    assert summary["aurc"]["value"] == pytest.approx(area_of([r["confidence"] for r in records], wrong))
    for step in summary["accuracy_specificity"]:
        said = [r["said"][f"{step['threshold']:.6g}"] for r in records]
        assert step["accuracy"]["denominator"] == sum(node is not None for node in said)
    for name, level in summary["calibration"].items():
        rows = [r["levels"][name] for r in records if name in r["levels"]]
        assert level["brier"]["denominator"] == len(rows) == sum(b["n"] for b in level["bins"])
        squares = [(row["confidence"] - row["right"]) ** 2 for row in rows]
        assert level["brier"]["value"] == pytest.approx(np.mean(squares))
    low, high = summary["aurc"]["ci"]
    assert low <= summary["aurc"]["value"] <= high


def test_no_pictures(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    summary = selective_summary(sampled(asked(tree, "d", "Larus", "Larus", truth="Dodo"), tree), tree, samples=5)
    assert summary["pictures"] == 0 and summary["aurc"]["value"] is None and summary["haurc"]["value"] is None
    assert summary["augrc"]["value"] is summary["aurc"]["trapezoid"] is None and "published" not in summary["haurc"]

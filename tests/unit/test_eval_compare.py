from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from eval_toys import sampled, scored, toy_tree

from eval.compare import compare, differences
from eval.compare.paired import mcnemar_p
from eval.compare.text import comparison_text
from eval.pairing import pair_runs, usual_verdict
from eval.score import ScoredItem, score
from rewards.verifier import NoVerifier, TaxonomyVerifier
from rlfg.errors import RlfgError
from rlfg.types import Prediction, Relation, Verdict


def test_by_hand(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    a = scored(tree, "Larus", "Corvus corax", "Larus fuscus", "bird") + scored(tree, "Larus", name="only-a")
    b = scored(tree, "Larus fuscus", "Larus", "Larus fuscus", "Corvus corax") + scored(tree, "Larus", name="only-b")
    result = compare(a, b, tree, samples=50)
    assert (result.items, result.only_a, result.only_b, result.failed) == (4, ("only-a0",), ("only-b0",), ())
    correctness, specificity = result.metrics["correctness"], result.metrics["specificity"]
    assert (correctness.a, correctness.b, correctness.difference) == (0.75, 0.75, 0)
    assert specificity.a == pytest.approx((0.75 + 1 + 0) / 3) and specificity.b == pytest.approx((1 + 0.75 + 1) / 3)
    test = result.mcnemar
    assert (test.both_correct, test.only_a_correct, test.only_b_correct, test.neither_correct) == (2, 1, 1, 0)
    assert test.p == 1
    assert result.transitions["LESS_SPECIFIC"] == {"SPECIFIC": 1}
    assert [(c.id, c.a_verdict, c.b_verdict) for c in result.changed] == [
        ("i0", "LESS_SPECIFIC", "SPECIFIC"),
        ("i1", "WRONG", "LESS_SPECIFIC"),
        ("i3", "GENERIC", "WRONG"),
    ]
    assert sum(n for row in result.transitions.values() for n in row.values()) == 4
    text = comparison_text(result)
    assert "4 items in both; only in A: 1, only in B: 1, failed in either: 0" in text
    assert 'i1: Larus fuscus: "Corvus corax" WRONG → "Larus" LESS_SPECIFIC' in text
    assert json.loads(json.dumps(result.to_json()))["mcnemar"]["only_b_correct"] == 1


def test_mcnemar_is_the_binomial_sign_test() -> None:
    assert mcnemar_p(0, 0) == 1 and mcnemar_p(3, 3) == 1
    assert mcnemar_p(0, 5) == pytest.approx(2 / 32)
    assert mcnemar_p(8, 2) == mcnemar_p(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 1024)
    exact = 2 * sum(math.comb(3000, k) for k in range(1401)) / 2**3000
    assert mcnemar_p(1400, 1600) == pytest.approx(exact)


def test_several_answers_stand_by_the_most_frequent_verdict(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    assert usual_verdict(sampled(tree, "a", "Larus", "Larus", "bird")) == "LESS_SPECIFIC"
    assert usual_verdict(sampled(tree, "a", "Larus", "Corvus corax")) == "WRONG"
    assert usual_verdict(sampled(tree, "a", "", "Corvus corax")) == "UNPARSED"
    assert usual_verdict(sampled(tree, "a", "Larus", truth="Dodo")) == "NO_VERDICT"
    result = compare(sampled(tree, "a", "Larus", "bird", "bird"), sampled(tree, "a", "Larus", "Larus", "bird"))
    assert result.changed[0].a_answers == {"bird": 2, "Larus": 1}


def test_failed_and_undecided_items_are_counted_apart(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    undecided = scored(tree, "Larus", truth="Dodo", name="u")
    failed = score([Prediction(id="f", truth="Larus", error="timeout")], TaxonomyVerifier(tree), tree)
    answered = scored(tree, "Larus", truth="Larus", name="f")
    answered = [ScoredItem(**{name: getattr(i, name) for name in ScoredItem.__slots__} | {"id": "f"}) for i in answered]
    result = compare(scored(tree, "Larus") + undecided + failed, scored(tree, "Larus") + undecided + answered)
    assert result.items == 2 and result.failed == ("f",) and result.mcnemar.no_verdict == 1
    assert result.mcnemar.both_correct == 1


def test_runs_that_cannot_be_compared(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    with pytest.raises(RlfgError, match="no answered item in common"):
        compare(scored(tree, "Larus"), scored(tree, "Larus", name="other"))
    with pytest.raises(RlfgError, match='item "i0" has the truth "Larus fuscus" in A and "Corvus corax" in B'):
        compare(scored(tree, "Larus"), scored(tree, "Larus", truth="Corvus corax"))
    (text_only,) = score([Prediction(id="i0", truth="Larus fuscus", answers=("gull",))], NoVerifier(), None)
    with pytest.raises(RlfgError, match="not one class; .* both scored with the same taxonomy, or both without one"):
        compare(scored(tree, "Larus"), [text_only])


def test_a_paired_interval_is_narrower_than_the_runs_own() -> None:
    """Classes differ widely in difficulty; run B is right wherever A is, and a little more."""
    rng = np.random.default_rng(0)
    easy = np.repeat(rng.random(50), 20)
    luck = rng.random(1000)
    runs = [[item(k, right) for k, right in enumerate(luck < easy + bonus)] for bonus in (0.0, 0.05)]
    found = differences(pair_runs(*runs))["correctness"]
    assert found.ci is not None and found.difference is not None
    assert found.ci[0] < found.difference < found.ci[1] and found.ci[0] > 0
    assert found.ci[1] - found.ci[0] < 0.05
    again = differences(pair_runs(*runs))["correctness"]
    assert again == found


def item(k: int, right: bool) -> ScoredItem:
    verdict = Verdict(relation=Relation.SPECIFIC if right else Relation.WRONG)
    return ScoredItem(id=str(k), sample=0, truth="t", answer="a", verdict=verdict, truth_class=str(k // 20))

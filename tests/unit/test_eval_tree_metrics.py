"""Metrics over the toy tree, by hand: order, family, genus, species; four leaves, two of them in Larus."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from eval_toys import ANSWERS, sampled, scored, toy_tree

from eval.metrics import (
    behaviour_columns,
    hierarchical_distances,
    information_columns,
    path_columns,
    published_path_columns,
)
from eval.metrics.distance import lca_f1, tree_induced_error
from eval.score import ScoredItem, score
from eval.sections import measure
from eval.table import build_table
from eval.textual import TextMetrics
from rewards.verifier import TaxonomyVerifier
from rlfg.types import Prediction, Relation, Verdict

NAN = float("nan")


def test_hca_and_tor(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    found = path_columns(build_table(scored(tree, *ANSWERS)), tree)
    assert found["hca"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    # Neighbouring levels both right, of three: species 3, genus 2, family 1, order 0, root 0, a sister 2, then none.
    assert found["tor"] * 3 == pytest.approx([3, 2, 1, 0, 0, 2, 0, 0, 0, 0])
    coarse = path_columns(build_table(scored(tree, "Larus fuscus", "bird", truth="Charadriiformes")), tree)
    assert coarse["hca"].tolist() == [1, 0]  # a finer answer has the whole path of the truth
    assert np.isnan(coarse["tor"]).all()  # one level has no neighbour


def test_hca_and_tor_by_the_authors_rules(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    fine = published_path_columns(build_table(scored(tree, *ANSWERS)), tree)
    ours = path_columns(build_table(scored(tree, *ANSWERS)), tree)
    assert fine["hca"].tolist() == ours["hca"].tolist() and fine["tor"].tolist() == ours["tor"].tolist()
    coarse = scored(tree, "Larus fuscus", "Charadriiformes", truth="Charadriiformes")
    found = published_path_columns(build_table(coarse), tree)
    assert found["hca"].tolist() == [0, 1] and found["tor"].tolist() == [0, 0]
    section = measure(coarse, tree, TextMetrics()).summary(samples=5)["tree"]
    assert (section["hca"]["value"], section["hca"]["published"]) == (1, 0.5)
    assert (section["tor"]["value"], section["tor"]["published"]) == (None, 0)


def test_hca_and_tor_equal_a_comparison_of_paths(tmp_path: Path) -> None:
    """As the authors' code compares two lists of names, level by level, for answers not finer than the truth."""
    tree = toy_tree(tmp_path)
    names = [tree.node_name(node) for node in range(tree.n)]
    for truth in tree.leaves():
        items = scored(tree, *names, truth=names[truth])
        found = path_columns(build_table(items), tree)
        for k, node in enumerate(range(tree.n)):
            p, y = (tree.lineage(n)[1:] for n in (node, truth))
            pairs = [p[j] == y[j] and p[j + 1] == y[j + 1] for j in range(len(y) - 1) if j + 1 < len(p)]
            assert found["hca"][k] == (p == y)
            assert found["tor"][k] == pytest.approx(sum(pairs) / (len(y) - 1))


def test_information_in_bits(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    found = information_columns(build_table(scored(tree, *ANSWERS)), tree)
    # Leaves below: species 1, Larus 2, Laridae 3, Charadriiformes 3, root 4.
    order = 2 - math.log2(3)
    assert found["information_gain"] == pytest.approx([2, 1, order, order, 0, 0, 0, 0, 0, 0])
    # Coverage does not ask whether it is right: the two wrong species cover all.
    assert found["hierarchical_coverage"] * 2 == pytest.approx([2, 1, order, order, 0, 2, 2, 0, 0, 0])
    finer = information_columns(build_table(scored(tree, "Larus fuscus", truth="Larus")), tree)
    assert finer["information_gain"].tolist() == [1]  # worth as much as the truth


def test_a_judge_s_answer_without_a_taxon_has_no_bits(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    judged = [
        ScoredItem(id=r.value, sample=0, truth="t", answer="a", verdict=Verdict(relation=r), truth_class="t")
        for r in (Relation.SPECIFIC, Relation.WRONG)
    ]
    found = information_columns(build_table(judged), tree)["information_gain"]
    assert np.isnan(found[0]) and found[1] == 0


def test_tree_induced_error_counts_the_edges_between(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    found = tree_induced_error(build_table(scored(tree, *ANSWERS)), tree)
    assert found == pytest.approx([0, 1, 2, 3, 4, 2, 8, NAN, NAN, NAN], nan_ok=True)


def test_lca_f1_is_that_of_the_two_paths_to_where_they_meet(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    found = lca_f1(build_table(scored(tree, *ANSWERS)), tree)
    precision = [1, 1, 1, 1, 1, 1 / 2, 1 / 5]  # nodes from the answer up to the common one
    recall = [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 2, 1 / 5]
    expected = [2 * p * r / (p + r) for p, r in zip(precision, recall, strict=True)]
    assert found == pytest.approx([*expected, NAN, NAN, NAN], nan_ok=True)


def test_hierarchical_distance_at_k(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    items = [
        # Corvus corax twice (height 4), Larus fuscus once (0), nothing once.
        *sampled(tree, "a", "Larus fuscus", "Corvus corax", "", "Corvus corax"),
        # A ranked list: each once, in its order; heights 1, 2, 0.
        *sampled(tree, "b", "Larus canus", "Sterna hirundo", "Larus fuscus"),
        *sampled(tree, "c", "None", "dodo"),
    ]
    found = hierarchical_distances(build_table(items), tree, (1, 2, 5))
    values = {k: column[[0, 4, 7]].tolist() for k, column in found.items()}
    assert values["hierarchical_distance@1"] == pytest.approx([4, 1, NAN], nan_ok=True)
    assert values["hierarchical_distance@2"] == pytest.approx([2, 1.5, NAN], nan_ok=True)
    assert values["hierarchical_distance@5"] == pytest.approx([2, 1, NAN], nan_ok=True)
    assert np.isnan(np.delete(found["hierarchical_distance@1"], [0, 4])).all()
    # A genus has a height, but is at no distance from itself; a species is as far as it is high.
    above = hierarchical_distances(build_table(scored(tree, "Larus", "Larus fuscus", truth="Larus")), tree, (1,))
    assert above["hierarchical_distance@1"].tolist() == [0, 1]
    empty = hierarchical_distances(build_table([]), tree, (1,))
    assert empty["hierarchical_distance@1"].size == 0


def test_behaviour(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    lines = [
        Prediction(id="a", truth="Larus", answers=("probably Larus",), extra={"usage": {"completion_tokens": 9}}),
        Prediction(id="b", truth="Larus", answers=("Larus or Sterna", "I cannot tell", "")),
        Prediction(id="c", truth="Larus", error="timeout"),
    ]
    found = behaviour_columns(score(lines, TaxonomyVerifier(tree), tree))
    assert found["hedge_rate"].tolist() == [1, 0, 0, 0]
    assert found["list_rate"].tolist() == [0, 1, 0, 0]
    assert found["refusal_rate"].tolist() == [0, 0, 1, 0]
    assert found["parse_failure_rate"].tolist() == [0, 0, 0, 1]
    assert found["answer_words"].tolist() == [2, 3, 3, 0]
    assert found["completion_tokens"] == pytest.approx([9, NAN, NAN, NAN], nan_ok=True)
    assert "completion_words" not in found


def test_behaviour_without_a_taxonomy_goes_by_the_words() -> None:
    answers = ("a cat", "cat / dog", "I don't know", "looks like a cat", "cats,\nmostly", None)
    items = [
        ScoredItem(id="x", sample=k, truth="cat", answer=a, verdict=Verdict(relation=None), truth_class="cat")
        for k, a in enumerate(answers)
    ]
    found = behaviour_columns(items)
    assert found["list_rate"].tolist() == [0, 1, 0, 0, 1, 0]
    assert found["refusal_rate"].tolist() == [0, 0, 1, 0, 0, 0]
    assert found["hedge_rate"].tolist() == [0, 0, 0, 1, 0, 0]

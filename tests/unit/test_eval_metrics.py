from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eval_toys import ANSWERS, sampled, scored, toy_tree
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.metrics import best_of_n, harmonic_mean, hierarchical_ratios, per_rank_ratios, severity_ratios
from eval.metrics.tree import ancestors_at_levels, heights, level_names, lowest_common_ancestors
from eval.score import ScoredItem, score
from eval.sections import measure
from eval.summary import grouped, summarise
from eval.table import build_table
from eval.textual import TextMetrics
from rewards.verifier import TaxonomyVerifier
from rlfg.taxonomy import load_taxonomy
from rlfg.types import VERDICT_LABELS, Prediction, Relation, Verdict


def test_counts_denominators_and_the_three_headline_metrics(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    items = scored(tree, *ANSWERS) + scored(tree, "Larus", truth="Dodo", name="d")
    items += score([Prediction(id="f", truth="Larus fuscus", error="timeout")], TaxonomyVerifier(tree), tree)
    summary = summarise(items, tree, samples=20)
    assert summary["counts"] == {
        "MORE_SPECIFIC": 0, "SPECIFIC": 1, "LESS_SPECIFIC": 2, "GENERIC": 2,
        "ABSTAIN": 1, "WRONG": 3, "UNPARSED": 1, "NO_VERDICT": 1,
    }  # fmt: skip
    assert (summary["n"], summary["items"], summary["failed"], summary["classes"]) == (11, 11, 1, 2)
    assert summary["no_verdict"] == {'the truth "Dodo" is not in the taxonomy': 1}
    assert summary["correctness"] == 0.5 and summary["denominators"]["correctness"] == 10
    assert summary["specificity"] == 0.5 and summary["denominators"]["specificity"] == 5
    assert summary["hm"] == 0.5
    assert summary["specific_share"] == 0.1 and summary["wrong_share"] == 0.3


def test_more_specific_counts_as_one(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    summary = summarise(scored(tree, "Larus fuscus", truth="Larus"), tree)
    assert summary["counts"]["MORE_SPECIFIC"] == 1
    assert summary["correctness"] == summary["specificity"] == summary["specific_share"] == 1


def test_a_judge_s_verdicts_fall_back_to_the_table() -> None:
    relations = [Relation.MORE_SPECIFIC, Relation.SPECIFIC, Relation.LESS_SPECIFIC, Relation.GENERIC, Relation.WRONG]
    items = [item(str(k), Verdict(relation=relation, source="judge")) for k, relation in enumerate(relations)]
    summary = summarise(items)
    assert summary["correctness"] == 0.8
    assert summary["specificity"] == (1 + 1 + 0.75 + 0.5) / 4
    assert "hf_micro" not in summary and "per_rank" not in summary


def test_undefined_is_none_and_nothing_right_is_zero(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    undecided = summarise(scored(tree, "Larus", truth="Dodo"), tree)
    assert undecided["correctness"] is undecided["hm"] is undecided["severity"] is None
    assert undecided["ci"]["correctness"] is None and undecided["counts"]["NO_VERDICT"] == 1
    hopeless = summarise(scored(tree, "Corvus corax"), tree)
    assert (hopeless["correctness"], hopeless["specificity"], hopeless["hm"]) == (0, None, 0)
    only_the_root = summarise(scored(tree, "bird"), tree)
    assert (only_the_root["correctness"], only_the_root["specificity"], only_the_root["hm"]) == (1, 0, 0)
    assert summarise([], tree)["n"] == 0


def test_harmonic_mean_by_hand() -> None:
    nan = float("nan")
    found = harmonic_mean(np.array([0.5, 1.0, 0.0, 0.8, nan]), np.array([0.5, 0.5, nan, 0.0, nan]))
    np.testing.assert_allclose(found, [0.5, 2 / 3, 0, 0, nan])


def test_hierarchical_micro_and_macro_differ(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    found = hierarchical_ratios(build_table(scored(tree, *ANSWERS)), tree)
    # Levels of the answers: 4 3 2 1 0 4 4 and three times none; shared with the truth: 4 3 2 1 0 3 0.
    assert found["hp_micro"].value == pytest.approx(13 / 18)
    assert found["hr_micro"].value == pytest.approx(13 / 40)
    assert found["hf_micro"].value == pytest.approx(2 * 13 / (18 + 40))
    assert found["hp_macro"].value == pytest.approx((1 + 1 + 1 + 1 + 3 / 4 + 0) / 6)
    assert found["hp_macro"].denominator == 6
    assert found["hr_macro"].value == pytest.approx(13 / 4 / 10)
    assert found["hf_macro"].value == pytest.approx((1 + 6 / 7 + 4 / 6 + 2 / 5 + 0 + 6 / 8 + 0) / 10)


def test_a_finer_answer_than_the_truth_loses_precision_not_recall(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    found = hierarchical_ratios(build_table(scored(tree, "Larus fuscus", truth="Larus")), tree)
    assert (found["hp_micro"].value, found["hr_micro"].value) == (3 / 4, 1)


def test_per_rank_accuracy_is_over_attempts(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    found = per_rank_ratios(build_table(scored(tree, *ANSWERS)), tree)
    assert list(found) == ["order", "family", "genus", "species"]
    by_rank = {rank: [ratios[k].value for k in ("attempt_rate", "accuracy", "accuracy_all")]
               for rank, ratios in found.items()}  # fmt: skip
    assert by_rank["order"] == [0.6, 5 / 6, 0.5]
    assert by_rank["family"] == [0.5, 4 / 5, 0.4]
    assert by_rank["genus"] == [0.4, 3 / 4, 0.3]
    assert by_rank["species"] == [0.3, 1 / 3, 0.1]
    coarse_truth = per_rank_ratios(build_table(scored(tree, "Larus fuscus", truth="Laridae")), tree)
    assert coarse_truth["genus"]["accuracy"].denominator == 0 and coarse_truth["family"]["accuracy"].value == 1


def test_severity_is_the_height_where_mistakes_part(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    found = severity_ratios(build_table(scored(tree, *ANSWERS)), tree)["severity"]
    assert (found.value, found.denominator) == ((1 + 4) / 2, 2)


def test_as_published_every_node_is_a_step_and_a_label_is_worth_its_table(tmp_path: Path) -> None:
    """Two species without a genus: by rank they stand at level 4 and part at height 2, in edges at 3 and 1."""
    (tmp_path / "tree.csv").write_text(
        "order,family,genus,species\nAles,Fama,,Fa one\nAles,Fama,,Fa two\nBles,Gama,Ha,Ha three\n"
    )
    tree = load_taxonomy(tmp_path / "tree.csv", root="bird")
    items = scored(tree, "Fa two", "Fama", truth="Fa one")
    found = summarise(items, tree, samples=5)
    assert (found["severity"], found["published"]["severity"]) == (2, 1)
    # Shared with the truth: the order and the family, of both answers.
    assert found["hr_micro"] == 4 / 8 and found["published"]["hr_micro"] == pytest.approx(4 / 6)
    assert found["hp_micro"] == 4 / 6 and found["published"]["hp_micro"] == 4 / 5
    # The family is at .5 of the depth, and one rank up: LESS_SPECIFIC.
    assert (found["specificity"], found["published"]["specificity"]) == (0.5, 0.75)
    assert found["hm"] == 0.5 and found["published"]["hm"] == pytest.approx(2 * 0.5 * 0.75 / 1.25)
    section = measure(items, tree, TextMetrics()).summary(samples=5)["tree"]
    assert (section["tree_induced_error"]["value"], section["tree_induced_error"]["published"]) == (3, 1.5)
    assert (section["hierarchical_distance@1"]["value"], section["hierarchical_distance@1"]["published"]) == (2, 1)
    assert "correctness" not in found["published"]
    even = summarise(scored(toy_tree(tmp_path), *ANSWERS), toy_tree(tmp_path), samples=5)
    assert set(even["published"]) == {"specificity", "hm"}  # every lineage has every rank


def test_column_look_ups_equal_the_tree_s_own(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    pairs = list(itertools.product(range(tree.n), repeat=2))
    a, b = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    assert lowest_common_ancestors(tree, a, b).tolist() == [tree.lca(x, y) for x, y in pairs]
    assert lowest_common_ancestors(tree, np.array([-1, 3]), np.array([3, -1])).tolist() == [-1, -1]
    nodes = np.arange(tree.n)
    expected = [[next((v for v in tree.lineage(n)[1:] if tree.ranks[v] == r), -1) for r in tree.main_ranks]
                for n in range(tree.n)]  # fmt: skip
    assert ancestors_at_levels(tree, nodes).tolist() == expected
    assert heights(tree)[[0, tree.lookup("Larus")[0], tree.lookup("Larus canus")[0]]].tolist() == [4, 1, 0]


def test_an_unranked_ragged_tree_has_levels(tmp_path: Path) -> None:
    path = tmp_path / "food.json"
    path.write_text('{"ramen": ["soup", "noodle soup", "ramen"], "borscht": ["soup", "borscht"], "pie": ["pie"]}')
    tree = load_taxonomy(path, root="food")
    assert level_names(tree) == ("level 1", "level 2", "level 3")
    found = per_rank_ratios(build_table(scored(tree, "ramen", "soup", "pie", truth="borscht")), tree)
    assert [found["level 1"][k].value for k in ("attempt_rate", "accuracy")] == [1, 2 / 3]
    assert [found["level 2"][k].value for k in ("attempt_rate", "accuracy")] == [1 / 3, 0]
    assert found["level 3"]["accuracy"].denominator == 0


def test_best_of_n_takes_the_best_decided_answer(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    items = [
        *sampled(tree, "a", "Corvus corax", "Laridae", "Larus"),
        *sampled(tree, "b", "", "Corvus corax"),
        *sampled(tree, "c", "None", ""),
        *sampled(tree, "d", "Larus", "Larus", truth="Dodo"),
    ]
    best = best_of_n(build_table(items))
    assert [VERDICT_LABELS[k] for k in best.label_N] == ["LESS_SPECIFIC", "WRONG", "ABSTAIN", "NO_VERDICT"]
    assert best.specificity_N[0] == 0.75
    summary = summarise(items, tree)["best_of_n"]
    assert summary["n"] == sum(summary["counts"].values()) == 4
    assert summary["answers_per_item"] == {"min": 2, "max": 3}
    assert summary["correctness"] == pytest.approx(1 / 3) and summary["denominators"]["correctness"] == 3


def test_groups_and_unions(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    items = [replace(i, group=g) for i, g in zip(scored(tree, "Larus", "Larus", "bird"), "aab", strict=True)]
    found = grouped([*items, *scored(tree, "x", name="z")], tree, unions={"a+b": ("a", "b")}, samples=10)
    assert {name: s["n"] for name, s in found.items()} == {"a": 2, "b": 1, "a+b": 3}


def item(id_: str, verdict: Verdict) -> ScoredItem:
    return ScoredItem(id=id_, sample=0, truth="t", answer="a", verdict=verdict, truth_class="t")


VERDICTS = st.one_of(
    st.sampled_from(list(Relation)).map(lambda relation: Verdict(relation=relation)),
    st.just(Verdict(relation=None, unparsed=True)),
    st.just(Verdict(relation=None)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(VERDICTS, max_size=30))
def test_counts_always_add_up(verdicts: list[Verdict]) -> None:
    summary = summarise([item(str(k), verdict) for k, verdict in enumerate(verdicts)], samples=5)
    counts = summary["counts"]
    assert sum(counts.values()) == summary["n"] == len(verdicts)
    assert summary["denominators"]["correctness"] == len(verdicts) - counts["NO_VERDICT"]
    correct = sum(counts[label] for label in ("MORE_SPECIFIC", "SPECIFIC", "LESS_SPECIFIC", "GENERIC"))
    assert summary["denominators"]["specificity"] == correct
    assert summary["hm"] is None or 0 <= summary["hm"] <= 1

"""Statuses, unresolved truths and bounds: counted by hand, and adding up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eval_toys import ANSWERS, scored, toy_tree

from eval.resolution import resolution_lines, resolution_summary
from eval.score import ScoredItem, read_items, score, write_items
from eval.summary import summarise
from rewards.verifier import TaxonomyVerifier
from rlfg.cli import main
from rlfg.types import Prediction, Relation, Verdict


def test_counts_add_up_and_bounds_are_as_stated(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    items = scored(tree, *ANSWERS) + scored(tree, "Larus", "Larus or Sterna", truth="Dodo", name="d")
    items += score([Prediction(id="f", truth="Larus", error="timeout")], TaxonomyVerifier(tree), tree)
    found = resolution_summary(items)
    assert found["statuses"] == {"exact": 8, "several": 1, "abstain": 1, "unresolved": 1, "UNPARSED": 1}
    assert found["truths"] == {"resolved": 10, "unresolved": 2}
    assert found["truth_assisted"] == 0
    # Five of ten are correct, with specificities that sum to 2.5; one of the ten is unresolved.
    bounds = found["bounds"]
    assert (bounds["unresolved_wrong"]["correctness"], bounds["unresolved_wrong"]["of"]) == (5 / 10, 10)
    assert (bounds["unresolved_left_out"]["correctness"], bounds["unresolved_left_out"]["of"]) == (5 / 9, 9)
    assert bounds["unresolved_specific"]["correctness"] == 6 / 10
    assert bounds["unresolved_specific"]["specificity"] == 3.5 / 6
    summary = summarise(items, tree, samples=20)
    assert summary["resolution"] == found
    assert bounds["unresolved_wrong"]["correctness"] == summary["correctness"]
    assert bounds["unresolved_wrong"]["hm"] == summary["hm"]
    assert sum(found["statuses"].values()) == sum(found["truths"].values()) == summary["n"]
    lines = resolution_lines(found)
    assert "unresolved 1" in lines[0] and "unresolved 2; truth-assisted verdicts 0" in lines[1]
    assert lines[2].startswith("unresolved wrong") and "correctness 0.500" in lines[2] and lines[2].endswith("of 10")


def test_statuses_survive_the_file(tmp_path: Path) -> None:
    items = scored(toy_tree(tmp_path), *ANSWERS)
    write_items(tmp_path / "items.jsonl", items)
    assert resolution_summary(read_items(tmp_path / "items.jsonl")) == resolution_summary(items)


def test_nothing_scored_has_no_bounds() -> None:
    found = resolution_summary([])
    assert found["statuses"] == {} and found["bounds"]["unresolved_wrong"]["correctness"] is None
    assert "correctness undefined" in resolution_lines(found)[2]


def test_the_metrics_say_what_the_taxonomy_was_made_of(tmp_path: Path) -> None:
    answers = tmp_path / "predictions.jsonl"
    answers.write_text('{"id": "1", "truth": "Herring Gull", "answer": "a gull"}\n')
    out = tmp_path / "scores"
    with pytest.raises(SystemExit, match="0"):
        main(["score", "--taxonomy", "builtin:cub200", "--predictions", str(answers), "--out", str(out)])
    metrics = json.loads((out / "metrics.json").read_text())
    provenance = metrics["taxonomy"]["provenance"]
    assert provenance["format"] == "rank-table" and len(provenance["sha256"]) == 64
    assert provenance["entries"] == {"rows": 200} and sum(provenance["used"].values()) == 200
    assert metrics["counts"]["LESS_SPECIFIC"] == metrics["n"] == 1


def test_what_a_judge_said_of_an_unresolved_answer_is_in_no_doubt() -> None:
    said = {"taxonomy": Relation.WRONG, "judge": Relation.SPECIFIC}
    items = [
        ScoredItem(
            id=source, sample=0, truth="gull", answer="sea chicken", truth_class="gull",
            verdict=Verdict(relation=relation, answer="sea chicken", status="unresolved", source=source),
        )
        for source, relation in said.items()
    ]  # fmt: skip
    bounds = resolution_summary(items)["bounds"]
    found = [bounds[f"unresolved_{what}"]["correctness"] for what in ("wrong", "left_out", "specific")]
    assert found == [1 / 2, 1 / 1, 2 / 2]

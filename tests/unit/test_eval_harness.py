from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from eval_toys import TREE, scored, toy_tree
from harness_toys import KEYS, commit_all

from eval.harness import ScoredRun, higher_is_better, results_record
from eval.score import score
from rewards.verifier import TaxonomyVerifier
from rlfg.cli import main
from rlfg.revision import revision
from rlfg.types import Prediction


def test_values_are_those_of_the_samples_and_errors_are_of_classes(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    right = scored(tree, *["Larus fuscus"] * 4)
    wrong = scored(tree, *["Larus"] * 4, truth="Corvus corax", name="c")
    record = results_record(ScoredRun(task="birds", items=right + wrong, taxonomy=tree, model="org/m"))
    assert all(key in record for key in KEYS)
    found = record["results"]["birds"]
    assert found["alias"] == "birds" and found["sample_len"] == 8 and found["correctness,none"] == 0.5
    # Two classes, all right or all wrong: a resample has a mean of 0, ½ or 1 with chances ¼, ½, ¼; sd √⅛.
    assert found["correctness_stderr,none"] == pytest.approx(math.sqrt(1 / 8), abs=0.02)
    assert {"hf_macro,none", "severity,none"} <= set(found)
    assert record["n-samples"]["birds"] == {"original": 8, "effective": 8} and record["n-shot"] == {"birds": 0}
    assert record["higher_is_better"]["birds"]["severity"] is False and higher_is_better("answer_words") is None
    assert record["higher_is_better"]["birds"]["correctness"] is True
    samples = ScoredRun(task="birds", items=right + wrong).samples()
    assert sum(s["correctness"] for s in samples) / len(samples) == found["correctness,none"]
    only = results_record(ScoredRun(task="one", items=right))["results"]["one"]
    assert only["correctness_stderr,none"] == "N/A", "one class leaves nothing to vary"


def test_a_sample_has_all_answers_of_a_picture_and_failures_have_none(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    predictions = [
        Prediction(id="a", truth="Larus fuscus", answers=("Larus fuscus", "Corvus corax"), image="a.png"),
        Prediction(id="b", truth="nothing known", answers=("x",)),
        Prediction(id="f", truth="Larus fuscus", error="timeout"),
    ]
    items = [replace(i, group="g" if i.id == "a" else "h") for i in score(predictions, TaxonomyVerifier(tree), tree)]
    run = ScoredRun(task="t", items=items, completions={"a": ("<answer>Larus fuscus</answer>", "…")})
    a, b, f = run.samples()
    assert (a["doc_id"], a["target"], a["doc"]["image"]) == (0, "Larus fuscus", "a.png")
    assert a["resps"] == [["<answer>Larus fuscus</answer>", "…"]]
    assert a["filtered_resps"] == ["Larus fuscus", "Corvus corax"] and a["verdicts"] == ["SPECIFIC", "WRONG"]
    assert (a["correctness"], a["specificity"], a["wrong_share"]) == (0.5, 1.0, 0.5) and "correctness" in a["metrics"]
    assert b["correctness"] is None and b["resps"] == [["x"]]
    assert f["error"] == "timeout" and f["filtered_resps"] == [] and f["metrics"] == []
    record = results_record(run)
    assert record["group_subtasks"] == {"t": ["t_g", "t_h"]} and record["results"]["t_g"]["correctness,none"] == 0.5
    assert record["n-samples"]["t"] == {"original": 3, "effective": 2}
    assert record["configs"]["t"]["repeats"] == 2


def test_the_command_writes_results_and_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = commit_all(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tree.csv").write_text(TREE)
    line = {"id": "a", "truth": "Larus fuscus", "completion": "<think>a gull</think><answer>Larus</answer>"}
    (tmp_path / "my answers.jsonl").write_text(json.dumps(line) + "\n")
    tree = ["--taxonomy", str(tmp_path / "tree.csv"), "--root", "bird"]

    def rlfg(*arguments: str, status: int = 0) -> None:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == status

    rlfg("score", *tree, "--predictions", str(tmp_path / "my answers.jsonl"), "--out", str(tmp_path / "scored"))
    (tmp_path / "note.txt").write_text("changed since\n")
    assert revision() == f"{commit}+"
    capsys.readouterr()
    rlfg("export-results", str(tmp_path / "scored"), *tree, "--out", str(tmp_path / "out" / "results.json"))
    results, samples = map(Path, capsys.readouterr().out.split("\n")[:2])
    record = json.loads(results.read_text())
    assert results.name == "results.json" and samples.name.startswith("samples_my_answers_20")
    assert record["results"]["my_answers"]["specificity,none"] == 0.75 and record["model_name"] == "scored"
    assert record["configs"]["my_answers"]["metadata"]["resps"] == "completions"
    sample = json.loads(samples.read_text())
    assert sample["resps"] == [[line["completion"]]] and sample["filtered_resps"] == ["Larus"]
    assert sample["text_inclusion"] == 0
    assert record["git_hash"] == commit
    (tmp_path / "my answers.jsonl").write_text(json.dumps(line | {"completion": "<answer>Sterna</answer>"}) + "\n")
    rlfg("export-results", str(tmp_path / "scored"), "--out", str(tmp_path / "results.json"), status=2)
    assert "my answers.jsonl: has changed since" in capsys.readouterr().err

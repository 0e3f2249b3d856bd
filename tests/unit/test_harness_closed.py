"""Tallies as the harnesses write theirs: by hand, and as a user does it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from harness_toys import KEYS, commit_all
from tally_toys import BIRDS, chosen, command, counted, pathed, ranked, ranks_of_birds, tally_folder

from eval.harness import TalliedRun, higher_is_better, results_record
from eval.tally import read_tallied, tally, write_marks
from rlfg.taxonomy import Taxonomy
from rlfg.types import Prediction

HALF = [chosen(f"{bird[0]}{k}", bird, "gull") for bird in ("gull", "tern") for k in (1, 2)]
"""All gulls right, no tern."""


def exported(
    folder: Path, lines: list[Prediction], taxonomy: Taxonomy | None = None, *, bare: bool = False, **how: Any
) -> TalliedRun:
    """A tally of these lines, which are still there unless `bare`."""
    marked, metrics = tally(lines, taxonomy, samples=10, **how)
    write_marks(folder / "items.jsonl", marked)
    return TalliedRun(
        task="birds",
        items=read_tallied(folder / "items.jsonl"),
        lines={} if bare else {line.id: line for line in lines},
        metrics=metrics,
    )


def test_accuracy_is_acc_and_errors_are_of_classes(tmp_path: Path) -> None:
    run = exported(tmp_path, HALF)
    record = results_record(run)
    assert all(key in record for key in KEYS)
    found = record["results"]["birds"]
    assert list(found)[2:] == ["acc,none", "acc_stderr,none", "text_inclusion,none", "text_inclusion_stderr,none"]
    assert (found["alias"], found["sample_len"], found["acc,none"]) == ("birds", 4, 0.5)
    # Two classes, all right or all wrong: a resample has a mean of 0, ½ or 1 with chances ¼, ½, ¼; sd √⅛.
    assert found["acc_stderr,none"] == pytest.approx(math.sqrt(1 / 8), abs=0.02)
    assert record["higher_is_better"]["birds"] == {"acc": True, "text_inclusion": True} and record[
        "group_subtasks"
    ] == {"birds": []}
    assert record["n-samples"] == {"birds": {"original": 4, "effective": 4}} and record["n-shot"] == {"birds": 0}
    config = record["configs"]["birds"]
    assert config["metric_list"][0] == {"metric": "acc", "aggregation": "mean", "higher_is_better": True}
    assert (config["output_type"], config["repeats"], config["metadata"]["chance"]) == ("generate_until", 1, 0.25)
    assert [sample["acc"] for sample in run.samples()] == [1, 1, 0, 0]
    assert results_record(exported(tmp_path, HALF[:2]))["results"]["birds"]["acc_stderr,none"] == "N/A", "one class"


def test_a_sample_has_a_request_for_each_rotation(tmp_path: Path) -> None:
    (sample,) = exported(tmp_path, [chosen("1", "gull", "gull", "tern or raven", "", "gull")]).samples()
    assert (sample["doc_id"], sample["target"], sample["doc"]["images"]) == (0, "gull", ["1.png"])
    assert sample["doc"]["options"][1] == ["tern", "raven", "magpie", "gull"] and "usage" not in sample["doc"]
    assert sample["resps"][1] == ["<think>Hm.</think><answer>tern or raven</answer>"] and len(sample["resps"]) == 4
    assert sample["filtered_resps"] == ["gull", "[invalid]", "[invalid]", "gull"]
    assert sample["outcomes"] == ["right", "unreadable", "empty", "right"]
    assert sample["metrics"] == ["acc", "text_inclusion", "all_right", "consistent"]
    assert (sample["acc"], sample["all_right"], sample["consistent"]) == (0.5, 0, 0)
    (bare,) = exported(tmp_path, [chosen("1", "gull", "gull", "")], bare=True).samples()
    assert (bare["resps"], bare["target"], bare["doc"]["class"]) == ([["gull"], [""]], "gull", "gull")


def test_failures_and_copies_stand_there_without_a_metric(tmp_path: Path) -> None:
    run = exported(tmp_path, [HALF[0], chosen("f", "tern"), chosen("again", "gull", "owl", image="g1.png")])
    right, failed, copy = run.samples()
    assert right["acc"] == 1 and "error" not in right and "copy_of" not in right
    assert (failed["error"], failed["target"], failed["resps"], failed["metrics"]) == ("HTTP 500", "tern", [], [])
    assert (copy["copy_of"], copy["filtered_resps"], copy["metrics"]) == ("g1", [], [])
    record = results_record(run)
    assert record["n-samples"]["birds"] == {"original": 3, "effective": 1}
    assert record["configs"]["birds"]["metadata"] == {
        "protocol": "choice", "chance": 0.25, "lines": 3, "failed": 1, "duplicates": 1, "resps": "completions"
    }  # fmt: skip


def test_ranked_labels_are_the_harness_s_multiple_choice(tmp_path: Path) -> None:
    """There the option with the highest log-probability is chosen, and the target is the number of one."""
    lines = [ranked("1", "gull", -1, -2, -3, -4), ranked("2", "raven", -1, -2, -3, -4, prior=(-1, -1, -9, -1))]
    run = exported(tmp_path, lines)
    for sample in run.samples():
        logps = [float(logp) for logp, _ in sample["filtered_resps"]]
        assert sample["acc"] == (str(logps.index(max(logps))) == sample["target"])
        assert sample["resps"] == [[pair] for pair in sample["filtered_resps"]] and sample["doc"]["options"] == BIRDS
    second = run.samples()[1]
    assert (second["target"], second["acc"], second["top5_sum"], second["top1_calibrated"]) == ("2", 0, 1, 1)
    record = results_record(run)
    assert record["configs"]["birds"]["output_type"] == "multiple_choice"
    assert record["results"]["birds"]["top1_sum,none"] == record["results"]["birds"]["acc,none"] == 0.5
    assert record["results"]["birds"]["top1_calibrated,none"] == 1
    bare = exported(tmp_path, lines, bare=True)
    assert bare.asked()["output_type"] == "generate_until", "without log-probabilities, names"
    assert [(s["target"], s["filtered_resps"]) for s in bare.samples()] == [("gull", ["gull"]), ("raven", ["gull"])]


def test_ranks_that_a_truth_has_not_are_no_question(tmp_path: Path) -> None:
    """A genus is asked about at two ranks, a dodo at none. 1 of 2, 1 of 3: acc is 2/5, of questions."""
    said = ("Laridae", "Sterna", "tern")
    lines = [pathed("1", "Larus", *said), pathed("2", "gull", *said), pathed("3", "Dodo", *said)]
    run = exported(tmp_path, lines, ranks_of_birds(tmp_path))
    assert [sample["acc"] for sample in run.samples()] == [1 / 2, 1 / 3, None]
    found = results_record(run)["results"]["birds"]
    assert (found["acc,none"], found["right_at_family,none"], found["right_at_species,none"]) == (2 / 5, 1, 0)
    assert run.samples()[0]["filtered_resps"] == ["family Laridae", "genus Sterna", "species tern"]


def test_values_that_are_no_shares_say_which_way_is_better(tmp_path: Path) -> None:
    run = exported(tmp_path, [counted("1", "1", "three"), counted("2", "2", "2", of="tern")])
    record = results_record(run)
    assert record["results"]["birds"]["off_by,none"] == 1 and record["results"]["birds"]["right_of_2,none"] == 1
    better = record["higher_is_better"]["birds"]
    assert (better["acc"], better["right_of_1"], better["off_by"]) == (True, True, False)
    assert "right_of_2" not in run.samples()[0], "a sample has the metrics it takes part in"
    assert higher_is_better("says_same") is None


def test_groups_are_subtasks(tmp_path: Path) -> None:
    """Seen: a gull right, a tern wrong. Unseen: a gull right, and one that failed."""
    kinds = ("seen", "unseen", "seen")
    lines = [chosen(p.id, p.truth, "gull", meta={"novelty": kind}) for p, kind in zip(HALF, kinds, strict=False)]
    lines.append(chosen("f", "tern", meta={"novelty": "unseen"}))
    record = results_record(exported(tmp_path, lines, group_by="novelty"))
    assert record["group_subtasks"] == {"birds": ["birds_seen", "birds_unseen"]}
    seen, unseen = record["results"]["birds_seen"], record["results"]["birds_unseen"]
    assert (seen["acc,none"], unseen["acc,none"], unseen["acc_stderr,none"]) == (0.5, 1.0, "N/A")
    assert seen["acc_stderr,none"] == pytest.approx(math.sqrt(1 / 8), abs=0.02)
    assert record["n-samples"]["birds_unseen"] == {"original": 2, "effective": 1}


def test_from_predictions_to_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = commit_all(tmp_path)
    monkeypatch.chdir(tmp_path)
    folder, out = tally_folder(tmp_path, "mcq", HALF), str(tmp_path / "out" / "results.json")
    assert json.loads((tmp_path / "mcq" / "metrics.json").read_text())["revision"] == commit
    capsys.readouterr()
    assert command("export-results", folder, "--out", out, "--model", "org/m") == 0
    results, samples = map(Path, capsys.readouterr().out.split("\n")[:2])
    record = json.loads(results.read_text())
    assert samples.name.startswith("samples_mcq_20") and record["model_name"] == "org/m"
    assert (record["git_hash"], record["results"]["mcq"]["acc,none"]) == (commit, 0.5)
    lines = [json.loads(line) for line in samples.read_text().splitlines()]
    assert sum(line["acc"] for line in lines) / len(lines) == 0.5
    assert [line["resps"] for line in lines] == [[["<think>Hm.</think><answer>gull</answer>"]]] * 4


def test_groups_of_the_command_have_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [chosen(line.id, line.truth, "gull", meta={"site": "shore"}) for line in HALF]
    folder, out = tally_folder(tmp_path, "mcq", lines, "--group-by", "site"), tmp_path / "results.json"
    assert command("export-results", folder, "--out", str(out), "--task", "birds") == 0
    found = json.loads(out.read_text())["results"]
    assert found["birds_shore"] == found["birds"] | {"alias": "birds_shore"}


def test_predictions_that_are_gone_or_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tally_folder(tmp_path, "mcq", HALF), str(tmp_path / "results.json")
    assert command("export-results", folder, "--out", out, "--taxonomy", "tree.csv") == 2
    assert "closed questions (rlfg tally), which have no metrics over the tree" in capsys.readouterr().err
    (tmp_path / "mcq.jsonl").write_text((tmp_path / "mcq.jsonl").read_text().replace('"g1"', '"g9"'))
    assert command("export-results", folder, "--out", out) == 2
    assert f"has changed since {folder} was made of it" in capsys.readouterr().err
    (tmp_path / "mcq.jsonl").unlink()
    assert command("export-results", folder, "--out", out) == 0
    assert json.loads(Path(out).read_text())["configs"]["mcq"]["metadata"]["resps"] == "answers"
    (samples,) = tmp_path.glob("samples_mcq_*.jsonl")
    assert [json.loads(line)["resps"] for line in samples.read_text().splitlines()] == [[["gull"]]] * 4
    assert command("export-results", str(tmp_path), "--out", out) == 2

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from eval_toys import scored, toy_tree

from eval.score import read_items, score, write_items
from eval.summary import summarise
from rewards.verifier import TaxonomyVerifier
from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.taxonomy import load_taxonomy
from rlfg.types import VERDICT_LABELS, Prediction

DATA = Path(__file__).parents[3] / "shared" / "data"


def test_one_item_per_completion_and_one_per_failure(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    predictions = [
        Prediction(id="a", truth="Larus fuscus", completions=("<answer>Larus</answer>", "no tags"), image="a.png"),
        Prediction(id="b", truth="Larus fuscus", error="timeout"),
        Prediction(id="c", truth="Larus fuscus", answers=("  ",)),
    ]
    items = score(predictions, TaxonomyVerifier(tree), tree)
    assert [(i.id, i.sample, i.answer, i.label) for i in items] == [
        ("a", 0, "Larus", "LESS_SPECIFIC"),
        ("a", 1, None, "UNPARSED"),
        ("b", 0, None, "FAILED"),
        ("c", 0, None, "UNPARSED"),
    ]
    assert items[0].image == "a.png" and items[0].verdict.answer_taxon == "genus Larus"
    assert items[0].trace[0] == 'normalised to "larus"' and "stands above the truth" in items[0].trace[-1]
    assert items[2].error == "timeout" and items[2].trace == ("failed: timeout",)


def test_the_parse_mode_decides_what_a_loose_completion_is_worth(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    loose = [Prediction(id="a", truth="Larus fuscus", completions=("It is <answer>Larus</answer>",))]
    labels = [score(loose, TaxonomyVerifier(tree), tree, parse_mode=mode)[0].label for mode in ("lenient", "strict")]
    assert labels == ["LESS_SPECIFIC", "UNPARSED"]


def test_pictures_that_stand_twice_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An official test set is scored whole; who reads the figure is told."""
    (tmp_path / "tree.csv").write_text("genus,species\nLarus,Larus fuscus\n")
    (tmp_path / "a.png").write_bytes(b"one")
    (tmp_path / "copy.png").write_bytes(b"one")
    told = [("a", "a.png", "think"), ("b", "copy.png", "think"), ("c", "a.png", "short"), ("d", "b.png", "think")]
    lines = [
        json.dumps({"id": key, "truth": "Larus", "answer": "Larus", "image": str(tmp_path / image), "prompt": prompt})
        for key, image, prompt in told
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(lines) + "\n")
    how = ["--taxonomy", str(tmp_path / "tree.csv"), "--root", "bird", "--predictions", str(tmp_path / "p.jsonl")]
    with pytest.raises(SystemExit):
        main(["score", *how, "--out", str(tmp_path / "out")])
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (metrics["repeated_pictures"], metrics["denominators"]["correctness"]) == (1, 4)
    assert "1 lines are about the picture of an earlier one" in capsys.readouterr().out


def test_groups_come_from_the_line_or_its_meta(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    lines = [
        Prediction(id="a", truth="Larus", answers=("x",), extra={"group": "seen"}),
        Prediction(id="b", truth="Larus", answers=("x",), extra={"meta": {"group": "rare"}}),
    ]
    items = score(lines, TaxonomyVerifier(tree), tree, group_by="group")
    assert [item.group for item in items] == ["seen", "rare"]
    with pytest.raises(RlfgError, match='prediction "a" has no "site" to group by'):
        score(lines, TaxonomyVerifier(tree), tree, group_by="site")


def test_two_spellings_of_a_truth_are_one_class(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    classes = {scored(tree, "x", truth=truth)[0].truth_class for truth in ("Larus fuscus", "larus_fuscus")}
    assert len(classes) == 1
    assert scored(tree, "x", truth="Dodo")[0].truth_class == "dodo"


def test_items_survive_the_file(tmp_path: Path) -> None:
    tree = toy_tree(tmp_path)
    items = scored(tree, "Larus", "", "Corvus corax") + scored(tree, "Larus", truth="Dodo", name="d")
    items += score([Prediction(id="f", truth="Larus", error="timeout")], TaxonomyVerifier(tree), tree)
    write_items(tmp_path / "out" / "items.jsonl", items)
    assert read_items(tmp_path / "out" / "items.jsonl") == items


def test_a_foreign_items_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"id": "a", "verdict": "GOOD"}\n')
    with pytest.raises(RlfgError, match=r'items\.jsonl:1: "verdict" is "GOOD"'):
        read_items(path)
    path.write_text('{"id": "a", "verdict": "WRONG"}\n')
    with pytest.raises(RlfgError, match="score the predictions again"):
        read_items(path)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"real data not found at {DATA}")
def test_real_guesses_add_up() -> None:
    tree = load_taxonomy(
        DATA / "taxonomies" / "hierarchy_CUB200.json", root="bird", ranks=("order", "family", "genus", "species")
    )
    lines = [json.loads(line) for line in (DATA / "answers" / "bird200_guesses.jsonl").read_text().splitlines()]
    predictions = [
        Prediction(id=f"{line['image_id']}-{line['rank']}", truth=line["truth"], answers=(line["answer"],))
        for line in lines
    ]
    items = score(predictions, TaxonomyVerifier(tree), tree)
    summary = summarise(items, tree, samples=50)
    assert summary["n"] == sum(summary["counts"].values()) == len(lines) == 577
    assert summary["counts"] == {label: Counter(i.label for i in items)[label] for label in VERDICT_LABELS}
    assert summary["denominators"]["correctness"] == 577 - summary["counts"]["NO_VERDICT"]
    assert sum(summary["no_verdict"].values()) == summary["counts"]["NO_VERDICT"] == 0, "all truths resolve"
    assert sum(summary["resolution"]["statuses"].values()) == sum(summary["resolution"]["truths"].values()) == 577
    assert 0 < summary["correctness"] < 0.1 < summary["hf_micro"] < 1


def test_scoring_and_reporting_load_no_torch() -> None:
    modules = "eval.compare, eval.predictions, eval.report, eval.score, eval.summary"
    heavy = "{'torch', 'pyarrow', 'transformers', 'datasets'}"
    code = f"import sys, {modules}; assert not {heavy} & set(sys.modules), sorted({heavy} & set(sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)

"""`rlfg score` from end to end: every number of metrics.json is found again in items.jsonl, and counts add up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_toys import ANSWERS, TREE

from eval.score import read_items
from eval.sections import shared_images
from rlfg.cli import main

SECTIONS = ("text", "tree", "behaviour")


def lines(folder: Path, *records: dict[str, Any]) -> Path:
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / "tree.csv").write_text(TREE)
    return path


def rlfg(*command: str) -> None:
    """One command that ends well."""
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0


def run(folder: Path, *options: str, tree: bool = True) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    out, taxonomy = folder / "scored", ("--taxonomy", str(folder / "tree.csv"), "--root", "bird") if tree else ()
    rlfg("score", *taxonomy, "--predictions", str(folder / "answers.jsonl"), "--out", str(out), *options)
    items = [json.loads(line) for line in (out / "items.jsonl").read_text().splitlines()]
    return json.loads((out / "metrics.json").read_text()), items


def records() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"id": f"i{k}", "truth": "Larus fuscus", "answer": answer, "group": "ab"[k % 2]}
        for k, answer in enumerate(ANSWERS)
    ]
    found.append({"id": "d", "truth": "Dodo", "answer": "Larus", "group": "a"})
    found.append({"id": "f", "truth": "Larus fuscus", "error": "timeout", "group": "b"})
    return found


def test_every_number_is_the_mean_of_its_items(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines(tmp_path, *records())
    metrics, items = run(tmp_path, "--encoder", "random", "--group-by", "group")
    assert metrics["n"] == 11 and metrics["failed"] == 1 and len(items) == 12
    assert [item["id"] for item in items if "scores" not in item] == ["f"]
    entries = {name: entry for section in SECTIONS for name, entry in metrics[section].items() if name != "notes"}
    assert {"text_inclusion", "relative_similarity", "hca", "tree_induced_error", "list_rate"} <= entries.keys()
    for name, entry in entries.items():
        values = [item["scores"][name] for item in items if "scores" in item and item["scores"][name] is not None]
        assert entry["denominator"] == len(values), name
        assert entry["value"] == pytest.approx(np.mean(values)), name
        assert entry["ci"] is None or entry["ci"][0] - 1e-6 <= entry["value"] <= entry["ci"][1] + 1e-6
    for section in SECTIONS:  # the groups' denominators add up to the whole
        for name, entry in metrics[section].items():
            if name != "notes":
                parts = [metrics["groups"][group][section][name]["denominator"] for group in "ab"]
                assert sum(parts) == entry["denominator"]
    assert metrics["text"]["text_inclusion"]["denominator"] == 11  # a truth outside the tree is a text all the same
    assert metrics["tree"]["hca"]["denominator"] == 10
    assert "selective" not in metrics and not (tmp_path / "scored" / "pictures.jsonl").exists()
    assert "text inclusion      0.091" in capsys.readouterr().out
    assert read_items(tmp_path / "scored" / "items.jsonl")[0].scores["hca"] == 1


def test_several_answers_bring_the_selective_section(tmp_path: Path) -> None:
    lines(
        tmp_path, {"id": "a", "truth": "Larus fuscus", "answers": ["Larus fuscus", "Larus", "None"], "image": "a.png"}
    )
    metrics, _ = run(tmp_path)
    picture = json.loads((tmp_path / "scored" / "pictures.jsonl").read_text())
    assert metrics["selective"]["pictures"] == 1 and picture["id"] == "a"
    assert picture["confidence"] == pytest.approx(1 / 3) and picture["levels"]["genus"]["confidence"] == pytest.approx(
        2 / 3
    )
    assert picture["said"]["0.666667"] == picture["levels"]["genus"]["node"] and picture["said"]["1"] is None


def test_texts_alone_need_neither_taxonomy_nor_judge(tmp_path: Path) -> None:
    lines(tmp_path, {"id": "a", "truth": "cat", "answer": "a cat"}, {"id": "b", "truth": "cat", "answer": ""})
    metrics, _ = run(tmp_path, "--text-only", tree=False)
    assert metrics["counts"]["NO_VERDICT"] == 1 and metrics["counts"]["UNPARSED"] == 1
    assert metrics["text"]["text_inclusion"]["value"] == 0.5 and "tree" not in metrics
    # The empty answer alone is no run in which all are wrong.
    assert (metrics["correctness"], metrics["hm"], metrics["denominators"]["correctness"]) == (None, None, 0)
    rlfg("report", str(tmp_path / "scored"), "--out", str(tmp_path / "r.html"))
    page = (tmp_path / "r.html").read_text()
    assert 'id="metrics"' in page and 'id="results"' not in page and 'id="resolution"' not in page


def test_needed_texts_then_stored_embeddings(tmp_path: Path) -> None:
    path = lines(tmp_path, *records())
    options = ("--predictions", str(path), "--out", str(tmp_path / "x"), "--text-only")
    rlfg("score", *options, "--needed-texts", str(tmp_path / "texts.json"))
    texts = json.loads((tmp_path / "texts.json").read_text())
    assert "Larus fuscus" in texts and not (tmp_path / "x").exists()
    np.savez(tmp_path / "e.npz", texts=np.array(texts), embeddings=np.eye(len(texts)))
    metrics, _ = run(tmp_path, "--text-only", "--embeddings", str(tmp_path / "e.npz"), tree=False)
    # One-hot vectors: alike where equal, and only there.
    assert metrics["text"]["semantic_similarity"]["value"] == pytest.approx(1 / 11)


def test_an_encoder_adds_to_the_stored_embeddings(tmp_path: Path) -> None:
    lines(tmp_path, {"id": "a", "truth": "cat", "answer": "dog"})
    store = tmp_path / "e.npz"
    first, _ = run(tmp_path, "--text-only", "--embeddings", str(store), "--encoder", "random", tree=False)
    again, _ = run(tmp_path, "--text-only", "--embeddings", str(store), tree=False)
    assert first["text"].pop("notes")["encoder"] == f"{store} + random"
    assert again["text"].pop("notes")["encoder"] == str(store) and first["text"] == again["text"]


def test_a_missing_embedding_is_one_line_of_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines(tmp_path, {"id": "a", "truth": "cat", "answer": "dog"})
    np.savez(tmp_path / "e.npz", texts=np.array(["cat"]), embeddings=np.eye(1))
    options = ("--predictions", str(tmp_path / "answers.jsonl"), "--out", str(tmp_path / "x"), "--text-only")
    with pytest.raises(SystemExit):
        main(["score", *options, "--embeddings", str(tmp_path / "e.npz")])
    assert "the embeddings lack 1 texts ('dog')" in capsys.readouterr().err


def test_seeds_and_many_comparisons_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = []
    for name, answer in (("x", "Larus"), ("y", "Corvus corax"), ("z", "Larus fuscus")):
        (tmp_path / name).mkdir()
        lines(tmp_path / name, {"id": "a", "truth": "Larus fuscus", "answer": answer},
              {"id": "b", "truth": "Sterna hirundo", "answer": "Sterna hirundo"})  # fmt: skip
        run(tmp_path / name)
        folders.append(str(tmp_path / name / "scored"))
    rlfg("seeds", *folders, "--json", str(tmp_path / "seeds.json"))
    row = json.loads((tmp_path / "seeds.json").read_text())["metrics"]["correctness"]
    assert row["mean"] == pytest.approx((1 + 0.5 + 1) / 3)
    assert row["values"] == {"x/scored": 1, "y/scored": 0.5, "z/scored": 1}
    rlfg("compare", *folders, "--json", str(tmp_path / "many.json"))
    many = json.loads((tmp_path / "many.json").read_text())
    assert list(many) == ["y/scored", "z/scored"] and all(found["mcnemar"]["p_holm"] == 1 for found in many.values())
    assert "p (Holm)" in capsys.readouterr().out
    rlfg("compare", *folders[:2], "--json", str(tmp_path / "one.json"))
    assert json.loads((tmp_path / "one.json").read_text())["mcnemar"]["p_holm"] is None


def test_pictures_under_two_ids_are_named(tmp_path: Path) -> None:
    same = {"truth": "Larus fuscus", "answer": "Larus", "image": "a.png"}
    lines(tmp_path, {"id": "a", **same}, {"id": "b", **same}, {"id": "c", **same, "image": "c.png"})
    metrics, _ = run(tmp_path)
    assert metrics["shared_images"] == [["a", "b"]]
    assert shared_images(read_items(tmp_path / "scored" / "items.jsonl")) == [["a", "b"]]

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from eval_toys import scored, toy_tree

from eval.compare import compare_many
from eval.compare.tables import latex, markdown, tables
from eval.score import write_items
from rlfg.cli import main

GOOD, BAD = "Larus fuscus", "Corvus corax"


def runs(tree):
    """A is right about 2 of 8 items, B about 7 (all of A's), C about 3 with the name of a genus."""
    return [scored(tree, *([good] * n + [BAD] * (8 - n))) for good, n in ((GOOD, 2), (GOOD, 7), ("Larus", 3))]


def test_tables_hold_the_numbers_of_the_comparison(tmp_path: Path) -> None:
    a, b, c = runs(toy_tree(tmp_path))
    results = compare_many(a, {"b": b, "c": c})
    metrics, tests, moves, changes, counts = tables("a", results)
    assert metrics.header == ("metric", "a", "b", "difference [95 %]", "c", "difference [95 %]")
    assert {row[0]: row[1:] for row in metrics.rows}["correctness"] == (
        "0.250",
        "0.875",
        "+0.625",
        "0.375",
        "+0.125",
    )
    # Five items only B has right: 2 / 2^5; one only C has: 1. Holm doubles the smaller.
    assert tests.rows[0] == ("b", "8", "0", "5", "2", "1", "0", "0.0625", "0.125")
    assert tests.rows[1][-2:] == ("1", "1")
    assert moves.rows == (
        ("b", "WRONG", "SPECIFIC", "5"),
        ("c", "SPECIFIC", "LESS_SPECIFIC", "2"),
        ("c", "WRONG", "LESS_SPECIFIC", "1"),
    )
    assert len(changes.rows) == 8 and changes.rows[0] == ("b", "i2", GOOD, BAD, "WRONG", GOOD, "SPECIFIC")
    assert counts.rows[0] == ("b", "8", "0", "0", "0", "0")


def test_markdown_and_latex_have_equal_rows_and_escape(tmp_path: Path) -> None:
    a, b, _ = runs(toy_tree(tmp_path))
    results = compare_many(a, {"50%_b|{x}": b})
    lines = [line for line in markdown("a", results).splitlines() if line.startswith("|")]
    assert any("50%_b\\|{x}" in line for line in lines)
    for block in markdown("a", results).split("\n\n"):
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines() if line.startswith("|")}
        assert len(columns) <= 1
    text = latex("a", results)
    assert r"50\%\_b|\{x\}" in text and text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 5
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == sum(1 + len(table.rows) for table in tables("a", results))
    assert text.isascii()


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "json"])
def test_the_command_writes_each_format(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    a, b, c = runs(toy_tree(tmp_path))
    for name, items in (("a", a), ("b", b), ("c", c)):
        write_items(tmp_path / name / "items.jsonl", items)
    folders = [str(tmp_path / name) for name in "abc"]
    with pytest.raises(SystemExit) as left:
        main(["compare", *folders, "--format", form, "--out", str(tmp_path / "out" / "t")])
    assert left.value.code == 0 and capsys.readouterr().out.strip() == str(tmp_path / "out" / "t")
    text = (tmp_path / "out" / "t").read_text(encoding="utf-8")
    assert "0.0625" in text and "0.125" in text
    if form == "json":
        assert list(json.loads(text)) == ["b", "c"]


def test_a_taxonomy_adds_the_metrics_over_its_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A raven for a gull (height 4) in six of eight items against one, and not a rank in common."""
    tree = toy_tree(tmp_path)
    folders = [str(tmp_path / name) for name in "ab"]
    for folder, items in zip(folders, runs(tree), strict=False):
        write_items(Path(folder) / "items.jsonl", items)
        (Path(folder) / "metrics.json").write_text(json.dumps({"taxonomy": {"hash": tree.hash}}))
    options = ["--taxonomy", str(tmp_path / "tree.csv"), "--root", "bird", "--json", str(tmp_path / "found.json")]

    def rlfg(*arguments: str) -> int:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        return int(left.value.code or 0)

    assert rlfg("compare", *folders, *options) == 0
    found = json.loads((tmp_path / "found.json").read_text())["metrics"]
    assert (found["hp_macro"]["a"], found["hp_macro"]["b"]) == (0.25, 0.875)
    assert (found["severity"]["a"], found["severity"]["difference"]) == (4, 0)
    assert rlfg("seeds", *folders, *options) == 0
    found = json.loads((tmp_path / "found.json").read_text())["metrics"]
    assert found["hf_micro"]["values"] == {"a": 0.25, "b": 0.875} and found["severity"]["mean"] == 4
    (tmp_path / "tree.csv").write_text((tmp_path / "tree.csv").read_text() + "Passeriformes,Corvidae,Pica,Pica pica\n")
    capsys.readouterr()
    for command in ("compare", "seeds"):
        assert rlfg(command, *folders, *options) == 2
        assert "scored with another taxonomy" in capsys.readouterr().err

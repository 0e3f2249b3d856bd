"""`rlfg taxonomy resolve`: a line for a line, in order, with the counts that add up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlfg.cli import main

LINES = [
    {"answer": "Herring Gull", "truth": "Larus argentatus"},
    {"answer": "a gull", "truth": "Herring Gull"},
    {"answer": "sparrow", "truth": "House Sparrow"},
    {"answer": "Herring Gull or tern", "truth": "Herring Gull"},
    {"answer": "I don't know", "truth": "Herring Gull"},
    {"answer": "Pink Warbler", "truth": "Pine Warbler"},
    {"answer": "Herring Gull", "truth": "dodo"},
    {"answer": "Laridae"},
]


def test_a_table_is_resolved_as_its_lines_would_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    command = ["taxonomy", "resolve", "--taxonomy", "builtin:cub200", "--answers", str(answers), "--out", str(out)]
    answers.write_text("answer;truth\nHerring Gull;Larus argentatus\nLaridae;\n")
    with pytest.raises(SystemExit) as done:
        main(command)
    assert done.value.code == 0
    first, second = (json.loads(line) for line in out.read_text().splitlines())
    assert (first["relation"], "relation" in second) == ("SPECIFIC", False)
    for text, message in (
        ("answer\n", "in.csv: there are no answers in this file"),
        ("label\na\n", 'no column "answer"; found label'),
    ):
        answers.write_text(text)
        with pytest.raises(SystemExit) as done:
            main(command)
        assert done.value.code == 2
        assert message in capsys.readouterr().err


def run(tmp_path: Path, *lines: object) -> list[dict[str, object]]:
    answers, out = tmp_path / "in.jsonl", tmp_path / "out" / "out.jsonl"
    answers.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    command = ["taxonomy", "resolve", "--taxonomy", "builtin:cub200", "--answers", str(answers), "--out", str(out)]
    with pytest.raises(SystemExit) as done:
        main(command)
    assert done.value.code == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_every_line_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = run(tmp_path, *LINES)
    assert [r["answer"] for r in results] == [line["answer"] for line in LINES]
    assert [(r["status"], r.get("relation")) for r in results] == [
        ("vernacular", "SPECIFIC"), ("parsed", "LESS_SPECIFIC"), ("vernacular", "LESS_SPECIFIC"), ("several", "WRONG"),
        ("abstain", "ABSTAIN"), ("unresolved", "WRONG"), ("vernacular", None), ("exact", None),
    ]  # fmt: skip
    first = results[0]
    assert (first["name"], first["rank"]) == ("Larus argentatus", "species")
    assert first["lineage"] == ["bird", "Charadriiformes", "Laridae", "Larus", "Larus argentatus"]
    assert isinstance(first["taxon"], int) and first["trace"]
    assert results[2]["taxon"] is None and results[2]["group"] and not results[2]["truth_assisted"]
    assert "relation" not in results[-1]
    assert "8 answers, 1 unresolved truths, 0 truth-assisted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "in.jsonl:2: not valid JSON"),
        ("[]", "in.jsonl:2: expected an object"),
        ({"answer": 3}, "in.jsonl:2: expected"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: object, message: str) -> None:
    answers = tmp_path / "in.jsonl"
    answers.write_text('{"answer": "gull"}\n' + (line if isinstance(line, str) else json.dumps(line)) + "\n")
    with pytest.raises(SystemExit) as done:
        main(
            [
                "taxonomy",
                "resolve",
                "--taxonomy",
                "builtin:cub200",
                "--answers",
                str(answers),
                "--out",
                str(tmp_path / "o"),
            ]
        )
    assert done.value.code == 2
    assert message in capsys.readouterr().err

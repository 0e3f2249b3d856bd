from __future__ import annotations

import json
from pathlib import Path

import pytest

import eval.predictions as predictions_module
from eval.predictions import drop_torn_line, read_predictions, write_predictions
from rlfg.errors import RlfgError
from rlfg.types import Prediction


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_every_form_of_a_line_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.jsonl",
        {"id": "a", "truth": "Larus", "answer": "gull", "image": "a.png"},
        {"id": 7, "truth": "Larus", "completion": "<answer>gull</answer>"},
        "",
        {"id": "c", "truth": "Larus", "completions": ["x", "y"], "usage": {"tokens": 3}, "answer": None},
        {"id": "d", "truth": "Larus", "error": "timeout"},
        {"id": "e", "truth": "Larus", "answer": None},
    )
    a, b, c, d, e = read_predictions(path)
    assert a == Prediction(id="a", truth="Larus", answers=("gull",), image="a.png")
    assert (b.id, b.completions, b.answers) == ("7", ("<answer>gull</answer>",), ())
    assert c.completions == ("x", "y") and c.extra == {"usage": {"tokens": 3}}
    assert d.error == "timeout" and d.answers == d.completions == ()
    assert e.answers == ("",) and e.error is None


def test_a_table_is_read_as_its_lines_would_be(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    rows = ("id;truth;answer;error;site", "007;Möwe;Larus, ein Vogel;;Sylt", "b;Amsel;;;", "c;Amsel;;timeout;Sylt")
    path.write_bytes(("\ufeff" + "\r\n".join(rows) + "\r\n").encode())
    first, empty, failed = read_predictions(path)
    assert first == Prediction(id="007", truth="Möwe", answers=("Larus, ein Vogel",), extra={"site": "Sylt"})
    assert (empty.answers, empty.extra) == (("",), {})
    assert (failed.error, failed.answers) == ("timeout", ())
    path = tmp_path / "p.tsv"
    path.write_text("id\ttruth\tcompletion\na\tx\t<answer>y</answer>\nb\tx\t\nb\tx\tz\n")
    with pytest.raises(RlfgError, match=r'p\.tsv:4: id "b" was already on line 3'):
        read_predictions(path)
    path.write_text("id\ttruth\nb\n")
    with pytest.raises(RlfgError, match=r"p\.tsv:2: this line has another number of cells than the header"):
        read_predictions(path)
    path.write_bytes(b"id\ttruth\tanswer\na\tM\xf6we\tx\n")
    with pytest.raises(RlfgError, match=r"p\.tsv: not UTF-8 text .* save it as UTF-8"):
        read_predictions(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "not valid JSON"),
        ([1], "expected a JSON object, found list"),
        ({"truth": "x", "answer": "y"}, 'no "id" on this line; found "truth", "answer"'),
        ({"id": "", "truth": "x", "answer": "y"}, '"id" must be a non-empty string'),
        ({"id": True, "truth": "x", "answer": "y"}, '"id" must be a non-empty string'),
        ({"id": "b", "truth": " ", "answer": "y"}, '"truth" must be a non-empty string'),
        ({"id": "b", "truth": "x"}, "exactly one of .*found none of them, but"),
        ({"id": "b", "truth": "x", "anwser": "y"}, '"answer", "answers", .* but "id", "truth", "anwser"'),
        ({"id": "b", "truth": "x", "answer": "y", "completion": "z"}, 'found "answer" and "completion"'),
        ({"id": "b", "truth": "x", "completions": []}, '"completions" is empty'),
        ({"id": "b", "truth": "x", "completions": "y"}, '"completions" must be a list of strings'),
        ({"id": "b", "truth": "x", "answer": ["y"]}, '"answer" must be a string'),
        ({"id": "b", "truth": "x", "answer": "y", "error": "timeout"}, 'has "error" and also "answer"'),
        ({"id": "a", "truth": "x", "answer": "y"}, 'id "a" was already on line 1'),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(tmp_path: Path, line: object, message: str) -> None:
    path = write(tmp_path / "p.jsonl", {"id": "a", "truth": "x", "answer": "y"}, "", line)
    with pytest.raises(RlfgError, match=message) as raised:
        read_predictions(path)
    assert str(raised.value).startswith(f"{path}:3: ")


def test_unreadable_files_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RlfgError, match="no predictions"):
        read_predictions(write(tmp_path / "empty.jsonl"))
    with pytest.raises(RlfgError, match="cannot read: No such file"):
        read_predictions(tmp_path / "missing.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe9"}\n')
    with pytest.raises(RlfgError, match=r"latin\.jsonl:1: not UTF-8"):
        read_predictions(tmp_path / "latin.jsonl")


def test_a_retry_replaces_a_failed_line_but_never_an_answer(tmp_path: Path) -> None:
    failed, answered = {"id": "a", "truth": "x", "error": "timeout"}, {"id": "a", "truth": "x", "answer": "y"}
    assert [p.answers for p in read_predictions(write(tmp_path / "p.jsonl", failed, failed, answered))] == [("y",)]
    with pytest.raises(RlfgError, match="already on line 1"):
        read_predictions(write(tmp_path / "q.jsonl", answered, failed))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "p.jsonl"
    given = [
        Prediction(id="a", truth="Möwe", answers=("gull",), image="a.png", extra={"meta": {"group": "seen"}}),
        Prediction(id="b", truth="x", answers=("y", "z")),
        Prediction(id="c", truth="x", completions=("one\nline",)),
        Prediction(id="d", truth="x", completions=("1", "2")),
        Prediction(id="e", truth="x", error="timeout"),
    ]
    write_predictions(path, given[:2])
    write_predictions(path, given[2:])
    assert read_predictions(path) == given


def test_a_line_torn_by_a_kill_is_cut_off_before_appending(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write_predictions(path, [Prediction(id="a", truth="x", answers=("y",))])
    with path.open("a") as file:
        file.write('{"id": "b", "tru')
    write_predictions(path, [Prediction(id="b", truth="x", answers=("z",))])
    assert [p.id for p in read_predictions(path)] == ["a", "b"]


def test_a_complete_last_line_without_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": "a", "truth": "x", "answer": "y"}')
    assert drop_torn_line(path) is False
    write_predictions(path, [Prediction(id="b", truth="x", answers=("z",))])
    assert [p.id for p in read_predictions(path)] == ["a", "b"]
    assert drop_torn_line(tmp_path / "missing.jsonl") is False


def test_an_emoji_that_was_cut_in_two_is_read_as_no_letter(tmp_path: Path) -> None:
    """Servers that cut a reply leave half of a surrogate pair, which is no text: nothing could write it again."""
    path = tmp_path / "p.jsonl"
    escaped = [r"gull \ud83d", r"\uDE00 gull", r"whole \ud83e\udd85, said \\ud83d", r"a\ud83db"]
    path.write_text("".join(f'{{"id": {k}, "truth": "x", "answer": "{said}"}}\n' for k, said in enumerate(escaped)))
    found = read_predictions(path)
    assert [p.answers[0] for p in found] == ["gull \ufffd", "\ufffd gull", "whole 🦅, said \\ud83d", "a\ufffdb"]
    write_predictions(tmp_path / "again.jsonl", found)
    assert read_predictions(tmp_path / "again.jsonl") == found


def test_a_full_disk_leaves_whole_lines_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.jsonl"
    write_predictions(path, [Prediction(id="a", truth="x", answers=("y",))])
    real = predictions_module.os.write

    def write_half(descriptor: int, data: bytes) -> int:
        if len(data) < 30:  # The second half of a line: the disk is full.
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: len(data) - 20])

    monkeypatch.setattr(predictions_module.os, "write", write_half)
    with pytest.raises(RlfgError, match="No space left on device"):
        write_predictions(path, [Prediction(id="b", truth="x" * 40, answers=("z",))])
    monkeypatch.undo()
    assert [p.id for p in read_predictions(path)] == ["a"]

"""What the command says where a path, a package or a value is wrong: one line, status 2, no traceback."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from rlfg.cli import _parser, main
from rlfg.config import load_config
from rlfg.doctor.packages import extra_with
from rlfg.errors import RlfgError
from rlfg.taxonomy.reading import ReadOptions


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code == 2
    return capsys.readouterr().err.strip()


def test_a_path_that_cannot_be_used_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "birds.csv"
    tree.write_text("genus,species\nLarus,Larus canus\n")
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"id": "a", "truth": "Larus canus", "answer": "Larus"}\n')
    shown = said(capsys, "score", "--taxonomy", tree, "--predictions", answers, "--out", tree)
    assert shown == f"error: {tree}: File exists; give a path that can be read, or written"
    taken = tmp_path / "taken"
    taken.mkdir()
    seen, birds = tmp_path / "seen.jsonl", ("Larus canus", "Larus fuscus")
    tree.write_text("genus,species\n" + "".join(f"Larus,{bird}\n" for bird in birds))
    seen.write_text("".join(json.dumps({"image": "a", "label": bird, "seen": {"bill": bird}}) + "\n" for bird in birds))
    shown = said(capsys, "cot", "template", seen, "--taxonomy", tree, "--attributes", "seen", "--out", taken)
    assert shown == f"error: {taken}: Is a directory; give a path that can be read, or written"
    shown = said(capsys, "predict", "--config", tmp_path)
    assert shown == f"error: {tmp_path}: Is a directory; give a path that can be read, or written"


def test_a_check_reads_a_taxonomy_as_scoring_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gull").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "gull" / "a.png")
    tree = tmp_path / "tree.json"
    tree.write_text('{"Herring Gull": ["Laridae", "Herring Gull"]}')
    with pytest.raises(SystemExit) as ended:
        main(["check", str(tmp_path), "--taxonomy", str(tree), "--ranks", "family,species", "--root-alias", "gull"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"1 pictures: 1 ok\n1 labels, 0 not in {tree}\n"


def test_completions_without_tags_are_told_how_to_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = tmp_path / "answers.csv"
    answers.write_text("id,truth,completion\na,Herring Gull,Herring Gull\n")
    command = ["score", "--taxonomy", "builtin:cub200", "--predictions", str(answers), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit):
        main(command)
    assert "no answer can be read; of completions that were not asked for <answer> tags" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*command, "--parse", "bare"])
    shown = capsys.readouterr().out
    assert "correctness 1.000" in shown and "no answer can be read" not in shown


def test_a_package_that_is_missing_is_named_with_its_extra() -> None:
    code = "import sys; sys.modules['torch'] = None; from rlfg.cli import _parser, main; main(['demo'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: this needs torch, which is not installed: pip install 'rlfg[train]'\n"


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("pyarrow", ["check", "m.parquet"], "Parquet needs pyarrow; pip install 'rlfg[parquet]'"),
        ("aiohttp", ["cot", "build", "m.csv", "--out", "cot", "--taxonomy", "t.csv", "--teacher", "m"],
         "asking an endpoint needs aiohttp: pip install 'rlfg[judge]'"),
        ("datasets", ["data", "prepare", "custom", "--from-hub", "gull", "--taxonomy", "t.csv"],
         "need `datasets`; pip install 'rlfg[train]'; `rlfg data split` takes a folder of class folders without it"),
    ],
)  # fmt: skip
def test_each_extra_is_named_where_it_is_missed(
    module: str,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "gull").mkdir()
    Image.new("RGB", (4, 4)).save("gull/a.png")
    Path("m.parquet").write_bytes(b"")
    Path("m.csv").write_text("image,label\ngull/a.png,Larus\n")
    Path("t.csv").write_text("family,genus\nLaridae,Larus\n")
    assert message in said(capsys, *arguments)


def test_a_module_of_no_extra_is_a_bug_and_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rlfg.doctor", None)
    with pytest.raises(ModuleNotFoundError):
        main(["doctor"])
    assert extra_with("rlfg.doctor") is None


def test_configs_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes("languages: [M\xf6we]\n".encode("cp1252"))
    with pytest.raises(RlfgError, match=r"c\.yaml: not UTF-8 text \(byte 13\); save it as UTF-8"):
        load_config(ReadOptions, path)
    path.write_text("languages: [de]\n")
    with pytest.raises(RlfgError, match=r"'languages=\[de': not valid YAML"):
        load_config(ReadOptions, path, ["languages=[de"])


def options(parser: argparse.ArgumentParser, name: str = "rlfg") -> Iterator[tuple[str, str | None]]:
    """Every option and argument of a command and of those below it, with its help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, below in action.choices.items():
                yield from options(below, f"{name} {verb}")
        else:
            yield f"{name} {action.option_strings or action.dest}", action.help


def test_every_option_says_what_it_is() -> None:
    found = dict(options(_parser()))
    assert len(found) > 200
    assert [name for name, said in found.items() if not said] == []

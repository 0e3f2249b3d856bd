"""Answers without thoughts: what is learnt, asked for, read and paid is the answer alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

from PIL import Image

from rewards.build import build_term
from rewards.group import Group
from rlfg.config import build_config
from rlfg.data import FORMS, Examples
from rlfg.data.contract import check_target, parse_mode_of, write_contract
from rlfg.errors import RlfgError
from rlfg.training.config import GrpoConfig
from rlfg.training.sft import SftTrainConfig, sft_rows
from rlfg.types import Example, Relation, Verdict

COMPLETIONS = ("<think>red</think><answer>robin</answer>", "<answer>robin</answer>", "robin")
"""One of each form, in the order of `FORMS`."""


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    item = Example(id="a", image=str(tmp_path / "a.png"), label="robin", rationale=None)
    return Examples(items=(item,), where=("data:1",), numbers=(0,))


def sft(**values: Any) -> SftTrainConfig:
    common = {"model": {"path": "m"}, "data": {"path": "d"}, "run": {"output_dir": "o", "steps": 1}}
    return build_config(SftTrainConfig, {**common, **values}, "sft.yaml")


def grpo(**values: Any) -> GrpoConfig:
    common = {"model": {"path": "m"}, "data": {"path": "d"}, "run": {"output_dir": "o", "steps": 1}}
    return build_config(GrpoConfig, {**common, "verifier": {"taxonomy": "t.csv"}, **values}, "grpo.yaml")


@pytest.mark.parametrize("form", ["answer", "bare"])
def test_answers_alone_need_no_rationale(examples: Examples, form: Any) -> None:
    row = sft_rows(examples, form, form)[0]
    assert row["completion"][0]["content"] == COMPLETIONS[FORMS.index(form)]
    with pytest.raises(RlfgError, match=r"a: SFT needs a `rationale` .* set target: answer"):
        sft_rows(examples, form)


@pytest.mark.parametrize("form", FORMS)
def test_the_format_term_pays_its_form_alone(form: str) -> None:
    verdicts = (Verdict(relation=Relation.SPECIFIC),) * 3
    term = build_term("format", form=form)
    paid = term(Group(verdicts=verdicts, completions=COMPLETIONS))
    assert paid == [float(form == other) for other in FORMS]


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(RlfgError, match="form is 'thinking'; choose from think, answer, bare"):
        build_term("format", form="thinking")


def test_one_line_asks_for_answers_alone() -> None:
    assert grpo(prompt="answer").parse_mode == "lenient"


@pytest.mark.parametrize(
    ("build", "values", "message"),
    [
        (sft, {"target": "answer"}, "asks for thoughts, which target: answer leaves out; set prompt: answer"),
        (grpo, {"parse_mode": "bare"}, "asks for thoughts, which parse_mode: bare leaves out; set prompt: bare"),
        (
            grpo,
            {"parse_mode": "answer", "prompt": "answer", "reward": {"terms": [{"name": "format", "weight": 0.1}]}},
            r"pays another form than parse_mode: answer reads; give it \{form: answer\}",
        ),
        (
            grpo,
            {"parse_mode": "bare", "prompt": "bare", "reward": {"terms": [{"name": "lineage", "weight": 0.1}]}},
            "the term lineage reads thoughts, and parse_mode: bare takes none",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(build: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        build(**values)


def test_what_agrees_is_taken() -> None:
    term = {"name": "format", "weight": 0.1, "options": {"form": "answer"}}
    assert grpo(parse_mode="answer", prompt="answer", reward={"terms": [term]})
    assert grpo(parse_mode="bare", prompt="short") and sft(target="bare", prompt="short")


@pytest.mark.parametrize(
    ("target", "read"),
    [("think", {"strict", "lenient"}), ("answer", {"lenient", "answer"}), ("bare", {"bare"}), (None, None)],
)
def test_a_stage_reads_what_the_one_before_taught(tmp_path: Path, target: str | None, read: set[str] | None) -> None:
    write_contract(tmp_path, {} if target is None else {"target": target})
    for mode in ("strict", "lenient", "answer", "bare"):
        if read is None or mode in read:
            check_target(tmp_path, mode)  # type: ignore[arg-type]
            continue
        with pytest.raises(RlfgError, match=f"was taught target: {target}, which parse_mode: {mode} cannot read"):
            check_target(tmp_path, mode)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("contract", "mode"),
    [
        ({}, "lenient"),
        ({"target": "think"}, "lenient"),
        ({"target": "bare"}, "bare"),
        ({"parse_mode": "answer", "target": "bare"}, "answer"),
    ],
)
def test_a_trained_model_is_read_as_it_was_trained(tmp_path: Path, contract: dict[str, str], mode: str) -> None:
    write_contract(tmp_path, contract)
    assert parse_mode_of(tmp_path) == mode

"""The real vLLM engine answers a dataset as transformers does."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
if find_spec("vllm") is None:
    pytest.skip("vLLM is not installed: make vllm", allow_module_level=True)

from launching import BASE, ROOT, environment  # noqa: E402

from eval.predictions import read_predictions  # noqa: E402
from rlfg.types import Prediction  # noqa: E402

pytestmark = pytest.mark.vllm


def answered(
    tmp_path: Path, world: Path, name: str, backend: dict[str, Any], status: int = 0, **more: Any
) -> list[Prediction]:
    """By `rlfg predict` in a process of its own."""
    values = {
        "backend": backend,
        "data": {"path": str(world / "test.jsonl"), "limit": 6},
        "out": str(tmp_path / f"{name}.jsonl"),
        "protocol": {"open": {"prompts": ["short"]}},
        "sampling": {"temperature": 0, "max_new_tokens": 12},
        "use_cpu": True,
        **more,
    }
    path = tmp_path / f"{name}.yaml"
    path.write_text(json.dumps(values))
    command = [sys.executable, "-c", f"from rlfg.cli import main; main(['predict', '--config', {str(path)!r}])"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=ROOT, timeout=3000)
    assert done.returncode == status, done.stderr[-3000:]
    return read_predictions(tmp_path / f"{name}.jsonl")


MODEL = {"path": str(BASE), "dtype": "float32"}
ENGINE = {"model": MODEL, "engine": {"max_model_len": 512}}


def adapter(folder: Path) -> Path:
    """A LoRA that changes what the base says."""
    from rlfg.models.load import LoraSpec, ModelSpec, load_model

    torch.manual_seed(3)
    model = load_model(ModelSpec(path=str(BASE), dtype="float32", lora=LoraSpec(r=4, alpha=8)), trainable=True)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return folder


def test_greedy_answers_are_those_of_transformers_with_and_without_an_adapter(tiny_world: Path, tmp_path: Path) -> None:
    said = {}
    for name, spec in {"base": {}, "adapted": {"adapter": str(adapter(tmp_path / "lora"))}}.items():
        ours = answered(tmp_path, tiny_world, f"{name}-t", {"transformers": {**MODEL, **spec}})
        theirs = answered(
            tmp_path, tiny_world, f"{name}-v", {"vllm": {**ENGINE, "model": {**MODEL, **spec}}, "rows": 4}
        )
        assert [(x.id, x.completions) for x in ours] == [(x.id, x.completions) for x in theirs]
        for a, b in zip(ours, theirs, strict=True):
            assert a.extra["usage"]["prompt_tokens"] == b.extra["usage"]["prompt_tokens"] > 0
            assert a.extra["usage"]["completion_tokens"] == b.extra["usage"]["completion_tokens"] > 0
        said[name] = [x.completions for x in theirs]
    assert said["base"] != said["adapted"]


def test_samples_and_rotations_come_in_order(tiny_world: Path, tmp_path: Path) -> None:
    hot = {"sampling": {"temperature": 1.3, "max_new_tokens": 6}}
    samples = {"protocol": {"open": {"prompts": ["short"], "samples": 5}}}
    lines = answered(tmp_path, tiny_world, "samples", {"vllm": ENGINE}, **hot, **samples)
    assert all(len(line.completions) == 5 for line in lines)
    assert any(len(set(line.completions)) > 1 for line in lines)
    choice = {"protocol": {"choice": {"options": 3, "order": "cyclic"}}}
    rotated = answered(tmp_path, tiny_world, "choice", {"vllm": ENGINE}, **choice)
    assert all(len(line.completions) == 3 == len(line.extra["options"]) for line in rotated)


def test_a_prompt_without_room_for_its_answer_fails_alone(tiny_world: Path, tmp_path: Path) -> None:
    """It would end the batch, or get an answer that is cut; and every run after would meet it again."""
    short = {"vllm": {**ENGINE, "engine": {"max_model_len": 64}}}
    prompts = {"protocol": {"open": {"prompts": ["short", "elimination"]}}}
    lines = answered(tmp_path, tiny_world, "room", short, status=1, **prompts)
    assert {line.extra["prompt"]: line.error is None for line in lines} == {"short": True, "elimination": False}
    assert "tokens; engine.max_model_len has room for 52" in str(lines[-1].error)

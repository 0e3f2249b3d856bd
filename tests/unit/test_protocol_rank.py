"""Ranking a label list by the real model: the shared prefix against a pass of its own for every label."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from launching import BASE, launch  # noqa: E402
from PIL import Image  # noqa: E402

from eval.backends.local import LocalBackend  # noqa: E402
from eval.predict import PredictConfig, load_task, predict  # noqa: E402
from eval.predictions import read_predictions  # noqa: E402
from eval.tally import tally  # noqa: E402
from rlfg.config import build_config  # noqa: E402
from rlfg.models.load import ModelSpec  # noqa: E402
from rlfg.models.logps import Row, completion_logps  # noqa: E402
from rlfg.models.prefix import language_model  # noqa: E402
from rlfg.models.prompts import encode_prompt  # noqa: E402
from rlfg.rollouts.local import LocalModel  # noqa: E402

FORM = "<answer>{}</answer>"


@pytest.fixture(scope="module")
def local() -> LocalModel:
    return LocalModel(ModelSpec(path=str(BASE), dtype="float32"), device=torch.device("cpu"), max_rows=7)


def ranking(world: Path, out: Path, rows: int, **more: Any) -> PredictConfig:
    values = {
        "backend": {"transformers": {"path": str(BASE), "dtype": "float32"}, "rows": rows},
        "data": {"path": str(world / "test.jsonl"), "limit": 4},
        "out": str(out),
        "protocol": {"rank": {"form": FORM, "prior": True, **more}},
        "use_cpu": True,
    }
    return build_config(PredictConfig, values, "test")


def plain(local: LocalModel, text: str, pictures: list[Any], labels: list[str]) -> list[float]:
    """A pass over the prompt and the label, for every label."""
    tokenizer = local.processor.tokenizer
    parts = [*({"type": "image"} for _ in pictures), {"type": "text", "text": text}]
    prompt = encode_prompt(local.processor, [{"role": "user", "content": parts}], pictures)
    found = []
    for label in labels:
        ids = tokenizer(FORM.format(label), add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        row = Row(prompt=0, token_ids=tuple(ids))
        with torch.no_grad():
            lm = language_model(local.model)
            logps = completion_logps(lm, [prompt], [row], pad_id=tokenizer.pad_token_id, shared_prefix=False).logps_RL
        found.append(float(logps.sum()))
    return found


@pytest.mark.parametrize("rows", [7, 512], ids=["in turns", "at once"])
def test_a_shared_prefix_changes_no_score(local: LocalModel, tiny_world: Path, tmp_path: Path, rows: int) -> None:
    config = ranking(tiny_world, tmp_path / "a.jsonl", rows)
    local.engine = type(local.engine)(**{**vars(local.engine), "max_rows": rows})
    predict(config, LocalBackend(local, config.sampling, seed=0, rows=rows))
    task = load_task(config)
    lines = read_predictions(config.out)
    assert len(lines) == 4 and len(lines[0].extra["options"]) == len({e.label for e in task.examples}) > 1
    for i, line in enumerate(lines):
        shown, blank = line.extra["logprobs"]
        text, labels = task.items[i].questions[0].text, line.extra["options"]
        np.testing.assert_allclose(shown["sum"], plain(local, text, [task.examples.open_image(i)], labels), atol=1e-5)
        np.testing.assert_allclose(blank["sum"], plain(local, text, [], labels), atol=1e-5)
        lengths = [len(local.processor.tokenizer(FORM.format(label))["input_ids"]) + 1 for label in labels]
        assert shown["tokens"] == lengths
        assert line.answers == (labels[int(np.argmax(shown["sum"]))],)
    assert len({json.dumps(line.extra["logprobs"][1]) for line in lines}) == 1, "the prior is one for all pictures"
    assert len({json.dumps(line.extra["logprobs"][0]) for line in lines}) == 4


def test_the_rankings_are_tallied(local: LocalModel, tiny_world: Path, tmp_path: Path) -> None:
    config = ranking(tiny_world, tmp_path / "a.jsonl", 512)
    predict(config, LocalBackend(local, config.sampling, seed=0, rows=512))
    _, metrics = tally(read_predictions(config.out), samples=10)
    ways = ("sum", "mean", "calibrated", "calibrated_mean")
    assert {f"top{k}_{way}" for k in (1, 5) for way in ways} <= metrics.keys()
    assert all(0 <= metrics[f"top1_{way}"] <= metrics[f"top5_{way}"] <= 1 for way in ways)
    assert metrics["items"] == 4 and metrics["chance"] > 0


def test_the_end_of_the_answer_is_scored(local: LocalModel, tiny_world: Path) -> None:
    """Without it a label is never less probable than one that it begins."""
    tokenizer = local.processor.tokenizer
    text = "What is this?"
    short, long = plain(local, text, [], ["Fiple"]), plain(local, text, [], ["Fiple fasko"])
    assert tokenizer(FORM.format("x"))["input_ids"][-1] != tokenizer.eos_token_id
    assert short != long


def test_a_picture_that_the_processor_does_not_take_fails_alone(local: LocalModel, tmp_path: Path) -> None:
    """Qwen's takes none that is 200 times as long as wide; every run would meet it again."""
    sizes = {"line": (900, 4), "dot": (1, 1), "square": (84, 84)}
    for name, size in sizes.items():
        Image.new("RGB", size, (200, 30, 30)).save(tmp_path / f"{name}.png")
    lines = [json.dumps({"id": name, "image": f"{name}.png", "label": "Fiple fasko"}) for name in sizes]
    (tmp_path / "test.jsonl").write_text("\n".join(lines) + "\n")
    for protocol in ({"open": {"prompts": ["short"]}}, {"rank": {}}):
        values = {
            "backend": {"transformers": {"path": str(BASE), "dtype": "float32"}},
            "data": {"path": str(tmp_path / "test.jsonl")},
            "out": str(tmp_path / f"{next(iter(protocol))}.jsonl"),
            "protocol": protocol,
            "sampling": {"temperature": 0, "max_new_tokens": 2},
        }
        config = build_config(PredictConfig, values, "test")
        predict(config, LocalBackend(local, config.sampling, seed=0, rows=7))
        line, dot, square = read_predictions(config.out)
        assert "900 × 4: the model's processor takes no such picture" in str(line.error)
        assert dot.error is None and square.error is None


@pytest.mark.slow
def test_two_processes_rank_as_one(tiny_world: Path, tmp_path: Path) -> None:
    path = tmp_path / "rank.yaml"
    path.write_text(f"""
backend: {{transformers: {{path: {BASE}, dtype: float32}}, rows: 40}}
data: {{path: {tiny_world}/test.jsonl, limit: 7}}
out: {tmp_path}/one.jsonl
protocol: {{rank: {{prior: true}}}}
use_cpu: true
""")
    found = []
    for launch_file, name in (("cpu.yaml", "one"), ("cpu2.yaml", "two")):
        done = launch("evaluate.py", launch_file, path, f"out={tmp_path}/{name}.jsonl")
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(read_predictions(tmp_path / f"{name}.jsonl"))
    one, two = found
    assert [line.id for line in one] == [line.id for line in two] and len(one) == 7
    for a, b in zip(one, two, strict=True):
        for mine, theirs in zip(a.extra["logprobs"], b.extra["logprobs"], strict=True):
            np.testing.assert_allclose(mine["sum"], theirs["sum"], atol=1e-4)
        assert a.answers == b.answers


@pytest.mark.slow
def test_two_processes_choose_as_one(tiny_world: Path, tmp_path: Path) -> None:
    """Closed questions of several parts, over processes."""
    path = tmp_path / "choice.yaml"
    path.write_text(f"""
backend: {{transformers: {{path: {BASE}, dtype: float32}}, rows: 5}}
data: {{path: {tiny_world}/test.jsonl, limit: 5}}
out: {tmp_path}/one.jsonl
protocol: {{choice: {{options: 3, order: cyclic}}}}
sampling: {{temperature: 1.0, max_new_tokens: 6}}
use_cpu: true
""")
    texts = []
    for launch_file, name in (("cpu.yaml", "one"), ("cpu2.yaml", "two")):
        done = launch("evaluate.py", launch_file, path, f"out={tmp_path}/{name}.jsonl")
        assert done.returncode == 0, done.stderr[-3000:]
        texts.append([(x.id, x.completions, x.extra["options"]) for x in read_predictions(tmp_path / f"{name}.jsonl")])
    assert texts[0] == texts[1] and all(len(completions) == 3 for _, completions, _ in texts[0])

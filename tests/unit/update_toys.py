"""A tiny policy with an adapter, three prompts with two answers each, and the gradient of a step of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from PIL import Image
from transformers import AutoProcessor

from rlfg.models.load import LoraSpec, ModelSpec, load_model
from rlfg.models.prompts import encode_prompt
from rlfg.training.microbatch import TrainRow
from rlfg.training.objectives import Objective
from rlfg.training.update import StepBatch, Updater


def toy_policy(tiny_model: Path) -> Any:
    torch.manual_seed(1)
    spec = ModelSpec(path=str(tiny_model), dtype="float32", lora=LoraSpec(r=4, alpha=8))
    model = load_model(spec, trainable=True)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def toy_batch(tiny_model: Path) -> StepBatch:
    processor = AutoProcessor.from_pretrained(tiny_model, padding_side="left")
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}
    colours = {"0": "red", "1": "green", "2": "blue"}
    prompts = {k: encode_prompt(processor, [message], [Image.new("RGB", (84, 84), c)]) for k, c in colours.items()}
    rows = [
        TrainRow(prompt_key=k, token_ids=tuple(range(40 + i, 43 + 2 * i)), advantage=a)
        for i, (k, a) in enumerate([("0", 1.0), ("0", -1.0), ("1", 0.0), ("1", 0.0), ("2", 0.5), ("2", -0.5)])
    ]
    return StepBatch(rows=rows, prompts=prompts, total_rows=6, total_tokens=sum(len(r.token_ids) for r in rows))


def gradient(model: Any, batch: StepBatch, objective: Objective, **options: Any) -> Any:
    """Loss, metrics, and the gradient of every trained weight in a row."""
    settings: dict[str, Any] = {"max_tokens": 10_000, "shared_prefix": True, "drop_zero_advantage": True}
    updater = Updater(
        accelerator=Accelerator(cpu=True), objective=objective, pad_id=0, temperature=1.0, max_length=16,
        **{**settings, **options},
    )  # fmt: skip
    model.zero_grad()
    loss, metrics = updater(model, batch)
    return loss, metrics, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

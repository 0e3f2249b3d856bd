"""Bytes that go to the rollout engine after a step: the LoRA, and the merged weights it saves pushing.

    python tests/benchmarks/sync_size.py            # of models of 3B to 72B, from their shapes
    python tests/benchmarks/sync_size.py --engine   # of the embedded world's, with seconds; needs vLLM

Models are built on the meta device from their published shapes, LoRA r = 64 on every linear layer of the language
model, bfloat16.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForImageTextToText, Qwen2_5_VLConfig

from rlfg.models.load import LoraSpec, ModelSpec, attach_lora, load_model, load_processor, lora_config
from rlfg.rollouts.vllm import VllmSpec
from rlfg.rollouts.vllm.colocated import ColocatedEngine
from rlfg.training.sync import adapter_tensors, forget, whole_tensors, write_adapter, write_weights

BASE = Path(__file__).parents[2] / "recipes" / "assets" / "world-base"

SHAPES = {
    "3B": {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16,
           "num_key_value_heads": 2, "tie_word_embeddings": True, "vocab_size": 151936},
    "7B": {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
           "num_key_value_heads": 4, "tie_word_embeddings": False, "vocab_size": 152064},
    "72B": {"hidden_size": 8192, "intermediate_size": 29568, "num_hidden_layers": 80, "num_attention_heads": 64,
            "num_key_value_heads": 8, "tie_word_embeddings": False, "vocab_size": 152064},
}  # fmt: skip
"""Of Qwen2.5-VL's language models, from their config.json on the hub."""

VISION = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16}


def main() -> None:
    if "--engine" in sys.argv:
        timed()
        return
    print("| Qwen2.5-VL | adapter (r = 64) | merged weights | times less |\n|---|---|---|---|")
    for name, shape in SHAPES.items():
        vision = {**VISION, "out_hidden_size": shape["hidden_size"]}
        tied = {"tie_word_embeddings": shape["tie_word_embeddings"]}
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(
                Qwen2_5_VLConfig(text_config=shape, vision_config=vision, **tied), dtype=torch.bfloat16
            )
            merged = sum(p.numel() for p in model.parameters())
            lora = LoraSpec(r=64)
            adapted = attach_lora(model, lora_config(lora), ModelSpec(path=name, lora=lora))
            adapter = sum(p.numel() for n, p in adapted.named_parameters() if "lora_" in n)
        sizes = f"{2 * adapter / 1e9:.2f} GB | {2 * merged / 1e9:.1f} GB"
        print(f"| {name} | {sizes} | {merged / adapter:.0f} |", flush=True)


def timed(rounds: int = 10) -> None:
    """Syncs of one model on this machine, from the trainer's weights to an engine that has them."""
    spec = ModelSpec(path=str(BASE), dtype="float32", lora=LoraSpec(r=4, alpha=8))
    model, size = load_model(spec, trainable=True), dict(load_processor(spec).image_processor.size)
    print("| sent | MB | seconds, median |\n|---|---|---|")
    for rank, sent in ((4, "adapter (r = 4)"), (None, "merged weights")):
        where = VllmSpec(mode="colocated", engine={"max_model_len": 1024})
        engine = ColocatedEngine(where, model=spec.path, dtype="float32", rank=rank, picture_size=size)
        seconds = []
        for number in range(rounds):
            began, folder = time.perf_counter(), where.folder(BASE) / f"rlfg-timed-{number}"
            if rank is None:
                written = write_weights(model, whole_tensors(model, keep=True), folder)
            else:
                written = write_adapter(model, adapter_tensors(model), folder)
            engine.load(str(number), folder)
            seconds.append(time.perf_counter() - began)
            forget(folder)
        engine.close()
        print(f"| {sent} | {written / 1e6:.2f} | {statistics.median(seconds):.3f} |", flush=True)


if __name__ == "__main__":
    main()

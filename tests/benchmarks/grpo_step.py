"""One GRPO update by TRL's GRPOTrainer and by ours, side by side on the same model, rollouts and advantages.

    python tests/benchmarks/grpo_step.py --out step.json                     # the grid, about 20 minutes on 2 cores
    python tests/benchmarks/grpo_step.py --pictures 1024 --groups 8 --lengths 128
    python tests/benchmarks/grpo_step.py --device cuda --model Qwen/Qwen2.5-VL-3B-Instruct --dtype bfloat16 --recompute

By default a random Qwen2.5-VL of about 30 million parameters with a LoRA on its language model, float32. Both trainers
hold the same model object; a repetition runs one after the other, and the order alternates. TRL's loss is `dapo` (its
one with a global normaliser), so that the gradients must be equal: the largest difference relative to the largest
entry is printed with the times. Memory is the rise of the peak resident set (CPU) or of allocated memory (CUDA) over
the update. Pictures are encoded before the update in ours, as the rollouts of the same step leave them; the time of
that is in its own column.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from PIL import Image
from trl import GRPOConfig, GRPOTrainer

from rewards.advantages import group_advantages
from rlfg.models.load import LoraSpec, ModelSpec, attach_lora, load_model, load_processor, lora_config
from rlfg.models.pictures import encode_pictures
from rlfg.models.prefix import language_model
from rlfg.models.prompts import EncodedPrompt, encode_prompt
from rlfg.models.tiny import tiny_model, tiny_processor, tiny_tokenizer
from rlfg.training.microbatch import TrainRow
from rlfg.training.objectives import Objective
from rlfg.training.update import StepBatch, Updater

QUESTION = "What is this? Name it as specifically as you know."
PIXELS_PER_TOKEN = 28


class FixedRollouts(GRPOTrainer):  # type: ignore[misc]
    """TRL's trainer on given completions; its inputs are prepared before the clock starts."""

    completions: list[list[int]]
    ready: dict[str, Any] | None = None

    def _generate_single_turn(self, *_: Any, **__: Any) -> tuple[list[list[int]], None]:
        return self.completions, None

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        return super()._prepare_inputs(generation_batch) if self.ready is None else self.ready


@dataclass(frozen=True, kw_only=True)
class Point:
    """One place of the grid."""

    picture: int
    group: int
    length: int
    prompts: int


@dataclass(frozen=True, kw_only=True)
class Way:
    """How one trainer did."""

    seconds: float
    memory: int
    tokens: int


def build_model(args: argparse.Namespace) -> tuple[Any, Any]:
    torch.manual_seed(0)
    lora = LoraSpec(r=16, alpha=32)
    if args.model:
        spec = ModelSpec(path=args.model, dtype=args.dtype, lora=lora)
        return load_model(spec, trainable=True).to(args.device), load_processor(spec)
    tokenizer = tiny_tokenizer([QUESTION] * 3, vocab_size=600)
    base = tiny_model(tokenizer, hidden=384, layers=8).to(args.device)
    base.config.text_config.max_position_embeddings = 4096
    model = attach_lora(base, lora_config(lora), ModelSpec(path="random"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # They start at zero, where half of the gradients vanish.
            torch.nn.init.normal_(parameter, std=0.02)
    return model, tiny_processor(tokenizer)


def picture(tokens: int, seed: int) -> Image.Image:
    """Noise of so many picture tokens."""
    wide = next(w for w in range(int(tokens**0.5), 0, -1) if tokens % w == 0)
    size = (PIXELS_PER_TOKEN * wide, PIXELS_PER_TOKEN * tokens // wide, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, size, dtype=np.uint8))


def messages() -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}]


class Pair:
    """Both trainers at one point."""

    def __init__(self, model: Any, processor: Any, point: Point, args: argparse.Namespace) -> None:
        pixels = point.picture * PIXELS_PER_TOKEN**2
        processor.image_processor.size = {"shortest_edge": pixels, "longest_edge": pixels}
        pictures = [picture(point.picture, seed) for seed in range(point.prompts)]
        draw = np.random.default_rng(1)
        end = processor.tokenizer.eos_token_id
        rows = point.prompts * point.group
        lengths = draw.integers(point.length * 3 // 4, point.length + 1, rows)
        self.completions = [[*draw.integers(20, 250, n - 1).tolist(), end] for n in lengths]
        self.rewards = draw.random(rows).round(3).tolist()
        self.model, self.point, self.device = model, point, torch.device(args.device)
        self.prompts = [encode_prompt(processor, messages(), [p]) for p in pictures]
        self.theirs = self._theirs(processor, pictures, args)
        self.ours = Updater(
            accelerator=self.theirs.accelerator, objective=Objective(), pad_id=processor.tokenizer.pad_token_id,
            temperature=1.0, max_tokens=args.max_tokens, max_length=point.length, shared_prefix=True,
            drop_zero_advantage=True, recompute=args.recompute, autocast=self.theirs.accelerator.autocast,
        )  # fmt: skip

    def _theirs(self, processor: Any, pictures: list[Image.Image], args: argparse.Namespace) -> FixedRollouts:
        point, rows = self.point, len(self.completions)
        config = GRPOConfig(
            output_dir=tempfile.mkdtemp(), per_device_train_batch_size=rows, num_generations=point.group,
            max_completion_length=point.length, loss_type="dapo", beta=0.0, use_cpu=args.device == "cpu", bf16=False,
            report_to=[], gradient_checkpointing=args.recompute, dataloader_pin_memory=False, epsilon_high=0.2,
            remove_unused_columns=False, disable_tqdm=True, logging_strategy="no", use_liger_kernel=False,
        )  # fmt: skip
        conversations = [messages() for _ in pictures]
        examples = [{"prompt": c, "image": p} for c, p in zip(conversations, pictures, strict=True)]
        trainer = FixedRollouts(
            model=self.model, processing_class=processor, args=config, train_dataset=Dataset.from_list(examples),
            reward_funcs=[lambda **_: self.rewards],
        )  # fmt: skip
        trainer.completions = self.completions
        trainer.current_gradient_accumulation_steps = 1
        self.model.train()
        batch = [dict(examples[i // point.group]) for i in range(rows)]
        trainer.ready = trainer._prepare_inputs(batch)
        return trainer

    def run_theirs(self) -> int:
        self.theirs.training_step(self.model, self.theirs.ready, None)
        prompt = len(self.prompts[0])
        return len(self.completions) * (prompt + max(map(len, self.completions)))

    def run_ours(self, encoded: list[EncodedPrompt]) -> int:
        group = self.point.group
        keys = [str(i // group) for i in range(len(self.completions))]
        advantages = group_advantages(self.rewards, group_ids=keys).values
        rows = [
            TrainRow(prompt_key=k, token_ids=tuple(c), advantage=float(a))
            for k, c, a in zip(keys, self.completions, advantages, strict=True)
        ]
        prompts = {str(i): prompt for i, prompt in enumerate(encoded)}
        tokens = sum(map(len, self.completions))
        self.ours(self.model, StepBatch(rows=rows, prompts=prompts, total_rows=len(rows), total_tokens=tokens))
        micro = self.ours._microbatches(
            StepBatch(rows=rows, prompts=prompts, total_rows=len(rows), total_tokens=tokens)
        )
        return sum(
            len(m.prompts) * max(map(len, m.prompts)) + len(m.rows) * max(len(r.token_ids) for r in m.rows)
            for m in micro
        )

    def gradients(self) -> dict[str, torch.Tensor]:
        found = {n: p.grad.clone() for n, p in self.model.named_parameters() if p.grad is not None}
        self.model.zero_grad(set_to_none=True)
        return found


def measure(work: Callable[[], int], device: torch.device) -> Way:
    """Seconds, and bytes that the peak rose by."""
    reset_peak(device)
    before, began = peak(device), time.perf_counter()
    tokens = work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return Way(seconds=time.perf_counter() - began, memory=peak(device) - before, tokens=tokens)


def reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        return
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free must count again when it is taken
    Path("/proc/self/clear_refs").write_text("5")


def peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def compare(model: Any, processor: Any, point: Point, args: argparse.Namespace) -> dict[str, Any]:
    pair = Pair(model, processor, point, args)
    found: dict[str, list[Way]] = {"trl": [], "rlfg": []}
    encoding: list[float] = []
    gradients: dict[str, dict[str, torch.Tensor]] = {}
    for repetition in range(args.repeat + 1):
        for name in ("trl", "rlfg") if repetition % 2 else ("rlfg", "trl"):
            if name == "trl":
                way = measure(pair.run_theirs, pair.device)
            else:
                began = time.perf_counter()
                with pair.theirs.accelerator.autocast():
                    encoded = encode_pictures(language_model(model), pair.prompts)
                encoding.append(time.perf_counter() - began)
                way = measure(partial(pair.run_ours, encoded), pair.device)
            gradients[name] = pair.gradients()
            if repetition:  # the first warms up
                found[name].append(way)
    result: dict[str, Any] = dict(vars(point))
    for name, ways in found.items():
        result[name] = {
            "seconds": statistics.median(w.seconds for w in ways),
            "memory_mb": statistics.median(w.memory for w in ways) / 1e6,
            "tokens": ways[0].tokens,
        }
    result["encode_seconds"] = statistics.median(encoding[1:])
    result["faster"] = result["trl"]["seconds"] / result["rlfg"]["seconds"]
    result["faster_with_encoding"] = result["trl"]["seconds"] / (result["rlfg"]["seconds"] + result["encode_seconds"])
    result["memory_ratio"] = result["rlfg"]["memory_mb"] / result["trl"]["memory_mb"]
    result["gradient_difference"] = difference(gradients["trl"], gradients["rlfg"])
    return result


def difference(theirs: dict[str, torch.Tensor], ours: dict[str, torch.Tensor]) -> float:
    """Largest, relative to the largest entry."""
    assert theirs.keys() == ours.keys()
    scale = max(float(g.abs().max()) for g in theirs.values())
    return max(float((ours[n] - g).abs().max()) for n, g in theirs.items()) / scale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, nargs="+", default=[64, 256, 1024], help="tokens of a picture")
    parser.add_argument("--groups", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--lengths", type=int, nargs="+", default=[32, 128], help="tokens of a completion, at most")
    parser.add_argument("--prompts", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-tokens", type=int, default=16_384, help="of a micro-batch of ours")
    parser.add_argument("--recompute", action="store_true", help="gradient checkpointing, in both")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", help="instead of the random one")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, processor = build_model(args)
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters, {args.threads} threads, {args.device}")
    print(
        "picture  G    L   TRL s  rlfg s (+ encoding)  times faster (with)  MB TRL → rlfg  tokens TRL → rlfg  gradient"
    )
    results = []
    for size, group, length in itertools.product(args.pictures, args.groups, args.lengths):
        point = Point(picture=size, group=group, length=length, prompts=args.prompts)
        r = compare(model, processor, point, args)
        results.append(r)
        print(
            f"{size:>7} {group:>2} {length:>4} {r['trl']['seconds']:>7.2f} {r['rlfg']['seconds']:>7.2f} "
            f"(+{r['encode_seconds']:.2f}) {r['faster']:>9.1f} ({r['faster_with_encoding']:.1f})"
            f"{r['trl']['memory_mb']:>14.0f} → {r['rlfg']['memory_mb']:<7.0f}"
            f"{r['trl']['tokens']:>9} → {r['rlfg']['tokens']:<7}  {r['gradient_difference']:.1e}",
            flush=True,
        )
        if args.out:
            args.out.write_text(json.dumps({"threads": args.threads, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()

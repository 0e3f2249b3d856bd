"""Whole GRPO steps of the embedded demo, by TRL's GRPOTrainer and by ours: rollouts, rewards and update.

    make demo                                                                # leaves the world and the SFT stage
    python tests/benchmarks/whole_step.py --out whole.json

Both start from the same weights, with the same pictures, question, answers a picture, sampling, reward and optimizer,
and train for a few steps, in turn; a step's time is the median over its steps but the first. TRL gets its reward
through `rewards.adapter.trl_reward`, its loss `dapo`, and the fastest of the micro-batches tried (`--trl-rows`).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from rewards.adapter import trl_reward
from rewards.rubric import build_rubric
from rewards.setup import build_verifier
from rlfg.config import load_config
from rlfg.data import load_examples, load_prompt, user_message
from rlfg.models.load import load_model, load_processor
from rlfg.training.config import GrpoConfig
from rlfg.training.grpo import GrpoTrainer


class Clock(TrainerCallback):  # type: ignore[misc]
    """Seconds of each step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.began = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds.append(time.perf_counter() - self.began)


def ours(config: GrpoConfig) -> tuple[list[float], dict[str, list[float]]]:
    clock = Clock()
    model, processor = load_model(config.model, trainable=True), load_processor(config.model)
    trainer = GrpoTrainer(
        config=config, model=model, processor=processor, train=load_examples(config.data), evaluation=None,
        verification=build_verifier(config.verifier), contract={}, processes=1, callbacks=[clock],
    )  # fmt: skip
    trainer.train()
    logs = [entry for entry in trainer.state.log_history if "time/update" in entry]
    parts = {key: [entry[key] for entry in logs] for key in ("time/generation", "time/update", "length/mean")}
    return clock.seconds, parts


def theirs(config: GrpoConfig, rows: int) -> tuple[list[float], dict[str, list[float]]]:
    clock, run = Clock(), config.run
    model, processor = load_model(config.model, trainable=True), load_processor(config.model)
    examples, template = load_examples(config.data), load_prompt(config.prompt)
    verification = build_verifier(config.verifier)
    records = [
        {
            "prompt": [user_message(template, example.question)],
            "image": examples.open_image(i),
            "truth": example.label,
        }
        for i, example in enumerate(examples)
    ]
    total = config.prompts_per_step * config.group_size
    arguments = GRPOConfig(
        output_dir=run.output_dir, seed=run.seed, max_steps=run.steps, learning_rate=run.learning_rate,
        lr_scheduler_type=run.schedule, warmup_steps=run.warmup_steps, max_grad_norm=run.max_grad_norm, use_cpu=True,
        bf16=False, gradient_checkpointing=False, per_device_train_batch_size=rows,
        gradient_accumulation_steps=total // rows, steps_per_generation=total // rows,
        num_generations=config.group_size, max_completion_length=config.sampling.max_new_tokens,
        temperature=config.sampling.temperature, beta=0.0, loss_type="dapo", report_to=[], logging_steps=1,
        save_strategy="no", remove_unused_columns=False, dataloader_pin_memory=False, disable_tqdm=True,
    )  # fmt: skip
    rubric = build_rubric(config.reward, verification.taxonomy)
    # TRL scores a generation batch in one call.
    reward = trl_reward(verification.verifier, rubric, group_size=config.group_size)
    trainer = GRPOTrainer(
        model=model, processing_class=processor, args=arguments, train_dataset=Dataset.from_list(records),
        reward_funcs=[reward], callbacks=[clock],
    )  # fmt: skip
    trainer.train()
    logs = [entry for entry in trainer.state.log_history if "completions/mean_length" in entry]
    return clock.seconds, {"length/mean": [entry["completions/mean_length"] for entry in logs]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="recipes/configs/grpo/demo.yaml")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--trl-rows", type=int, nargs="+", default=[128, 32], help="of TRL's micro-batches, each tried")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    found: dict[str, list[float]] = {}
    for repetition in range(args.repeat):
        ways: list[tuple[str, int]] = [("rlfg", 0), *((f"TRL, {n} rows", n) for n in args.trl_rows)]
        for name, rows in ways if repetition % 2 == 0 else ways[::-1]:
            with tempfile.TemporaryDirectory() as folder:
                overrides = [f"run.output_dir={folder}", f"run.steps={args.steps}", "run.save_every=1000"]
                overrides += ["run.eval_every=null", "eval=null", "run.log_every=1", "sample_groups=0"]
                config = load_config(GrpoConfig, args.config, overrides)
                torch.manual_seed(config.run.seed)
                seconds, parts = theirs(config, rows) if rows else ours(config)
            found.setdefault(name, []).extend(seconds[1:])
            means = ", ".join(f"{key} {statistics.mean(values):.2f}" for key, values in parts.items())
            print(f"{name}: {statistics.median(seconds[1:]):.2f} s a step; {means}", flush=True)
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    best = min(value for name, value in medians.items() if name != "rlfg")
    print(f"rlfg {medians['rlfg']:.2f} s, TRL {best:.2f} s: {best / medians['rlfg']:.2f} times faster")
    if args.out:
        args.out.write_text(json.dumps({"threads": args.threads, "seconds": found, "medians": medians}, indent=2))


if __name__ == "__main__":
    main()

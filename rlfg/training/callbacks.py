"""What happens around a step: a log file, one console line, an orderly stop on SIGTERM."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from rewards.detectors import Detectors

_SHORT = {
    "loss": "loss",
    "reward": "reward",
    "verdict/specific": "S",
    "verdict/less_specific": "S-",
    "verdict/generic": "G",
    "verdict/abstain": "A",
    "verdict/wrong": "W",
    "verdict/unparsed": "unparsed",
    "hm": "HM",
    "eval_hm": "eval HM",
    "eval_correctness": "eval correctness",
    "eval_specificity": "eval specificity",
    "time/generation": "gen s",
    "time/update": "update s",
}


class MetricsLog(TrainerCallback):
    """Appends every log to `metrics.jsonl`, prints one line of it, and what detectors say of it."""

    def __init__(self, run: Path, detectors: Detectors | None = None) -> None:
        self.path = run / "metrics.jsonl"
        self.detectors = detectors

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Drops the lines of steps that a resumed run will make again."""
        if not state.is_world_process_zero:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = self.path.read_text().splitlines(keepends=True) if self.path.exists() else []
        whole = [line for line in lines if line.endswith("\n")]  # a full disk or a kill can cut the last one
        aside = self.path.with_suffix(".partial")
        kept = [line for line in whole if json.loads(line)["step"] <= state.global_step]
        aside.write_text("".join(kept))
        os.replace(aside, self.path)
        if self.detectors is not None:
            self.detectors.replay(json.loads(line) for line in kept)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """One line to the file, one to the console; the Trainer's closing summary repeats a step and is left out."""
        if not state.is_world_process_zero or not logs or "train_runtime" in logs:
            return
        numbers = {k: float(v) for k, v in logs.items() if _is_number(v)}
        with self.path.open("a") as file:
            file.write(json.dumps({"step": state.global_step, **numbers}) + "\n")
        shown = [f"{short} {numbers[name]:.3g}" for name, short in _SHORT.items() if name in numbers]
        if shown:
            print(f"step {state.global_step}/{state.max_steps}  {'  '.join(shown)}", flush=True)
        for warning in self.detectors(numbers) if self.detectors is not None else ():
            print(f"warning: step {state.global_step}: {warning}", flush=True)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


class StopOnSigterm(TrainerCallback):
    """SIGTERM (a cluster's notice) saves a checkpoint at the next boundary and ends the run."""

    def __init__(self) -> None:
        self.asked = False
        self.stopped = False
        self.trainer: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Takes the signal over."""
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, *_: Any) -> None:
        self.asked = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """All processes stop together, and only where no rollouts wait to be trained on."""
        accelerator = self.trainer.accelerator
        asked = torch.tensor([int(self.asked)], device=accelerator.device)
        if int(accelerator.gather(asked).max()) and not getattr(self.trainer, "_pending", None):
            control.should_save = True
            control.should_training_stop = True
            self.stopped = True


def install(trainer: Any, stop: StopOnSigterm) -> None:
    """Gives the callback its trainer and silences the default printers."""
    stop.trainer = trainer
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)

"""Prediction over processes: what `recipes/evaluate.py` and `rlfg predict` call."""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import nullcontext
from typing import Any

from eval.backends import build_backend
from eval.predict import PredictConfig, Task, keep_settings, load_task, merge, pending, predict_share
from rlfg.one_writer import only_writer
from rlfg.progress import show_progress
from rlfg.types import Prediction


class Alone:
    """Stands in for accelerate's state in a single process that runs no model, and so needs no torch."""

    process_index, local_process_index, num_processes, is_main_process, device = 0, 0, 1, True, None

    def wait_for_everyone(self) -> None:
        """Nobody else."""


def run_predict(config: PredictConfig) -> int:
    """Answers what is still to be answered, on as many processes as `accelerate launch` started.

    Returns:
        Exit status: 1 if an item could not be answered, else 0.

    Raises:
        RlfgError: Another run is writing the same file; or something else is wrong.
    """
    state = _state(config)
    task = load_task(config)
    with only_writer(task.out) if state.is_main_process else nullcontext():
        return _predict(task, state)


def _predict(task: Task, state: Any) -> int:
    config = task.config
    if state.is_main_process:
        keep_settings(task)
    done, todo = pending(task)
    state.wait_for_everyone()
    share = todo[state.process_index :: state.num_processes]
    if state.is_main_process:
        if task.images is not None:
            print(task.images)
        among = f" on {state.num_processes} processes" if state.num_processes > 1 else ""
        print(f"{config.out}: {len(done)} of {len(task.items)} answered already, {len(todo)} to do{among}")
    if share:
        _answer(task, share, state)
    state.wait_for_everyone()
    if not state.is_main_process:
        return 0
    out = merge(task)
    failed = len(pending(task)[1])
    print(f"{out}: {len(task.items) - failed} answered, {failed} failed")
    return int(failed > 0)


def _state(config: PredictConfig) -> Any:
    if not config.backend.runs_a_model and "WORLD_SIZE" not in os.environ:
        return Alone()
    from accelerate import PartialState

    return PartialState(cpu=config.use_cpu)


def _answer(task: Task, share: list[int], state: Any) -> None:
    config, counts = task.config, Counter[str]()
    backend = build_backend(
        config.backend, config.sampling, seed=config.seed, device=state.device, local_rank=state.local_process_index
    )

    def on_line(line: Prediction) -> None:
        counts["done"] += 1
        counts["failed"] += line.error is not None
        usage = line.extra["usage"]
        counts["tokens"] += usage["prompt_tokens"] + usage["completion_tokens"]
        counts["cost"] += usage.get("cost", 0.0)
        counts["attempts"] += usage.get("failed_attempts", 0)
        if state.is_main_process:
            cost = f", cost {counts['cost']:.4f}" if counts["cost"] else ""
            again = f", {counts['attempts']} failed attempts" if counts["attempts"] else ""
            note = f", {counts['failed']} failed{again}, {counts['tokens']:,} tokens{cost}"
            show_progress(counts["done"], len(share), note)

    try:
        predict_share(task, share, backend, state.process_index, on_line=on_line)
    finally:
        close = getattr(backend, "close", None)
        if close is not None:
            close()
    if counts["failed"]:
        print(f"{counts['failed']} of {len(share)} failed; the same command tries them again", file=sys.stderr)

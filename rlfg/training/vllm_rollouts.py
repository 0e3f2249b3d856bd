"""Rollouts by vLLM in training: whose answers they are is certain, or the run stops.

Each version of the policy is written once, as an adapter (or as whole weights, where an adapter does not say all) under
a name that no other run or step has; engines are asked by that name. After each sync a probe compares the engine's
log-probabilities with the trainer's.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object

from rlfg.errors import RlfgError
from rlfg.models.merge import ADAPTER
from rlfg.models.picture_tokens import picture_tokens
from rlfg.one_writer import only_writer
from rlfg.rollouts.sampling import Sampling
from rlfg.rollouts.transformers_engine import Completion
from rlfg.rollouts.vllm.asking import Ask, EngineError, Manner
from rlfg.rollouts.vllm.colocated import ColocatedEngine
from rlfg.rollouts.vllm.server import ServerEngine
from rlfg.rollouts.vllm.spec import RAM_DISK, VllmSpec
from rlfg.training.config import GrpoConfig
from rlfg.training.sync import (
    RUN,
    adapter_tensors,
    beyond_adapter,
    check_foldable,
    forget,
    forget_abandoned,
    whole_tensors,
    write_adapter,
    write_weights,
)

PROBE_TOKENS = 16


class Engine(Protocol):
    """A vLLM engine, wherever it runs."""

    def load(self, name: str, folder: Path) -> None:
        """Takes an adapter or whole weights in, and those before out."""

    def sample(self, name: str, asks: Sequence[Ask], manner: Manner) -> list[list[Completion]]:
        """Completions by the policy of that name, and of no other."""

    def sleep(self) -> None:
        """Gives memory to the trainer, until it is asked again."""

    def close(self) -> None:
        """Ends what it has begun."""


class VllmRollouts:
    """An engine that always holds the policy of the step.

    Args:
        spec: of the engine.
        engine: it; every process has one, of a server each the same.
        accelerator: of the run.
        manner: how all prompts are asked.
        folder: where versions are put.
        tolerance: of the probe, in nats a token.
        whole: send whole weights, not an adapter.
    """

    def __init__(
        self,
        spec: VllmSpec,
        engine: Engine,
        accelerator: Accelerator,
        manner: Manner,
        *,
        folder: Path,
        tolerance: float,
        whole: bool = False,
    ) -> None:
        self.whole = whole
        self.engine, self.accelerator, self.manner = engine, accelerator, manner
        self.shared = spec.mode == "server"
        self.run = str(broadcast_object_list([f"{RUN}{secrets.token_hex(6)}"])[0])
        self.folder, self.tolerance = folder / self.run, tolerance
        self.held = ExitStack()
        if accelerator.is_main_process and folder == RAM_DISK:
            forget_abandoned(folder)
            self.held.enter_context(only_writer(self.folder))
        self.version: int | None = None
        """Of the policy that the engine holds for certain; None before the first sync, and after one that failed."""

    def sync(
        self, model: Any, version: int, probe: Ask, logps_of: Callable[[Ask, Completion], Sequence[float]]
    ) -> dict[str, float]:
        """Brings the engine to a version of the policy, where it has another; every process must call it.

        Args:
            model: as it is trained.
            version: of its weights.
            probe: one prompt.
            logps_of: the trainer's log-probabilities of a completion of it; every process calls it.

        Returns:
            Seconds, megabytes and the probe's difference; nothing where there was nothing to do.

        Raises:
            RlfgError: The engine does not hold that version now.
        """
        if version == self.version:
            return {}
        began, before, name = time.perf_counter(), self.version, self._name(version)
        self.version = None
        main = self.accelerator.is_main_process
        tensors = whole_tensors(model, keep=main) if self.whole else adapter_tensors(model)
        write = write_weights if self.whole else write_adapter
        folder = self.folder / str(version)
        size = self._on_main(lambda: write(model, tensors, folder))
        if self.shared:
            self._on_main(lambda: self.engine.load(name, folder))
        else:
            self._everywhere(lambda: self.engine.load(name, folder))
        if main and before is not None:
            forget(self.folder / str(before))
        seconds = time.perf_counter() - began
        gap = self._probe(name, probe, logps_of)
        self.version = version
        return {"time/sync": seconds, "sync/mb": size / 1e6, "sync/probe_gap": gap}

    def sample(self, asks: Sequence[Ask], sampling: Sampling) -> list[list[Completion]]:
        """Completions of this process's prompts by the version last synced.

        Raises:
            EngineError: There is none; or an answer is not the one that was asked for.
        """
        if not asks:
            return []
        if self.version is None:
            raise EngineError("rollouts were asked of vLLM, and it holds no version of the policy for certain")
        return self.engine.sample(self._name(self.version), asks, replace(self.manner, sampling=sampling))

    def close(self) -> None:
        """Leaves no adapter behind."""
        if not self.shared or self.accelerator.is_main_process:
            self.engine.close()
        if self.accelerator.is_main_process:
            forget(self.folder)
        self.held.close()

    def _name(self, version: int) -> str:
        return f"{self.run}-{version}"

    def _probe(self, name: str, probe: Ask, logps_of: Callable[[Ask, Completion], Sequence[float]]) -> float:
        """Mean difference of log-probabilities, in nats a token."""
        # The engine's log-probabilities are those of the nucleus alone, the trainer's of all tokens.
        sampling = replace(self.manner.sampling, top_p=1.0, max_new_tokens=PROBE_TOKENS)
        manner = replace(self.manner, sampling=sampling)
        found: Completion = self._on_main(lambda: self.engine.sample(name, [probe], manner)[0][0])
        ours = logps_of(probe, found)
        gap = sum(abs(a - b) for a, b in zip(found.logps, ours, strict=True)) / len(found.logps)
        if not gap <= self.tolerance:  # NaN is no agreement either
            raise EngineError(
                f"vLLM and the trainer give the same tokens log-probabilities {gap:.3g} nats apart (at most "
                f"{self.tolerance:g}; vLLM {_short(found.logps)}, trainer {_short(ours)}): another base model, dtype "
                "or adapter is loaded, or the server was not started with --logprobs-mode processed_logprobs"
            )
        return gap

    def _on_main(self, work: Callable[[], Any]) -> Any:
        """What the main process finds; its failure is everybody's."""
        box: list[Any] = [None]
        if self.accelerator.is_main_process:
            box = [_tried(work)]
        return _given(broadcast_object_list(box)[0])

    def _everywhere(self, work: Callable[[], Any]) -> None:
        """The failure of one process is everybody's."""
        failed = _tried(work)
        for one in gather_object([failed]):
            _given(one)


def build_rollouts(config: GrpoConfig, accelerator: Accelerator, model: Any, processor: Any) -> VllmRollouts:
    """The engine that a config asks for, with nothing loaded yet."""
    assert config.rollouts is not None
    spec, plain = config.rollouts, accelerator.unwrap_model(model)
    beyond = beyond_adapter(plain)
    if beyond is not None and spec.mode == "server":
        raise RlfgError(
            f"rollouts.mode server sends a LoRA of the language model, and this run trains {beyond}: set model.lora "
            "and model.freeze_vision, or rollouts.mode: colocated, which takes whole weights"
        )
    if beyond is not None:
        check_foldable(plain)
    engine: Engine = ServerEngine(spec)
    if spec.mode == "colocated":
        engine = ColocatedEngine(
            spec,
            model=config.model.path,
            revision=config.model.revision,
            dtype=config.model.dtype,
            rank=plain.peft_config[ADAPTER].r if beyond is None else None,
            picture_size=dict(processor.image_processor.size),
            local_rank=accelerator.local_process_index,
        )
    manner = Manner(
        sampling=config.sampling,
        banned_ids=picture_tokens(plain.config),
        stop_after_answer=spec.stop_after_answer,
    )
    exact = config.model.dtype == "float32" and accelerator.mixed_precision == "no"
    return VllmRollouts(
        spec,
        engine,
        accelerator,
        manner,
        folder=spec.folder(Path(config.run.output_dir)),
        tolerance=spec.probe_tolerance or (0.01 if exact else 0.1),
        whole=beyond is not None,
    )


def _tried(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        return error


def _given(found: Any) -> Any:
    if isinstance(found, Exception):
        raise found
    return found


def _short(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values[:4])

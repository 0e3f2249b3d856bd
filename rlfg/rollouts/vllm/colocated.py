"""Rollouts from a vLLM engine of this process's own, on its GPU; asleep while weights are trained."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from rlfg.errors import RlfgError
from rlfg.rollouts.transformers_engine import Completion
from rlfg.rollouts.vllm.asking import Ask, EngineError, Manner, chat_messages, check_completions, check_prompt
from rlfg.rollouts.vllm.process import NEVER, room_for, without_launcher
from rlfg.rollouts.vllm.spec import VllmSpec
from rlfg.rollouts.vllm.worker import WholeWeights


class ColocatedEngine:
    """A `vllm.LLM` in a process of its own, that ends with this one.

    Args:
        spec: of the run.
        model: folder or hub id of the base.
        revision: of it on the hub.
        dtype: of the base.
        rank: of the LoRA; None where whole weights are loaded instead of adapters.
        picture_size: the budget of the trainer's picture processor.
        local_rank: which of the visible GPUs is this process's.
        llm: `vllm.LLM`, or what stands in for it.
    """

    def __init__(
        self,
        spec: VllmSpec,
        *,
        model: str,
        revision: str | None = None,
        dtype: str,
        rank: int | None,
        picture_size: Mapping[str, int],
        local_rank: int = 0,
        llm: Any = None,
    ) -> None:
        if llm is None:
            if find_spec("vllm") is None:
                raise RlfgError("rollouts.mode colocated needs vLLM: pip install 'rlfg[vllm]' (docs/serving.md)")
            from vllm import LLM

            llm = LLM
        self.sleeps = torch.cuda.is_available()
        self.asleep = False
        self.whole = rank is None
        self.ids: dict[str, tuple[int, str]] = {}
        self.count = 0
        options: dict[str, Any] = {
            "model": model,
            "revision": revision,
            "tokenizer_revision": revision,
            "dtype": dtype,
            "mm_processor_kwargs": {"size": dict(picture_size)},
            **_taking(rank),
            "logprobs_mode": "processed_logprobs",
            "enable_sleep_mode": self.sleeps,
            "gpu_memory_utilization": 0.4,
            "enforce_eager": not self.sleeps,
            **spec.engine,
        }
        if not self.sleeps:
            options.pop("gpu_memory_utilization", None)
            # A seeded prompt that is read in parts ends the CPU engine (vLLM 0.31: its generators have no offset).
            options["enable_chunked_prefill"] = False
        with _own_environment(local_rank):
            self.llm = llm(**options)

    def load(self, name: str, folder: Path) -> None:
        """Puts the adapter, or the whole weights, in the place of those before.

        Raises:
            EngineError: They cannot be loaded.
        """
        self.wake()
        before, self.ids, self.count = self.ids, {}, self.count + 1
        try:
            if self.whole:
                self._take_weights(folder)
            else:
                self._take_adapter(name, folder, before)
        except Exception as error:
            raise EngineError(f"vLLM could not load what is in {folder}: {error}") from error
        self.ids = {name: (self.count, str(folder))}

    def sample(self, name: str, asks: Sequence[Ask], manner: Manner) -> list[list[Completion]]:
        """Completions of each prompt by the policy `name`, each prompt submitted once.

        Raises:
            EngineError: An answer is not the one that was asked for.
        """
        if name not in self.ids:
            raise EngineError(f"rollouts were asked of {name}, and the engine has {', '.join(self.ids) or 'none'}")
        self.wake()
        parameters = [self._parameters(ask, manner) for ask in asks]
        outputs = self.llm.chat(
            [chat_messages(ask) for ask in asks],
            sampling_params=parameters,
            lora_request=None if self.whole else self._request(name, *self.ids[name]),
            use_tqdm=False,
        )
        served = None if self.whole else name
        return [_read(output, served, ask, manner) for output, ask in zip(outputs, asks, strict=True)]

    def sleep(self) -> None:
        """Gives its memory to the trainer. The CPU engine cannot, and need not."""
        if self.sleeps and not self.asleep:
            self.llm.sleep(level=1)
            self.asleep = True

    def wake(self) -> None:
        """Takes its memory back."""
        if self.asleep:
            self.llm.wake_up()
            self.asleep = False

    def close(self) -> None:
        """Ends the engine's process."""
        shutdown = getattr(getattr(self.llm, "llm_engine", None), "engine_core", None)
        if shutdown is not None:
            shutdown.shutdown()

    def _take_adapter(self, name: str, folder: Path, before: Mapping[str, tuple[int, str]]) -> None:
        for number, _ in before.values():
            self.llm.llm_engine.remove_lora(number)
        if not self.llm.llm_engine.add_lora(self._request(name, self.count, str(folder))):
            raise EngineError("it was not taken")

    def _take_weights(self, folder: Path) -> None:
        """And drops what the weights before made of prompts and pictures: no name tells these from the new ones'."""
        self.llm.collective_rpc("take_weights", args=(str(folder),))
        self.llm.llm_engine.reset_encoder_cache()  # reloading empties the workers' half of it, not the scheduler's
        if not self.llm.reset_prefix_cache():
            raise EngineError("its prefix cache could not be emptied")

    def _request(self, name: str, number: int, folder: str) -> Any:
        from vllm.lora.request import LoRARequest

        return LoRARequest(name, number, folder)

    def _parameters(self, ask: Ask, manner: Manner) -> Any:
        from vllm import SamplingParams

        bias = dict.fromkeys(manner.banned_ids, NEVER)
        return SamplingParams(**manner.parameters(ask), logprobs=0, logit_bias=bias)


def _taking(rank: int | None) -> dict[str, Any]:
    if rank is None:
        return {"worker_extension_cls": f"{WholeWeights.__module__}.{WholeWeights.__qualname__}"}
    return {"enable_lora": True, "max_loras": 1, "max_lora_rank": room_for(rank)}


def _read(output: Any, name: str | None, ask: Ask, manner: Manner) -> list[Completion]:
    served = getattr(output.lora_request, "lora_name", None)
    if served != name:
        raise EngineError(f"rollouts were asked of {name}, and came from {served}")
    check_prompt(ask, output.prompt_token_ids)
    found = [
        Completion(
            token_ids=tuple(one.token_ids),
            logps=tuple(tokens[i].logprob for tokens, i in zip(one.logprobs, one.token_ids, strict=True)),
            finish_reason=one.finish_reason,
        )
        for one in sorted(output.outputs, key=lambda one: one.index)
    ]
    check_completions(ask, found, manner.banned_ids)
    return found


@contextmanager
def _own_environment(local_rank: int) -> Iterator[None]:
    """Variables of an engine of one GPU, none of the launcher's; put back afterwards."""
    kept = dict(os.environ)
    for name in kept.keys() - without_launcher(kept).keys():
        del os.environ[name]
    os.environ["VLLM_WORKER_MULTIPROCESSING_METHOD"] = "spawn"
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    if torch.cuda.is_available():
        visible = kept.get("CUDA_VISIBLE_DEVICES", "").split(",") if kept.get("CUDA_VISIBLE_DEVICES") else None
        os.environ["CUDA_VISIBLE_DEVICES"] = visible[local_rank] if visible else str(local_rank)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)

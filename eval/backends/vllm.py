"""A vLLM engine beside this process."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from eval.backends.backend import Asked, Tell
from eval.protocols.item import Question, Reply, Usage
from rlfg.data import ImageError
from rlfg.errors import RlfgError
from rlfg.models.spec import ModelSpec
from rlfg.rollouts.sampling import Sampling


@dataclass(frozen=True, kw_only=True)
class EngineSpec:
    """A model, and how vLLM runs it."""

    model: ModelSpec
    engine: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of `vllm.LLM`, over those made here: max_model_len, tensor_parallel_size, gpu_memory_utilization …"""


@final
class VllmBackend:
    """Generates answers; shows the model the same tokens as transformers would, or stops."""

    def __init__(self, spec: EngineSpec, sampling: Sampling, *, seed: int, rows: int, local_rank: int) -> None:
        from rlfg.models.load import load_processor
        from rlfg.models.picture_tokens import picture_tokens
        from rlfg.rollouts.vllm.adapter import adapter_rank
        from rlfg.rollouts.vllm.colocated import ColocatedEngine
        from rlfg.rollouts.vllm.spec import VllmSpec

        model = spec.model
        self.processor = load_processor(model)
        self.sampling, self.seed, self.rows = sampling, seed, rows
        self.engine = ColocatedEngine(
            VllmSpec(mode="colocated", engine={"gpu_memory_utilization": 0.9, **spec.engine}),
            model=model.path,
            revision=model.revision,
            dtype=model.dtype,
            rank=adapter_rank(Path(model.adapter)) if model.adapter else None,
            picture_size=self.processor.image_processor.size,
            local_rank=local_rank,
        )
        if model.adapter:
            self.engine.load(NAME, Path(model.adapter))
        else:
            self.engine.ids = {NAME: (0, model.path)}  # as it was loaded from its folder
        self.banned = picture_tokens(self.processor)
        self.room = int(self.engine.llm.model_config.max_model_len) - sampling.max_new_tokens

    def rows_of(self, question: Question) -> int:
        """Answers of it."""
        return question.samples

    def answer(self, asked: Sequence[Asked], tell: Tell) -> None:
        """One batch; vLLM makes its own of it. A prompt that leaves no room for its answer fails, rather than cut it.

        Raises:
            RlfgError: A list of texts is to be ranked, for which vLLM would run each prompt once a text.
        """
        from rlfg.models.prompts import encode_prompt
        from rlfg.rollouts.vllm.asking import Ask, Manner

        if any(one.question.candidates for one in asked):
            raise RlfgError("backend.vllm generates answers; rank a list of labels with backend.transformers")
        began, asks = time.perf_counter(), dict[int, Ask]()
        for n, one in enumerate(asked):
            try:
                pictures = one.open()
            except ImageError as error:
                tell(n, Reply(error=str(error)))
                continue
            prompt = encode_prompt(self.processor, [one.message], pictures)
            if len(prompt) > self.room:
                tell(n, Reply(error=f"a prompt of {len(prompt)} tokens; engine.max_model_len has room for {self.room}"))
                continue
            asks[n] = Ask(prompt=prompt, messages=[one.message], pictures=pictures, keys=one.keys(self.seed))
        manner = Manner(sampling=self.sampling, banned_ids=self.banned, stop_after_answer=False)
        found = self.engine.sample(NAME, list(asks.values()), manner) if asks else []
        seconds = (time.perf_counter() - began) / max(1, len(asks))
        decode = self.processor.tokenizer.decode
        for n, completions in zip(asks, found, strict=True):
            usage = Usage(
                prompt_tokens=len(asks[n].prompt),
                completion_tokens=sum(len(c.token_ids) for c in completions),
                seconds=seconds,
            )
            texts = tuple(decode(c.token_ids, skip_special_tokens=True) for c in completions)
            tell(n, Reply(texts=texts, usage=usage))

    def close(self) -> None:
        """Ends the engine's process."""
        self.engine.close()


NAME = "evaluated"
"""Of the policy, at the engine."""

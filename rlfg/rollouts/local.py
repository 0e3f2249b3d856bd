"""A model in this process, ready to answer prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from rlfg.models.load import ModelSpec, load_model, load_processor
from rlfg.models.picture_tokens import picture_tokens
from rlfg.models.prefix import check_supported, language_model
from rlfg.models.prompts import EncodedPrompt
from rlfg.rollouts.sampling import Sampling
from rlfg.rollouts.transformers_engine import TransformersEngine


class LocalModel:
    """Model, processor and engine."""

    def __init__(self, spec: ModelSpec, *, device: torch.device, max_rows: int = 512) -> None:
        self.processor = load_processor(spec)
        self.model = load_model(spec).to(device).eval()
        check_supported(language_model(self.model))
        self.engine = build_engine(self.model, self.processor, max_rows=max_rows)

    def answer(
        self, prompts: Sequence[EncodedPrompt], keys: Sequence[Sequence[tuple[int | str, ...]]], sampling: Sampling
    ) -> list[list[str]]:
        """The texts of a completion per key, for each prompt."""
        found = self.engine.generate(prompts, keys, sampling)
        decode = self.processor.tokenizer.decode
        return [[decode(c.token_ids, skip_special_tokens=True) for c in completions] for completions in found]


def build_engine(model: Any, processor: Any, *, max_rows: int) -> TransformersEngine:
    """The transformers engine with the model's own stop and picture tokens."""
    tokenizer = processor.tokenizer
    declared = model.generation_config.eos_token_id
    stops = {tokenizer.eos_token_id, *([declared] if isinstance(declared, int) else declared or ())}
    return TransformersEngine(
        model=model,
        pad_id=tokenizer.pad_token_id,
        stop_ids=frozenset(stops),
        banned_ids=picture_tokens(model.config),
        max_rows=max_rows,
    )

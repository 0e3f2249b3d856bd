"""The shared prefix: a prompt is run once, its completions against its key/value cache.

In this field a prompt is a picture answered G times. `run_prefix` pays it once, with or without
autograd; `Prefix.expand` hands its cache to any rows, in any order, with repetition.

Legend: P prompts, R rows (completions), T prompt tokens (left-padded), L completion tokens, H hidden.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache

from rlfg.errors import RlfgError
from rlfg.models.pictures import run_backbone


def unwrapped(model: Any) -> Any:
    """The model inside DDP and DeepSpeed."""
    while hasattr(model, "module"):
        model = model.module
    return model


def language_model(model: Any) -> Any:
    """The causal LM inside any wrappers (DDP, DeepSpeed, PEFT); LoRA layers stay in place."""
    model = unwrapped(model)
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def check_supported(lm: Any) -> None:
    """Refuses a model whose cache or positions the prefix pass would compute wrongly.

    Raises:
        RlfgError: With the reason.
    """
    if not hasattr(lm, "lm_head") or not hasattr(lm, "model"):
        raise RlfgError(f"{type(lm).__name__} has no separate backbone (`model`) and `lm_head`")
    text = lm.config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        raise RlfgError(
            f"{type(lm).__name__} has layers of type {sorted(kinds)}; a shared prefix needs full attention in all"
        )


def prompt_positions(lm: Any, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Position ids of the prompt, (3, P, T) for M-RoPE or (P, T), and the next position (P,)."""
    mask = batch["attention_mask"]
    if "image_grid_thw" in batch and hasattr(lm.model, "get_rope_index"):
        positions, deltas = lm.model.get_rope_index(
            batch["input_ids"],
            mm_token_type_ids=batch["mm_token_type_ids"],
            image_grid_thw=batch["image_grid_thw"],
            attention_mask=mask,
        )
        return positions, mask.sum(-1) + deltas.reshape(-1).to(mask.device)
    return (mask.cumsum(-1) - 1).clamp(min=0), mask.sum(-1)


@dataclass(kw_only=True)
class Prefix:
    """What completions need of their prompts."""

    cache: Cache
    last_hidden_PH: Tensor
    """Hidden state of each prompt's last token: it predicts the first completion token."""
    mask_PT: Tensor
    next_position_P: Tensor

    def expand(self, prompt_R: Tensor) -> Prefix:
        """The prefix of each row, given its prompt's index. Differentiable; the original is kept."""
        cache = copy.copy(self.cache)
        cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        for layer in cache.layers:
            layer.keys, layer.values = _take(layer.keys, prompt_R), _take(layer.values, prompt_R)
        return Prefix(
            cache=cache,
            last_hidden_PH=_take(self.last_hidden_PH, prompt_R),
            mask_PT=self.mask_PT[prompt_R],
            next_position_P=self.next_position_P[prompt_R],
        )


def _take(of_P: Tensor, prompt_R: Tensor) -> Tensor:
    """Rows of a tensor, whose gradients add up in a fixed order.

    On a CPU those of `of_P[prompt_R]` add up as its threads come by, and on a GPU those of `index_select` do.
    """
    return of_P.index_select(0, prompt_R) if of_P.device.type == "cpu" else of_P[prompt_R]


def run_prefix(lm: Any, batch: dict[str, Any]) -> Prefix:
    """Runs left-padded prompts once, pictures included."""
    positions, next_position_P = prompt_positions(lm, batch)
    out = run_backbone(lm, batch, position_ids=positions, use_cache=True)
    return Prefix(
        cache=out.past_key_values,
        last_hidden_PH=out.last_hidden_state[:, -1],
        mask_PT=batch["attention_mask"],
        next_position_P=next_position_P,
    )


def run_completions(lm: Any, rows: Prefix, ids_RL: Tensor, mask_RL: Tensor, *, offset: int = 0) -> Tensor:
    """Runs completion tokens against expanded prefixes; the cache of `rows` grows by L.

    Args:
        lm: The causal LM of `language_model`.
        rows: One prefix a row.
        ids_RL: Completion tokens, right-padded.
        mask_RL: 1 for every token so far, the `offset` cached ones included: (R, offset + L).
        offset: Completion tokens already in the cache.

    Returns:
        Hidden states (R, L, H): position i predicts completion token offset + i + 1.
    """
    steps = torch.arange(offset, offset + ids_RL.shape[1], device=ids_RL.device)
    positions = rows.next_position_P[:, None] + steps
    if hasattr(lm.model, "get_rope_index"):
        positions = positions.expand(3, -1, -1)
    out = lm.model(
        input_ids=ids_RL,
        attention_mask=torch.cat([rows.mask_PT, mask_RL], dim=1),
        position_ids=positions,
        past_key_values=rows.cache,
        use_cache=True,
    )
    return out.last_hidden_state

"""Completions from a transformers model: prefill once per prompt, finished rows stop costing.

Rows are independent: a completion depends on its prompt, its key and the weights, not on which other
rows share the batch (up to floating-point rounding), so a run may be resharded or resumed freely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rlfg.models.prefix import Prefix, language_model, run_completions, run_prefix
from rlfg.models.prompts import EncodedPrompt, chunks, collate
from rlfg.randomness import generator
from rlfg.rollouts.sampling import Sampling, pick

COMPACT_BELOW = 0.75
"""Drop finished rows from the batch once fewer than this share of its rows are alive."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What an engine returns for one row."""

    token_ids: tuple[int, ...]
    """End-of-turn token included where the model gave one."""
    logps: tuple[float, ...]
    """Log-probability of each token when it was drawn."""
    finish_reason: str
    """"stop" or "length"."""


@dataclass(frozen=True, kw_only=True)
class TransformersEngine:
    """Draws completions from `model`, whatever wraps it."""

    model: Any
    pad_id: int
    stop_ids: frozenset[int]
    banned_ids: tuple[int, ...] = ()
    """Never sampled: a picture token in a completion would claim pixels that do not exist."""
    max_rows: int = 512
    """Rows decoded together."""

    def generate(
        self, prompts: Sequence[EncodedPrompt], keys: Sequence[Sequence[tuple[int | str, ...]]], sampling: Sampling
    ) -> list[list[Completion]]:
        """Completes each prompt once per key.

        Args:
            prompts: P prompts.
            keys: For each prompt, one random key per completion wanted.
            sampling: How to draw.

        Returns:
            For each prompt, a completion per key, in order; a prompt without keys costs nothing.
        """
        out: list[list[Completion]] = [[] for _ in prompts]
        wanted = [p for p in range(len(prompts)) if keys[p]]
        order = sorted(wanted, key=lambda p: len(prompts[p]))  # alike in length: little padding
        for chunk in chunks([len(keys[p]) for p in order], self.max_rows):
            shown = [order[i] for i in chunk]
            rows = [(place, key) for place, p in enumerate(shown) for key in keys[p]]
            completions = self._decode([prompts[p] for p in shown], rows, sampling)
            for (place, _), completion in zip(rows, completions, strict=True):
                out[shown[place]].append(completion)
        return out

    @torch.no_grad()
    def _decode(
        self,
        prompts: list[EncodedPrompt],
        rows: list[tuple[int, tuple[int | str, ...]]],
        sampling: Sampling,
    ) -> list[Completion]:
        """A completion for each row: the place of its prompt, and its key."""
        lm = language_model(self.model)
        device = lm.lm_head.weight.device
        prefix = run_prefix(lm, collate(prompts, pad_id=self.pad_id, device=device))
        prompt_R = torch.tensor([place for place, _ in rows], device=device)
        uniforms_RL = None
        if sampling.temperature > 0:
            draws = [generator(*key).random(sampling.max_new_tokens, dtype=np.float32) for _, key in rows]
            uniforms_RL = torch.from_numpy(np.stack(draws)).to(device)
        ids_RL, logps_RL = _loop(lm, prefix.expand(prompt_R), uniforms_RL, sampling, self)
        return [_trim(ids, lp, self.stop_ids) for ids, lp in zip(ids_RL.tolist(), logps_RL.tolist(), strict=True)]


def _loop(
    lm: Any, rows: Prefix, uniforms_RL: Tensor | None, sampling: Sampling, engine: TransformersEngine
) -> tuple[Tensor, Tensor]:
    """Decodes until every row has stopped; tokens past a row's stop are left as padding."""
    device = rows.last_hidden_PH.device
    R, L = rows.last_hidden_PH.shape[0], sampling.max_new_tokens
    ids_RL = torch.full((R, L), engine.pad_id, device=device)
    logps_RL = torch.zeros((R, L), device=device)
    stops = torch.tensor(sorted(engine.stop_ids), device=device)
    banned = list(engine.banned_ids)
    live = torch.arange(R, device=device)
    alive = torch.ones(R, dtype=torch.bool, device=device)
    hidden = rows.last_hidden_PH
    for t in range(L):
        logits = lm.lm_head(hidden)
        logits[:, banned] = -torch.inf
        ids, logps = pick(logits, None if uniforms_RL is None else uniforms_RL[live, t], sampling)
        ids_RL[live, t] = torch.where(alive, ids, engine.pad_id)
        logps_RL[live, t] = torch.where(alive, logps, 0.0)
        alive = alive & ~torch.isin(ids, stops)
        count = int(alive.sum())
        if count == 0 or t == L - 1:
            break
        if count < COMPACT_BELOW * len(live):
            keep = alive.nonzero()[:, 0]
            rows, live, ids, alive = rows.expand(keep), live[keep], ids[keep], alive[keep]
        seen = torch.ones((len(live), t + 1), dtype=rows.mask_PT.dtype, device=device)
        hidden = run_completions(lm, rows, ids[:, None], seen, offset=t)[:, -1]
    return ids_RL, logps_RL


def _trim(ids: list[int], logps: list[float], stop_ids: frozenset[int]) -> Completion:
    end = next((i + 1 for i, token in enumerate(ids) if token in stop_ids), None)
    reason = "length" if end is None else "stop"
    return Completion(token_ids=tuple(ids[:end]), logps=tuple(logps[:end]), finish_reason=reason)

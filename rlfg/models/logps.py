"""Log-probabilities of completions under explicit conditioning, in two exact ways.

`logps(lm, prompts, rows)`: each row names the prompt it is conditioned on, so the same tokens may be
scored under another picture. The shared-prefix way runs each prompt once; the plain way runs it once
per row, and is the reference the other is tested against.

Legend: P prompts, R rows, T prompt tokens, L completion tokens, H hidden, N valid tokens, V words.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from rlfg.models.pictures import run_backbone
from rlfg.models.prefix import Prefix, prompt_positions, run_completions, run_prefix
from rlfg.models.prompts import EncodedPrompt, collate
from rlfg.models.recompute import recomputed_layers

CHUNK = 2048
"""Tokens whose logits exist at one time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A completion and the index of the prompt it is conditioned on."""

    prompt: int
    token_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenLogps:
    """Right-padded, 0 where `mask_RL` is 0."""

    logps_RL: Tensor
    entropy_RL: Tensor
    """In nats; without gradient unless asked for."""
    mask_RL: Tensor


def completion_logps(
    lm: Any,
    prompts: Sequence[EncodedPrompt],
    rows: Sequence[Row],
    *,
    pad_id: int,
    temperature: float = 1.0,
    shared_prefix: bool = True,
    entropy_grad: bool = False,
    recompute: bool = False,
    chunks: int | None = None,
) -> TokenLogps:
    """Log-probability and entropy of every completion token.

    Args:
        lm: The causal LM of `rlfg.models.prefix.language_model`.
        prompts: P prompts.
        rows: R completions, none of them empty.
        pad_id: Padding token.
        temperature: Logits are divided by it, as they were when sampling.
        shared_prefix: Run each prompt once rather than once per row.
        entropy_grad: Keep the entropy differentiable (entropy bonus).
        recompute: Keep only the layers' inputs for the backward pass (gradient checkpointing).
        chunks: Run the LM head this often, for processes that must call the same modules; by default
            as often as `CHUNK` asks for.
    """
    device = lm.lm_head.weight.device
    ids_RL, mask_RL = _pad_right([row.token_ids for row in rows], pad_id, device)
    prompt_R = torch.tensor([row.prompt for row in rows], device=device)
    with recomputed_layers(lm) if recompute else nullcontext():
        if shared_prefix:
            prefix = run_prefix(lm, collate(prompts, pad_id=pad_id, device=device))
            hidden_RLH = _hidden_after(lm, prefix.expand(prompt_R), ids_RL, mask_RL)
        else:
            batch = collate([prompts[row.prompt] for row in rows], pad_id=pad_id, device=device)
            hidden_RLH = _plain_hidden(lm, batch, ids_RL, mask_RL)
    return _scored(lm.lm_head, hidden_RLH, ids_RL, mask_RL, temperature, entropy_grad, chunks)


def logps_after(lm: Any, prefix: Prefix, rows: Sequence[Row], *, pad_id: int) -> TokenLogps:
    """The same for prompts that are run already, so that many completions go through in turns."""
    device = lm.lm_head.weight.device
    ids_RL, mask_RL = _pad_right([row.token_ids for row in rows], pad_id, device)
    prompt_R = torch.tensor([row.prompt for row in rows], device=device)
    hidden_RLH = _hidden_after(lm, prefix.expand(prompt_R), ids_RL, mask_RL)
    return _scored(lm.lm_head, hidden_RLH, ids_RL, mask_RL, 1.0, False, None)


def _hidden_after(lm: Any, rows: Prefix, ids_RL: Tensor, mask_RL: Tensor) -> Tensor:
    """Hidden states that predict each completion token: the prompt's last, then the completion's own.

    Completions of one token go through the model too, unused: under ZeRO-3 and FSDP every process must
    run, forwards and backwards, the same modules.
    """
    L = ids_RL.shape[1]
    until = max(L - 1, 1)
    hidden_RLH = run_completions(lm, rows, ids_RL[:, :until], mask_RL[:, :until])
    return torch.cat([rows.last_hidden_PH[:, None], hidden_RLH], dim=1)[:, :L]


def _plain_hidden(lm: Any, batch: dict[str, Any], ids_RL: Tensor, mask_RL: Tensor) -> Tensor:
    """The same from one pass over prompt and completion of every row."""
    T, L = batch["input_ids"].shape[1], ids_RL.shape[1]
    positions, next_R = prompt_positions(lm, batch)
    more_RL = next_R[:, None] + torch.arange(L, device=ids_RL.device)
    more = more_RL.expand(*positions.shape[:-1], L)
    full = dict(batch)
    full["input_ids"] = torch.cat([batch["input_ids"], ids_RL], dim=1)
    full["attention_mask"] = torch.cat([batch["attention_mask"], mask_RL], dim=1)
    if "mm_token_type_ids" in batch:
        full["mm_token_type_ids"] = torch.cat([batch["mm_token_type_ids"], torch.zeros_like(ids_RL)], dim=1)
    out = run_backbone(lm, full, position_ids=torch.cat([positions, more], dim=-1), use_cache=False)
    hidden_RLH: Tensor = out.last_hidden_state[:, T - 1 : -1]
    return hidden_RLH


def _scored(
    lm_head: Any,
    hidden_RLH: Tensor,
    ids_RL: Tensor,
    mask_RL: Tensor,
    temperature: float,
    entropy_grad: bool,
    chunks: int | None,
) -> TokenLogps:
    valid = mask_RL.bool()
    logps_N, entropy_N = _score(lm_head, hidden_RLH[valid], ids_RL[valid], temperature, entropy_grad, chunks)
    zeros = torch.zeros(ids_RL.shape, dtype=logps_N.dtype, device=ids_RL.device)
    return TokenLogps(
        logps_RL=zeros.masked_scatter(valid, logps_N),
        entropy_RL=zeros.masked_scatter(valid, entropy_N),
        mask_RL=mask_RL,
    )


def _score(
    lm_head: Any, hidden_NH: Tensor, targets_N: Tensor, temperature: float, entropy_grad: bool, chunks: int | None
) -> tuple[Tensor, Tensor]:
    """Log-probability and entropy of N tokens; logits are recomputed in backward, never kept."""

    def chunk(hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logps = (lm_head(hidden).float() / temperature).log_softmax(-1)
        source = logps if entropy_grad else logps.detach()
        entropy = -(source.exp() * source).sum(-1)
        return logps.gather(-1, targets[:, None])[:, 0], entropy

    count = chunks or -(-len(targets_N) // CHUNK)
    pairs = [
        checkpoint(chunk, h, t, use_reentrant=False, determinism_check="none" if chunks else "default")
        if torch.is_grad_enabled()
        else chunk(h, t)
        for h, t in zip(hidden_NH.tensor_split(count), targets_N.tensor_split(count), strict=True)
    ]
    logps, entropies = zip(*pairs, strict=True)
    return torch.cat(logps), torch.cat(entropies)


def _pad_right(rows: Sequence[Sequence[int]], pad_id: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids and mask, both (R, L)."""
    length = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[pad_id] * (length - len(row))] for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows], device=device)
    return ids, mask

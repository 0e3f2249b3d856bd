"""What the update minimises: the clipped policy objective, its KL and entropy terms, its weights.

An objective is defined over the whole optimizer step. The loss is Σ_rows weight · Σ_tokens loss, and the
row weights are computed once from every valid row of every process, so that micro-batches and sharding
change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rlfg.errors import RlfgError

Aggregation = Literal["token_mean", "sequence_mean", "dr_grpo"]


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Group-relative policy optimisation and its relatives (METHODS: GRPO, DAPO, Dr.GRPO)."""

    aggregation: Aggregation = "token_mean"
    """token_mean: every token of the step weighs the same (SpeciaRL, DAPO). sequence_mean: every
    completion does (GRPO as published). dr_grpo: sum over tokens, divided by rows × max length."""
    advantage_scale: Literal["group", "batch", "none"] = "group"
    """What advantages are divided by: the group's deviation, the batch's, nothing (Dr.GRPO)."""
    clip_low: float = 0.2
    clip_high: float = 0.2
    """The probability ratio is clipped to [1 − clip_low, 1 + clip_high]."""
    kl_coef: float = 0.0
    """Weight of the KL to the start of the stage, low-variance estimator (Schulman's k3)."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus."""

    def __post_init__(self) -> None:
        if not 0 <= self.clip_low < 1 or self.clip_high < 0:
            raise RlfgError("objective: clip_low must be in [0, 1) and clip_high at least 0")

    @property
    def needs_all_rows(self) -> bool:
        """Whether rows with zero advantage still carry gradient."""
        return self.kl_coef != 0 or self.entropy_coef != 0


def row_weights(
    lengths: Sequence[int], aggregation: Aggregation, *, tokens: int, rows: int, max_length: int
) -> list[float]:
    """Weight of each row's token sum in the loss.

    Args:
        lengths: Tokens of each local row.
        aggregation: How tokens are averaged.
        tokens: Valid tokens in the whole optimizer step, all processes.
        rows: Valid rows in the whole optimizer step, all processes.
        max_length: Completion budget (dr_grpo).
    """
    if aggregation == "token_mean":
        return [1 / max(tokens, 1)] * len(lengths)
    if aggregation == "sequence_mean":
        return [1 / (max(rows, 1) * n) for n in lengths]
    return [1 / (max(rows, 1) * max_length)] * len(lengths)


def token_losses(
    objective: Objective,
    *,
    logps_RL: Tensor,
    old_logps_RL: Tensor | None,
    reference_logps_RL: Tensor | None,
    entropy_RL: Tensor,
    advantages_R: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of every token, and what to log of it (both (R, L), to be masked by the caller).

    Args:
        objective: The settings.
        logps_RL: Under the policy, with gradient.
        old_logps_RL: Under the policy that sampled; None when it is this one (on-policy).
        reference_logps_RL: Under the reference; needed when kl_coef is not 0.
        entropy_RL: Of the policy.
        advantages_R: One a row.
    """
    old = logps_RL.detach() if old_logps_RL is None else old_logps_RL
    ratio = (logps_RL - old).exp()
    clipped = ratio.clamp(1 - objective.clip_low, 1 + objective.clip_high)
    advantages = advantages_R[:, None]
    loss = -torch.minimum(ratio * advantages, clipped * advantages)
    logs = {"clip_share": ((ratio != clipped) & (ratio * advantages > clipped * advantages)).float()}
    if reference_logps_RL is not None:
        gap = reference_logps_RL - logps_RL
        kl = gap.exp() - gap - 1
        loss = loss + objective.kl_coef * kl
        logs["kl"] = kl.detach()
    if objective.entropy_coef:
        loss = loss - objective.entropy_coef * entropy_RL
    return loss, logs

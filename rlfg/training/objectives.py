"""What the update minimises: the clipped policy objective, its KL and entropy terms, its weights.

An objective is defined over the whole optimizer step. The loss is Σ_rows weight · Σ_tokens loss, and the
row weights are computed once from every valid row of every process, so that micro-batches and sharding
change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rlfg.errors import RlfgError

Aggregation = Literal["token_mean", "sequence_mean", "sequence_sum", "dr_grpo"]

SAPO_TEMPERATURES = (1.0, 1.05)
"""With a positive advantage, and with another; as published and in TRL."""
VESPO_GAMMA = ((2.0, 3.0), (3.0, 2.0))
"""Shapes k and rates λ, each with an advantage of at least 0 and with another; as published and in TRL."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Group-relative policy optimisation and its relatives; docs/training.md has a line for each."""

    aggregation: Aggregation = "token_mean"
    """token_mean: every token of the step weighs the same (SpeciaRL, DAPO). sequence_mean: every
    completion does (GRPO as published). sequence_sum: mean over completions of the sum over tokens
    (LUSPO). dr_grpo: sum over tokens, divided by rows × max length."""
    advantage_scale: Literal["group", "batch", "none"] = "group"
    """What advantages are divided by: the group's deviation, the batch's, nothing (Dr.GRPO)."""
    clip_low: float = 0.2
    clip_high: float = 0.2
    """The probability ratio is clipped to [1 − clip_low, 1 + clip_high]."""
    ratio: Literal["token", "sequence"] = "token"
    """sequence: every token has its completion's ratio, the geometric mean (GSPO, arXiv 2507.18071)."""
    surrogate: Literal["clip", "cispo", "sapo", "vespo"] = "clip"
    """clip: the lesser of clipped and unclipped (PPO). cispo: the log-probability weighed by the ratio, which is
    clipped above and carries no gradient (arXiv 2506.13585). sapo: a sigmoid of the ratio in place of a clip
    (arXiv 2511.20347). vespo: the log-probability weighed by e^(λ − λw) · w^k, where w is the ratio of the whole
    completion, the product of its tokens', and carries no gradient (arXiv 2602.10693)."""
    dual_clip: float | None = None
    """With a negative advantage the ratio counts at most this much (arXiv 1912.09729; 3 in Fine-R1)."""
    kl_coef: float = 0.0
    """Weight of the KL to the start of the stage."""
    kl_estimator: Literal["k1", "k2", "k3"] = "k3"
    """Schulman's: k3 is unbiased and never negative; k2, half the squared log-ratio, has the gradient of the KL itself;
    k1, the log-ratio, has none in expectation, and is here to be compared."""
    kl_corrected: bool = False
    """Multiply it by the token's probability ratio, gradient and all: k3, too, then has the gradient of the KL itself
    (arXiv 2512.02556; TRL's default). The published runs here have it plain."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus."""

    def __post_init__(self) -> None:
        if not 0 <= self.clip_low < 1 or self.clip_high < 0:
            raise RlfgError("objective: clip_low must be in [0, 1) and clip_high at least 0")
        if self.dual_clip is not None and (self.surrogate != "clip" or self.dual_clip <= 1 + self.clip_high):
            raise RlfgError("objective.dual_clip is for surrogate clip, and above 1 + clip_high")
        if self.surrogate == "vespo" and self.ratio != "token":
            raise RlfgError("objective.surrogate vespo has a ratio of its own; leave objective.ratio out")

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
    if aggregation == "sequence_sum":
        return [1 / max(rows, 1)] * len(lengths)
    return [1 / (max(rows, 1) * max_length)] * len(lengths)


def token_losses(
    objective: Objective,
    *,
    logps_RL: Tensor,
    old_logps_RL: Tensor | None,
    reference_logps_RL: Tensor | None,
    entropy_RL: Tensor,
    advantages_R: Tensor,
    mask_RL: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of every token, and what to log of it (both (R, L), to be masked by the caller).

    Args:
        objective: The settings.
        logps_RL: Under the policy, with gradient.
        old_logps_RL: Under the policy that sampled; None when it is this one (on-policy).
        reference_logps_RL: Under the reference; needed when kl_coef is not 0.
        entropy_RL: Of the policy.
        advantages_R: One a row.
        mask_RL: Which tokens there are.
    """
    old = logps_RL.detach() if old_logps_RL is None else old_logps_RL
    log_ratio_RL = logps_RL - old
    ratio_RL = _ratio(objective, log_ratio_RL, mask_RL)
    loss, clipped = _surrogate(objective, ratio_RL, logps_RL, advantages_R[:, None])
    logs = {"clip_share": clipped.float()}
    if reference_logps_RL is not None:
        kl = _kl(objective, reference_logps_RL - logps_RL)
        loss = loss + objective.kl_coef * (kl * log_ratio_RL.exp() if objective.kl_corrected else kl)
        logs["kl"] = kl.detach()
    if objective.entropy_coef:
        loss = loss - objective.entropy_coef * entropy_RL
    return loss, logs


def _ratio(objective: Objective, log_ratio_RL: Tensor, mask_RL: Tensor) -> Tensor:
    """Of every token: its own, or its completion's, which is the geometric mean of its tokens' or their product."""
    # `where`, not a product: a padded position may hold an infinity.
    if objective.surrogate == "vespo":  # bounds as in TRL 1.16
        sums_R1 = torch.where(mask_RL.bool(), log_ratio_RL.clamp(-20, 20), 0.0).sum(1, keepdim=True)
        return sums_R1.clamp(math.log(1e-8), 20).exp().expand_as(log_ratio_RL)
    if objective.ratio == "sequence":
        tokens_R1 = mask_RL.sum(1, keepdim=True).clamp(min=1)
        means_R1 = torch.where(mask_RL.bool(), log_ratio_RL, 0.0).sum(1, keepdim=True) / tokens_R1
        return means_R1.expand_as(log_ratio_RL).exp()
    return log_ratio_RL.exp()


def _surrogate(objective: Objective, ratio: Tensor, logps: Tensor, advantages: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of every token, and where a clip takes its gradient or cuts its weight."""
    high = 1 + objective.clip_high
    if objective.surrogate == "cispo":
        return -ratio.clamp(max=high).detach() * advantages * logps, ratio > high
    if objective.surrogate == "sapo":
        temperature = torch.where(advantages > 0, *SAPO_TEMPERATURES).to(ratio)
        return -torch.sigmoid(temperature * (ratio - 1)) * 4 / temperature * advantages, torch.zeros_like(ratio).bool()
    if objective.surrogate == "vespo":
        shape, rate = (torch.where(advantages >= 0, *pair).to(ratio) for pair in VESPO_GAMMA)
        weight = (rate - rate * ratio + shape * ratio.log()).exp().detach()
        return -weight * advantages * logps, torch.zeros_like(ratio).bool()
    clipped = ratio.clamp(1 - objective.clip_low, high)
    loss = -torch.minimum(ratio * advantages, clipped * advantages)
    at_work = (ratio != clipped) & (ratio * advantages > clipped * advantages)
    if objective.dual_clip is not None:
        most = torch.where(advantages < 0, -objective.dual_clip * advantages, torch.inf)
        at_work |= loss > most
        loss = torch.minimum(loss, most)
    return loss, at_work


def _kl(objective: Objective, gap: Tensor) -> Tensor:
    """Of the policy from the reference; `gap` is log-probability under the reference less that under the policy."""
    if objective.kl_estimator == "k1":
        return -gap
    if objective.kl_estimator == "k2":
        return gap.square() / 2
    return gap.exp() - gap - 1

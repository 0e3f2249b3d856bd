"""From logits to the next token, with the randomness given from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlfg.errors import RlfgError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How completions are drawn."""

    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    """Nucleus: the smallest set of tokens with this probability."""
    max_new_tokens: int = 512

    def __post_init__(self) -> None:
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.max_new_tokens < 1:
            raise RlfgError("sampling needs temperature >= 0, 0 < top_p <= 1 and max_new_tokens >= 1")


def pick(logits_RV: Tensor, uniforms_R: Tensor | None, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Chooses a token a row by inverting the cumulative distribution at `uniforms_R` in [0, 1).

    Returns:
        Token ids (R,) and their log-probabilities at the sampling temperature, before top-p (R,).
    """
    if sampling.temperature == 0 or uniforms_R is None:
        logps_RV = logits_RV.float().log_softmax(-1)
        ids_R = logits_RV.argmax(-1)
    else:
        logps_RV = (logits_RV.float() / sampling.temperature).log_softmax(-1)
        probs, order = logps_RV.exp(), None
        if sampling.top_p < 1:
            probs, order = probs.sort(-1, descending=True)
            probs = probs * (probs.cumsum(-1) - probs < sampling.top_p)
        total = probs.cumsum(-1)
        target = uniforms_R.to(total)[:, None] * total[:, -1:]
        import torch  # not above: configurations of runs that need no torch name a `Sampling`, too

        ids_R = torch.searchsorted(total, target, right=True)[:, 0].clamp(max=total.shape[1] - 1)
        if order is not None:
            ids_R = order.gather(1, ids_R[:, None])[:, 0]
    return ids_R, logps_RV.gather(1, ids_R[:, None])[:, 0]

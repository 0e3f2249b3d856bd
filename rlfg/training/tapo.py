"""Triplet Augmented Policy Optimization (Fine-R1, ICLR 2026): another picture of the class, and one of its look-alike.

Intra-class: part of a group's answers is given to the positive, another picture of the same class; all of the group
share one advantage normalisation. Inter-class: the same tokens are scored under the negative, a picture of the class it
is taken for, and the policy is paid for telling the two apart:

    loss of a token = policy loss − divergence_coef · D(π(·|picture), π(·|negative))
                                  − negative_entropy_coef · H(π(·|negative))

With `positives: 0` and both coefficients 0 it is the plain objective, to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rlfg.data import Examples, Picture, Shown
from rlfg.errors import RlfgError


@dataclass(frozen=True, kw_only=True)
class TapoSpec:
    """What TAPO adds to an objective; the defaults are the paper's where it differs from its code."""

    positives: int = 5
    """Answers of a group that are given to the positive; the rest are given to the anchor (5 of 10 in Fine-R1)."""
    conditioning: Literal["anchor", "own"] = "anchor"
    """The picture under which answers are trained on: anchor, the example's own, whichever was shown (paper); own, the
    one that was shown (released code)."""
    divergence_coef: float = 0.01
    """Weight of the divergence from the policy given the negative; 0 for none."""
    direction: Literal["forward", "reverse"] = "forward"
    """forward: KL(picture‖negative); reverse: KL(negative‖picture)."""
    negative_branch: Literal["detached", "live"] = "detached"
    """live: the divergence also trains the policy given the negative."""
    answers: Literal["all", "correct"] = "all"
    """Whose tokens diverge. correct: only of answers that name the class, or something within it."""
    clamp_log_ratio: float | None = 20.0
    """The log-ratio of a token counts at most this much, either way; null for no bound."""
    clamp: float | None = 10.0
    """The divergence of a token counts at most this much, and has no gradient above; null for no bound."""
    negative_entropy_coef: float = 0.0
    """Weight of an entropy bonus given the negative; that given the picture is `objective.entropy_coef`. The authors
    have 0.03 for both."""

    def __post_init__(self) -> None:
        if self.positives < 0:
            raise RlfgError("tapo.positives counts answers: give 0 or more")
        for name in ("clamp_log_ratio", "clamp"):
            bound = getattr(self, name)
            if bound is not None and bound <= 0:
                raise RlfgError(f"tapo.{name} must be above 0, or null for no bound")

    @property
    def contrasts(self) -> bool:
        """Whether the negative is looked at."""
        return self.divergence_coef != 0 or self.negative_entropy_coef != 0

    def shown(self, index: int, place: int, group_size: int) -> Shown:
        """What is shown for an answer: the last `positives` places of a group are given the positive."""
        return Shown(index=index, picture="image" if place < group_size - self.positives else "positive")

    def trained_under(self, shown: Shown) -> Shown:
        """The picture that an answer is trained on under."""
        return shown if self.conditioning == "own" else Shown(index=shown.index)

    def negative(self, shown: Shown) -> Shown | None:
        """The picture that it is told apart from; None without a contrast."""
        return Shown(index=shown.index, picture="negative") if self.contrasts else None

    def trained_on(self, shown: Shown) -> tuple[Shown, ...]:
        """The pictures that an answer's update looks at."""
        negative = self.negative(shown)
        return (self.trained_under(shown), *([] if negative is None else [negative]))

    def require_pictures(self, examples: Examples) -> None:
        """Every example has the pictures that are needed.

        Raises:
            RlfgError: Names the first that has not, and how many.
        """
        for picture in self.pictures:
            missing = [w for w, e in zip(examples.where, examples, strict=True) if getattr(e, picture) is None]
            if missing:
                setting = "positives" if picture == "positive" else "divergence_coef and negative_entropy_coef"
                raise RlfgError(
                    f"{missing[0]}: no `{picture}` picture, which tapo needs, here and in {len(missing) - 1} more of "
                    f"{len(examples)} examples; write them with `rlfg data triplets`, leave those out that have none, "
                    f"or set tapo.{setting} to 0"
                )

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What an example must have besides its own picture."""
        needs: dict[Picture, bool] = {"positive": self.positives > 0, "negative": self.contrasts}
        return tuple(picture for picture, needed in needs.items() if needed)


PLAIN = TapoSpec(positives=0, divergence_coef=0.0)
"""No triplets: one picture an example."""


def contrast_losses(
    spec: TapoSpec, *, logps_RL: Tensor, negative_logps_RL: Tensor, negative_entropy_RL: Tensor, contrast_R: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """What the negative adds to the loss of every token, and what to log of it; all (R, L), to be masked by the caller.

    The tokens t are sampled from π given the picture. With d = log π_negative(t) − log π(t), the unbiased estimates
    that are never negative are e^d − d − 1 of KL(picture‖negative) and d·e^d − e^d + 1 of KL(negative‖picture).

    Args:
        spec: The settings.
        logps_RL: Given the picture, with gradient.
        negative_logps_RL: Of the same tokens given the negative.
        negative_entropy_RL: Given the negative, in nats.
        contrast_R: 1 for the rows that diverge, else 0.
    """
    negative = negative_logps_RL if spec.negative_branch == "live" else negative_logps_RL.detach()
    gap = negative - logps_RL
    if spec.clamp_log_ratio is not None:
        gap = gap.clamp(-spec.clamp_log_ratio, spec.clamp_log_ratio)
    divergence = gap.exp() - gap - 1 if spec.direction == "forward" else (gap - 1) * gap.exp() + 1
    if spec.clamp is not None:
        divergence = divergence.clamp(max=spec.clamp)
    divergence = torch.where(contrast_R[:, None] != 0, divergence, 0.0)
    loss = -spec.divergence_coef * divergence - spec.negative_entropy_coef * negative_entropy_RL
    return loss, {"divergence": divergence.detach(), "negative_entropy": negative_entropy_RL.detach()}

"""Group-relative advantages that masked rollouts do not touch.

The formulas are those of TRL 1.16's GRPOTrainer: sample standard deviation (n - 1), 10⁻⁴ added to it. Shape
suffixes: N rollouts in all, K groups.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewards.checks import require_choice
from rlfg.errors import RlfgError

EPSILON = 1e-4
"""Added to the standard deviation."""
Scale = Literal["group", "batch", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Advantages:
    """One number for each rollout, and what became of each group."""

    values: NDArray[np.float64]
    """In the shape of the rewards; 0 where masked."""
    valid: NDArray[np.bool_]
    """In the shape of the rewards; False where masked."""
    group_of: NDArray[np.intp]
    """In the shape of the rewards: the group's index, in the order of first appearance."""
    zero_variance: NDArray[np.bool_]
    """(K,) True where a group's valid rewards are all equal, or fewer than two: it carries no gradient."""


def group_advantages(
    rewards: ArrayLike | Sequence[float | None] | Sequence[Sequence[float | None]],
    *,
    group_ids: Sequence[Hashable] | None = None,
    scale: Scale = "group",
) -> Advantages:
    """Reward minus the mean of its group, divided by a standard deviation.

    None or NaN marks a masked rollout: it is in no mean, no deviation and no count.

    Args:
        rewards: (K, G), a row a group; or (N,) with `group_ids`, where groups may differ in size.
        group_ids: (N,) which group each reward belongs to; the order is free.
        scale: divide by the deviation of the "group", of the whole "batch", or by nothing ("none", Dr. GRPO).

    Raises:
        RlfgError: on shapes that do not fit or an infinite reward.
    """
    require_choice("scale", scale, ("group", "batch", "none"))
    array = _to_array(rewards)
    group_of = _index_groups(array, group_ids)
    groups = int(group_of.max(initial=-1)) + 1
    rewards_N, group_N = array.ravel(), group_of.ravel()
    valid_N = ~np.isnan(rewards_N)
    filled_N = np.where(valid_N, rewards_N, 0.0)

    count_K = np.bincount(group_N, valid_N, groups)
    mean_K = np.bincount(group_N, filled_N, groups) / np.maximum(count_K, 1)
    equal_K = ~_varies(rewards_N[valid_N], group_N[valid_N], groups)
    # Rounding in the mean must not turn equal rewards into an advantage.
    centred_N = np.where(valid_N & ~equal_K[group_N], filled_N - mean_K[group_N], 0.0)
    if scale == "group":
        square_K = np.bincount(group_N, centred_N**2, groups)
        centred_N /= np.sqrt(square_K / np.maximum(count_K - 1, 1))[group_N] + EPSILON
    elif scale == "batch" and valid_N.sum() > 1:
        centred_N /= rewards_N[valid_N].std(ddof=1) + EPSILON
    return Advantages(
        values=centred_N.reshape(array.shape),
        valid=valid_N.reshape(array.shape),
        group_of=group_of,
        zero_variance=equal_K,
    )


def _to_array(rewards: object) -> NDArray[np.float64]:
    try:
        array = np.array(rewards, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RlfgError("rewards are numbers or None, in rows of one length, or flat with group_ids") from error
    infinite = np.argwhere(np.isinf(array)).tolist()
    if infinite:
        raise RlfgError(f"the reward at {infinite[0]} is infinite; None masks a rollout")
    return array


def _index_groups(rewards: NDArray[np.float64], group_ids: Sequence[Hashable] | None) -> NDArray[np.intp]:
    if group_ids is None:
        if rewards.ndim != 2:
            raise RlfgError(f"rewards of shape {rewards.shape} need group_ids; without them a row is a group")
        return np.broadcast_to(np.arange(len(rewards))[:, None], rewards.shape)
    if rewards.shape != (len(group_ids),):
        raise RlfgError(f"rewards of shape {rewards.shape} do not fit {len(group_ids)} group_ids")
    index: dict[Hashable, int] = {}
    return np.array([index.setdefault(group, len(index)) for group in group_ids], dtype=np.intp)


def _varies(values_N: NDArray[np.float64], group_N: NDArray[np.intp], groups: int) -> NDArray[np.bool_]:
    """(K,) whether a group holds two different values."""
    low_K, high_K = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(low_K, group_N, values_N)
    np.maximum.at(high_K, group_N, values_N)
    return high_K > low_K

"""Group advantages: by hand, under masks, and against TRL's own formulas."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from rewards import group_advantages
from rlfg.errors import RlfgError


def test_by_hand() -> None:
    """Mean 0.5, sample deviation √(4 · 0.25 / 3)."""
    result = group_advantages([[1, 1, 0, 0]])
    expected = 0.5 / (math.sqrt(1 / 3) + 1e-4)
    np.testing.assert_allclose(result.values, [[expected, expected, -expected, -expected]], rtol=1e-12)
    assert result.valid.all()
    assert result.zero_variance.tolist() == [False]


def test_a_masked_rollout_is_as_if_it_were_not_there() -> None:
    with_mask = group_advantages([[1, None, 0, 0, float("nan")]])
    without = group_advantages([[1, 0, 0]])
    assert with_mask.values[0, [0, 2, 3]].tolist() == without.values[0].tolist()
    assert with_mask.values[0, [1, 4]].tolist() == [0, 0]
    assert with_mask.valid.tolist() == [[True, False, True, True, False]]


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_groups_without_a_gradient_get_exact_zeros(scale: str) -> None:
    rewards = [[0.1, 0.1, 0.1], [1, None, None], [None, None, None], [1, 0, None]]
    result = group_advantages(rewards, scale=scale)  # type: ignore[arg-type]
    assert result.zero_variance.tolist() == [True, True, True, False]
    assert not result.values[:3].any()
    assert result.values[3, 0] > 0 > result.values[3, 1]


def test_scales() -> None:
    rewards = [[1, 0], [4, 0]]
    assert group_advantages(rewards, scale="none").values.tolist() == [[0.5, -0.5], [2, -2]]
    expected = np.array([[0.5, -0.5], [2, -2]]) / (np.std([1, 0, 4, 0], ddof=1) + 1e-4)
    np.testing.assert_allclose(group_advantages(rewards, scale="batch").values, expected)


def test_flat_groups_may_be_scattered_and_of_different_sizes() -> None:
    rewards = [1, 5, 0, None, 2, 0.5]
    result = group_advantages(rewards, group_ids=["b", "a", "b", "a", "a", "b"])
    b, a = group_advantages([[1, 0, 0.5]]).values[0], group_advantages([[5, None, 2]]).values[0]
    np.testing.assert_array_equal(result.values, [b[0], a[0], b[1], a[1], a[2], b[2]])
    assert result.group_of.tolist() == [0, 1, 0, 1, 1, 0]
    assert result.zero_variance.shape == (2,)


def test_order_within_a_group_does_not_matter() -> None:
    draw = random.Random(0)
    for _ in range(200):
        rewards = draw.choices([None, -1, 0, 0.5, 1], k=8)
        order = draw.sample(range(8), 8)
        plain = group_advantages([rewards]).values[0]
        moved = group_advantages([[rewards[i] for i in order]]).values[0]
        np.testing.assert_allclose(moved, plain[order], atol=1e-12)


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_equal_to_trl(scale: str) -> None:
    """The formulas of GRPOTrainer in TRL 1.16, with its own `nanstd`, masks included."""
    torch = pytest.importorskip("torch")
    nanstd = pytest.importorskip("trl.trainer.utils").nanstd
    draw = random.Random(0)
    drawn = [draw.choices([None, -1, 0, 0.25, 0.5, 1], k=8) for _ in range(300)]
    rewards = torch.tensor(np.array(drawn, dtype=float))
    advantages = rewards - torch.nanmean(rewards, dim=1, keepdim=True)
    if scale != "none":
        deviation = nanstd(rewards, dim=1, keepdim=True) if scale == "group" else nanstd(rewards)
        advantages = advantages / (deviation + 1e-4)
    expected = torch.nan_to_num(advantages, nan=0.0).numpy()
    ours = group_advantages(drawn, scale=scale)  # type: ignore[arg-type]
    np.testing.assert_allclose(ours.values, expected, atol=1e-9)


def test_empty_batch() -> None:
    assert group_advantages([], group_ids=[]).zero_variance.shape == (0,)


@pytest.mark.parametrize(
    ("rewards", "group_ids", "message"),
    [
        ([1.0, 0.0], None, r"rewards of shape \(2,\) need group_ids"),
        ([1.0, 0.0], ["a"], "do not fit 1 group_ids"),
        ([[1.0], [1.0, 0.0]], None, "in rows of one length"),
        ([[1.0, float("inf")]], None, r"the reward at \[0, 1\] is infinite"),
    ],
)
def test_bad_shapes(rewards: list[object], group_ids: list[str] | None, message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        group_advantages(rewards, group_ids=group_ids)  # type: ignore[arg-type]


def test_unknown_scale() -> None:
    with pytest.raises(RlfgError, match="scale is 'std'; choose from group, batch, none"):
        group_advantages([[1.0]], scale="std")  # type: ignore[arg-type]

"""Rewards by name, with the options that some need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewards import GroupReward, build_reward


def count_letters(texts: list[str]) -> NDArray[np.float64]:
    """An encoder: how often each letter occurs."""
    return np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts], dtype=np.float64)


OPTIONS: dict[str, dict[str, Any]] = {"similarity": {"encoder": count_letters, "threshold": 0.95}}


def toy_reward(name: str) -> GroupReward:
    """The reward of that name."""
    return build_reward(name, **OPTIONS.get(name, {}))

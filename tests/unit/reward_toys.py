"""Rewards by name, with the options that some need."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewards import GroupReward, build_reward


def trigrams(texts: list[str]) -> NDArray[np.float64]:
    """An encoder: which three letters in a row occur. "not a Herring Gull" is much like "Herring Gull"."""
    counts = np.zeros((len(texts), 4096))
    for row, text in zip(counts, texts, strict=True):
        for i in range(len(text)):
            row[zlib.crc32(f"  {text.lower()} "[i : i + 3].encode()) % 4096] += 1
    return counts


OPTIONS: dict[str, dict[str, Any]] = {"similarity": {"encoder": trigrams}}


def toy_reward(name: str) -> GroupReward:
    """The reward of that name."""
    return build_reward(name, **OPTIONS.get(name, {}))

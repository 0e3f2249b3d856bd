"""Holm's correction: the chance of even one false alarm among several tests stays below the level (Holm 1979)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Key = TypeVar("Key")


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Adjusted p-values: those at or below a level may be claimed together at that level.

    The k-th smallest of m is multiplied by m − k + 1, may not fall below one before it, and is 1 at most.
    """
    adjusted: dict[Key, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}

"""Student's t interval of a mean, without SciPy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eval.intervals import LEVEL, Interval


def t_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """The mean's interval under a normal distribution of the values; None with fewer than two."""
    n = len(values)
    if n < 2:
        return None
    middle = float(np.mean(values))
    half = t_quantile((1 + level) / 2, n - 1) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return middle - half, middle + half


def t_quantile(probability: float, degrees: int) -> float:
    """The quantile of Student's t, by bisection on its exact distribution function; `probability` in [.5, 1)."""
    low, high = 0.0, 1.0
    while _t_cdf(high, degrees) < probability:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _t_cdf(middle, degrees) < probability else (low, middle)
    return high


def _t_cdf(t: float, degrees: int) -> float:
    """P(T ≤ t) for t ≥ 0 by the finite sums for whole degrees of freedom (Abramowitz & Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(degrees))
    cosine = math.cos(angle)
    term = total = cosine if degrees % 2 else 1.0
    for k in range(3 if degrees % 2 else 2, degrees, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    if degrees % 2 == 0:
        return 0.5 + math.sin(angle) * total / 2
    return 0.5 + (angle + (math.sin(angle) * total if degrees > 1 else 0.0)) / math.pi

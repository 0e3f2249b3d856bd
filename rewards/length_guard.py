"""The length guard: a soft penalty on completions that come near the limit (DAPO, arXiv 2503.14476)."""

from __future__ import annotations

from rewards.checks import require_count
from rewards.group import Group


def length_guard(group: Group, *, limit: int, buffer: int) -> list[float]:
    """0 up to `limit - buffer` tokens, then linearly down to -1 at `limit`, and -1 beyond.

    Args:
        group: with the `lengths` of its completions.
        limit: tokens; the generation limit, as a rule.
        buffer: tokens over which the penalty grows; 0 is a sharp border (DAPO: 512 of 2,048).

    Raises:
        RlfgError: on negative numbers.
    """
    require_count("limit", limit, least=1)
    require_count("buffer", buffer, least=0)
    return [_penalty(length - (limit - buffer), buffer) for length in group.lengths]


def _penalty(excess: int, buffer: int) -> float:
    """`excess` tokens into the buffer; 0.0 rather than -0.0 where there is none."""
    if excess <= 0:
        return 0.0
    return -1.0 if excess >= buffer else -excess / buffer

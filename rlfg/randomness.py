"""Counter-based randomness: every draw is a function of its key, so a resume needs no generator state."""

from __future__ import annotations

import zlib

import numpy as np

from rlfg.errors import RlfgError


def generator(*key: int | str) -> np.random.Generator:
    """A generator that depends on `key` alone, for instance (seed, "rollout", step, group, row).

    Raises:
        RlfgError: A number is negative.
    """
    negative = [k for k in key if isinstance(k, int) and k < 0]
    if negative:
        raise RlfgError(f"a seed is a whole number, at least 0, not {negative[0]}")
    words = [zlib.crc32(k.encode()) if isinstance(k, str) else k for k in key]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))

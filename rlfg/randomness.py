"""Counter-based randomness: every draw is a function of its key, so a resume needs no generator state."""

from __future__ import annotations

import zlib

import numpy as np


def generator(*key: int | str) -> np.random.Generator:
    """A generator that depends on `key` alone, for instance (seed, "rollout", step, group, row)."""
    words = [zlib.crc32(k.encode()) if isinstance(k, str) else k for k in key]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))

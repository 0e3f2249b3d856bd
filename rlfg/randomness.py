"""Counter-based randomness: every draw is a function of its key, so a resume needs no generator state."""

from __future__ import annotations

import hashlib
import zlib

import numpy as np
from numpy.typing import NDArray

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


def draw(seed: int, *key: str) -> float:
    """A number that depends on the key and on nothing else: in [0, 1)."""
    words = hashlib.sha256("\0".join(key).encode()).digest()
    return float(generator(seed, int.from_bytes(words[:4], "big"), int.from_bytes(words[4:8], "big")).random())


def class_weights(classes: int, *, samples: int, seed: int) -> NDArray[np.float64]:
    """How often each class is drawn in each of `samples` bootstrap resamples of classes, shape (samples, classes).

    As many as there are, with replacement: rows sum to `classes`. They depend on nothing but the arguments.
    """
    if not classes:
        return np.zeros((samples, 0))
    drawn = np.random.default_rng(seed).multinomial(classes, np.full(classes, 1 / classes), size=samples)
    return drawn.astype(np.float64)

"""Pictures that are one and the same: byte for byte, or to the eye (saved again, scaled, a little brighter)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rlfg.data.examples import Examples

SIDE = 16
"""Pixels of a thumbnail's side."""
NEAR = 0.97
"""Correlation of thumbnails, all colours together. Pictures of 84 to 2,048 pixels that are saved again, halved or 8 %
brighter have 0.986 or more; crops by 2 % 0.937 to 0.998; different pictures of the embedded world at most 0.944."""
NEAR_MEAN = 24.0
"""Difference of mean brightness, of 255; correlation does not see it."""
FLAT = 4.0
"""Standard deviation, of 255, under which a picture is flat and is like no other but by its bytes."""
_BLOCK = 1024


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What pictures are compared by."""

    digests: tuple[str, ...]
    """SHA-256 of the bytes."""
    thumbnails_ND: NDArray[np.float32]
    """Of length 1, brightness and contrast taken out; shorter where a picture is flat."""
    means_N: NDArray[np.float32]
    """Brightness."""


def look_at(examples: Examples, *, workers: int = 8) -> Looks:
    """Opens every picture once.

    Raises:
        ImageError: One cannot be read.
    """

    def look(index: int) -> tuple[str, NDArray[np.float32], float]:
        inside = examples.opener is not None
        data = examples.opener(examples.numbers[index]) if inside else Path(examples[index].image).read_bytes()  # type: ignore[misc]
        return (hashlib.sha256(data).hexdigest(), *thumbnail(examples.open_image(index)))

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(look, range(len(examples))))
    return Looks(
        digests=tuple(digest for digest, _, _ in found),
        thumbnails_ND=np.stack([small for _, small, _ in found]),
        means_N=np.array([mean for _, _, mean in found], dtype=np.float32),
    )


def thumbnail(image: Image.Image) -> tuple[NDArray[np.float32], float]:
    """A picture's pixels in a few numbers, and its brightness."""
    small = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32).ravel()
    mean = float(small.mean())
    centred = small - mean
    spread = max(float(centred.std()), FLAT)
    return centred / np.float32(spread * np.sqrt(centred.size)), mean


def near_copies(looks: Looks) -> list[list[int]]:
    """Sets of pictures that are the same to the eye, each with at least two, in ascending order; they may chain."""
    first = np.arange(len(looks.digests))

    def root(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = int(first[i])
        return i

    for members in exact_copies(looks):
        first[members] = members[0]
    heads = np.unique(first)  # copies by bytes need no second look
    thumbnails_ND, means_N = looks.thumbnails_ND[heads], looks.means_N[heads]
    for start in range(0, len(heads), _BLOCK):
        alike = thumbnails_ND[start : start + _BLOCK] @ thumbnails_ND[start:].T >= NEAR
        alike &= np.abs(means_N[start : start + _BLOCK, None] - means_N[None, start:]) <= NEAR_MEAN
        for i, j in start + np.argwhere(np.triu(alike, 1)):
            low, high = sorted((root(int(heads[i])), root(int(heads[j]))))
            first[high] = low
    return _sets([root(i) for i in range(len(first))])


def exact_copies(looks: Looks) -> list[list[int]]:
    """Sets of pictures with the same bytes."""
    return _sets(looks.digests)


def _sets(keys: Sequence[int | str]) -> list[list[int]]:
    """Indices by key, where several have one."""
    found: dict[int | str, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key, []).append(i)
    return [members for members in found.values() if len(members) > 1]

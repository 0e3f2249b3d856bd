"""Reward by likeness of meaning, above a threshold: it shades the answers that a verifier calls correct.

An encoder cannot tell "not a Herring Gull", "Pink-bellied Herring Gull" or a list from "Herring Gull"; so what the
verifier calls WRONG earns nothing, however like the truth it reads.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rewards.checks import require_between
from rewards.group import pay_relations
from rlfg.errors import RlfgError
from rlfg.named import load_named
from rlfg.types import Verdict

Encoder = Callable[[list[str]], NDArray[np.floating]]
"""N texts → (N, D) vectors, of any length but 0."""


def similarity(
    verdicts: Sequence[Verdict], *, encoder: Encoder | str, threshold: float = 0.0, base: float = 0.0
) -> list[float | None]:
    """The cosine of answer and truth as `max(0, (s - base) / (1 - base))`, and 0 where that is below `threshold`.

    With `base` the cosine of truth and super-category this is Fine-R1's relative similarity (ICLR 2026). WRONG and
    ABSTAIN earn 0 whatever they resemble, UNPARSED -1, no verdict None.

    Args:
        verdicts: of one group; their texts are compared, each distinct one encoded once.
        encoder: a function of texts, or where to find one: "package.module:function", "file.py:function".
        threshold: least similarity that is paid, from 0 to 1.
        base: similarity that is worth nothing.

    Raises:
        RlfgError: on an option out of its range, an encoder that cannot be imported, or vectors of another shape.
    """
    require_between("threshold", threshold, 0, 1)
    require_between("base", base, 0, 0.999)
    encode = load_named(encoder, "encoder") if isinstance(encoder, str) else encoder
    texts = list(dict.fromkeys(t for v in verdicts for t in (v.answer, v.truth) if t))
    folded = [unicodedata.normalize("NFKC", text) for text in texts]
    vectors = dict(zip(texts, _unit(encode(folded), len(texts)), strict=True)) if texts else {}

    def pay(verdict: Verdict) -> float:
        correct = verdict.relation is not None and verdict.relation.is_correct
        if not (correct and verdict.answer and verdict.truth):
            return 0.0
        cosine = float(vectors[verdict.answer] @ vectors[verdict.truth])
        value = min(1.0, max(0.0, (cosine - base) / (1 - base)))
        return value if value >= threshold else 0.0

    paid = iter([pay(v) for v in verdicts if v.relation is not None])
    return pay_relations(verdicts, lambda _: next(paid))


def _unit(vectors: NDArray[np.floating], count: int) -> NDArray[np.float64]:
    array = np.asarray(vectors, dtype=np.float64)
    if array.ndim != 2 or len(array) != count:
        raise RlfgError(f"the encoder gave an array of shape {array.shape} for {count} texts; (N, D) is wanted")
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    unit: NDArray[np.float64] = array / np.where(norms == 0, 1, norms)
    return unit

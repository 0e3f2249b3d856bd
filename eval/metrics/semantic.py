"""Semantic similarity: how alike an encoder finds answer and truth.

- `semantic_similarity`: cosine of the two embeddings, averaged over answers (lmms-owc, ICCV 2025; with MiniLM).
- `semantic_similarity@t`: share of answers whose cosine is at least t, for t in .5, .6, .7, .8, .9, and `@avg`, the
  mean of the five (lmms-owc).
- `relative_similarity`: max(0, (s − s₀) / (1 − s₀)), s₀ being the cosine of truth and super-category ("bird"), so that
  naming the super-category is worth nothing (Fine-R1, ICLR 2026; with SigLIP's text encoder).

An encoder cannot tell a sister species, a denial or a list from the truth: all are much alike. An empty answer
says nothing and gets 0; other projects embed the empty text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eval.encoders import Embeddings
from eval.table import BoolArray, FloatArray

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def similarities(store: Embeddings, answers: Sequence[str], truths: Sequence[str], among: BoolArray) -> FloatArray:
    """The cosine of each pair `among` them, else 0; shape (P,)."""
    rows = np.flatnonzero(among)
    found = np.zeros(len(answers))
    found[rows] = store.cosines([answers[row] for row in rows], [truths[row] for row in rows])
    return found


def share_above(similarity_N: FloatArray) -> Mapping[str, FloatArray]:
    """Which are at least each threshold, and the mean of these; NaN stays NaN."""
    counted = np.where(np.isnan(similarity_N), np.nan, 0.0)
    # Both sides in single precision, in which embeddings and thresholds are compared elsewhere.
    single = similarity_N.astype(np.float32)
    above = {f"@{t}": counted + (single >= np.float32(t)) for t in THRESHOLDS}
    return above | {"@avg": np.mean(list(above.values()), axis=0)}


def relative_similarity(similarity_N: FloatArray, base_N: FloatArray) -> FloatArray:
    """max(0, (s − s₀) / (1 − s₀)); NaN where the truth is the super-category itself."""
    room = 1 - base_N
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.maximum(0.0, (similarity_N - base_N) / room)
    return np.where(room > 1e-9, found, np.nan)

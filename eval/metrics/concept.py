"""Concept similarity: the best cosine of the truth with anything the answer speaks of (lmms-owc, ICCV 2025).

max over c in chunks(a) ∪ {a} of cos(c, t): a long answer that names the truth somewhere scores like the name alone.
So does one that names everything: the maximum over many chunks only grows. Averaged over answers; 0 for an empty one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.encoders import Embeddings
from eval.table import FloatArray


def concept_similarity(
    store: Embeddings, concepts: Sequence[Sequence[str]], truths: Sequence[str]
) -> tuple[FloatArray, list[str | None]]:
    """The largest cosine of each pair, and the concept it is of; 0 and None where there is no concept.

    Args:
        store: knows all concepts and truths.
        concepts: of each pair's answer, the whole answer among them.
        truths: of each pair.
    """
    owner = np.repeat(np.arange(len(concepts)), [len(found) for found in concepts])
    flat = [concept for found in concepts for concept in found]
    cosines = store.cosines(flat, [truths[row] for row in owner])
    order = np.lexsort((np.arange(len(flat)), -cosines, owner))
    first = order[np.flatnonzero(np.diff(owner[order], prepend=-1))]
    named: list[str | None] = [None] * len(concepts)
    best = np.zeros(len(concepts))
    best[owner[first]] = cosines[first]
    for entry in first.tolist():
        named[owner[entry]] = flat[entry]
    return best, named

"""What several sampled answers say of each picture, at every back-off threshold; as columns.

A picture's answers are summed up the taxonomy (`eval.confidence`), each named without sight of the truth, unlike in
verdicts where namesakes count as the better one. At a threshold the picture says the deepest taxon that so many of
its answers vouch for (`eval.backoff`).

Shape suffixes: M pictures, T thresholds, L levels (main ranks, or steps below the root).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eval.backoff import vouched
from eval.confidence import confidence, namer
from eval.metrics.tree import ancestors_at_levels
from eval.pairing import answers_by_id
from eval.resolution import NOT_TAXA
from eval.score import ScoredItem
from eval.table import NO_NODE, BoolArray, FloatArray, IntArray
from rlfg.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """The pictures whose truth is one taxon, and what their answers come to."""

    ids: tuple[str, ...]
    class_M: NDArray[np.str_]
    truth_M: IntArray
    answers_M: IntArray
    """Answers of each picture."""
    top_M: IntArray
    """The end of the most supported path: the answer where one must be given; `NO_NODE` where nothing is named."""
    confidence_M: FloatArray
    """Share of the answers that name `top` or something below it; 0 where nothing is named."""
    thresholds: tuple[float, ...]
    """Strictest first."""
    said_MT: IntArray
    """What is said at each threshold; `NO_NODE` is nothing."""
    level_node_ML: IntArray
    """The taxon of the most supported path at each level; `NO_NODE` where it does not reach so far."""
    level_confidence_ML: FloatArray
    without_truth: tuple[str, ...]
    """Pictures whose truth is no single taxon: in none of the columns."""


def has_several(items: Sequence[ScoredItem]) -> bool:
    """Whether a picture has several answers."""
    answered = [item.id for item in items if item.error is None]
    return len(set(answered)) < len(answered)


def sampled(items: Sequence[ScoredItem], taxonomy: Taxonomy, *, profile: str | None = None) -> Sampled:
    """From scored items, of which those that failed are passed over.

    Pictures may have different numbers of answers; thresholds are k/N for the largest N.
    """
    groups = answers_by_id([item for item in items if item.error is None])
    truths = {id_: group[0].class_node for id_, group in groups.items()}
    ids = tuple(id_ for id_, truth in truths.items() if truth is not None)
    name = namer(taxonomy, profile)
    most = max((len(groups[id_]) for id_ in ids), default=1)
    thresholds = tuple(k / most for k in range(most, 0, -1))

    @lru_cache(None)
    def read(nodes: tuple[int | None, ...]) -> tuple[int, float, list[int], dict[int, float]]:
        found = confidence(taxonomy, nodes)
        top = found.path[-1] if found.path else NO_NODE
        said = [vouched(found, threshold) for threshold in thresholds]
        return (
            top,
            found.of(top) if found.path else 0.0,
            [NO_NODE if node is None else node for node in said],
            {node: found.of(node) for node in found.path},
        )

    def nodes_of(group: Sequence[ScoredItem]) -> tuple[int | None, ...]:
        named = (None if not item.answer or item.verdict.status in NOT_TAXA else name(item.answer)[1] for item in group)
        return tuple(sorted(named, key=lambda node: (node is not None, node or 0)))

    rows = [read(nodes_of(groups[id_])) for id_ in ids]
    top_M = np.array([row[0] for row in rows], dtype=np.int64)
    levels = ancestors_at_levels(taxonomy, top_M)
    sure = [[row[3].get(node, 0.0) for node in nodes] for row, nodes in zip(rows, levels.tolist(), strict=True)]
    return Sampled(
        ids=ids,
        class_M=np.array([groups[id_][0].truth_class for id_ in ids], dtype=np.str_),
        truth_M=np.array([truths[id_] for id_ in ids], dtype=np.int64),
        answers_M=np.array([len(groups[id_]) for id_ in ids], dtype=np.int64),
        top_M=top_M,
        confidence_M=np.array([row[1] for row in rows], dtype=np.float64),
        thresholds=thresholds,
        said_MT=np.array([row[2] for row in rows], dtype=np.int64).reshape(len(rows), len(thresholds)),
        level_node_ML=levels,
        level_confidence_ML=np.array(sure, dtype=np.float64).reshape(levels.shape),
        without_truth=tuple(id_ for id_, truth in truths.items() if truth is None),
    )


def on_path(taxonomy: Taxonomy, a: IntArray, b: IntArray) -> BoolArray:
    """Whether one of two nodes is the other, or stands above it; False where either is missing."""
    upper, lower = np.minimum(a, b), np.maximum(a, b)
    known = upper != NO_NODE
    together: BoolArray = known & (lower < taxonomy.ends[np.where(known, upper, 0)])
    return together

"""Scored items as columns: what every metric and every bootstrap computes on.

Shape suffixes: N answers, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.score import ScoredItem
from rewards.graded import NOMINAL_SPECIFICITY
from rewards.verifier import NOBODY
from rlfg.types import NO_VERDICT, VERDICT_LABELS, Relation, Verdict

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NO_NODE = -1
CORRECT_LABELS = tuple(relation.value for relation in Relation if relation.is_correct)
DECIDED_LABELS = tuple(label for label in VERDICT_LABELS if label != NO_VERDICT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One row per answer, in the order of the items; failed predictions have no row."""

    label_N: IntArray
    """Index into `VERDICT_LABELS`."""
    asked_N: BoolArray
    """Whether somebody was to judge; without a verifier the UNPARSED answers alone would be decided, and all wrong."""
    specificity_N: FloatArray
    """In [0, 1] where the answer is correct, else NaN."""
    truth_node_N: IntArray
    answer_node_N: IntArray
    """Taxonomy nodes; `NO_NODE` where a text did not resolve."""
    item_N: NDArray[np.str_]
    """Item ids; the samples of an item share theirs."""
    class_N: NDArray[np.str_]
    """The truth's class: the cluster of the bootstrap."""

    @property
    def decided_N(self) -> BoolArray:
        """All but NO_VERDICT, and none where nobody was asked: the answers that metrics are about."""
        return ~self.has(NO_VERDICT) & self.asked_N

    @property
    def correct_N(self) -> BoolArray:
        """GENERIC or better."""
        return self.has(*CORRECT_LABELS)

    def has(self, *labels: str) -> BoolArray:
        """Which answers carry one of these labels."""
        return np.isin(self.label_N, [VERDICT_LABELS.index(label) for label in labels])

    def take(self, rows: IntArray | BoolArray) -> Table:
        """The chosen rows (indices or a mask)."""
        return Table(**{name: getattr(self, name)[rows] for name in Table.__slots__})


def build_table(items: Sequence[ScoredItem]) -> Table:
    """Columns of all items that did not fail."""
    answered = [item for item in items if item.error is None]
    verdicts = [item.verdict for item in answered]
    return Table(
        label_N=np.array([VERDICT_LABELS.index(verdict.label) for verdict in verdicts], dtype=np.int64),
        asked_N=np.array([verdict.source != NOBODY for verdict in verdicts], dtype=np.bool_),
        specificity_N=np.array([_specificity(verdict) for verdict in verdicts], dtype=np.float64),
        truth_node_N=_nodes([verdict.truth_node for verdict in verdicts]),
        answer_node_N=_nodes([verdict.answer_node for verdict in verdicts]),
        item_N=np.array([item.id for item in answered], dtype=np.str_),
        class_N=np.array([item.truth_class for item in answered], dtype=np.str_),
    )


def _specificity(verdict: Verdict) -> float:
    if verdict.relation is None or not verdict.relation.is_correct:
        return float("nan")
    return NOMINAL_SPECIFICITY[verdict.relation] if verdict.specificity is None else verdict.specificity


def _nodes(nodes: Sequence[int | None]) -> IntArray:
    return np.array([NO_NODE if node is None else node for node in nodes], dtype=np.int64)

"""How far answer and truth are apart in the tree.

- `tree_induced_error`: edges on the path between them, d(p) + d(y) − 2 d(lca) (Dekel et al. 2004). Depths count levels
  (`Taxonomy.depth`), so that unranked clades in between carry no weight. Over the decided answers that name a taxon.
- `lca_f1`: 2PR / (P + R) with P = 1 / (1 + d(p) − d(lca)) and R = 1 / (1 + d(y) − d(lca)), the F of the two paths that
  meet at the lowest common ancestor (Kosmopoulos et al. 2015, for one label each); the mean of each answer's own value,
  which is 2 / (2 + its tree-induced error). Over the same answers.
- `hierarchical_distance@k`: mean height of the lowest common ancestor of the truth and each of the k best answers, 0
  for the truth itself (Bertinetto et al. 2020), over the decided pictures for which a taxon is named. The best are
  those named most often among the picture's answers, the earlier first among equals: a ranked list stays in its order.
  With fewer than k taxa it is over those there are.

Answers that name no taxon have no distance: a model that invents names where it is unsure looks better here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.metrics.ratio import known
from eval.metrics.tree import heights, lowest_common_ancestors
from eval.table import NO_NODE, FloatArray, IntArray, Table
from rlfg.taxonomy import Taxonomy


def lca_f1(table: Table, taxonomy: Taxonomy) -> FloatArray:
    """Of each answer, shape (N,)."""
    return 2 / (2 + tree_induced_error(table, taxonomy))


def tree_induced_error(table: Table, taxonomy: Taxonomy) -> FloatArray:
    """Of each answer, shape (N,)."""
    lca_N = lowest_common_ancestors(taxonomy, table.answer_node_N, table.truth_node_N)
    answer, truth, lca = (
        np.where(nodes == NO_NODE, 0, taxonomy.depth[nodes])
        for nodes in (table.answer_node_N, table.truth_node_N, lca_N)
    )
    return known(answer + truth - 2 * lca, table.decided_N & (lca_N != NO_NODE))


def hierarchical_distances(table: Table, taxonomy: Taxonomy, ks: Sequence[int]) -> dict[str, FloatArray]:
    """For each k, the picture's value at its first answer and NaN at its others: the mean is over pictures."""
    lca_N = lowest_common_ancestors(taxonomy, table.answer_node_N, table.truth_node_N)
    placed = np.flatnonzero(table.decided_N & (lca_N != NO_NODE))
    _, picture_N = np.unique(table.item_N, return_inverse=True)
    rows = _ranked(picture_N[placed], table.answer_node_N[placed], placed)
    same = table.answer_node_N[rows] == table.truth_node_N[rows]  # a genus has a height, but is not far from itself
    height = np.where(same, 0.0, heights(taxonomy)[lca_N[rows]])
    starts = np.flatnonzero(np.diff(picture_N[rows], prepend=-1))
    rank = np.arange(len(rows)) - np.repeat(starts, np.diff([*starts, len(rows)]))
    first = _first_rows(picture_N)
    found = {}
    for k in ks:
        kept = rank < k
        picture = picture_N[rows[kept]]
        sums, counts = (
            np.bincount(picture, weights=w, minlength=len(first)) for w in (height[kept], np.ones(kept.sum()))
        )
        values_N = np.full(len(picture_N), np.nan)
        values_N[first] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        found[f"hierarchical_distance@{k}"] = values_N
    return found


def _ranked(picture: IntArray, node: IntArray, row: IntArray) -> IntArray:
    """The first row of each picture's taxa: picture by picture, most named first, the earlier of equals."""
    if not len(row):
        return row
    order = np.lexsort((row, node, picture))
    new = (np.diff(picture[order], prepend=-1) != 0) | (np.diff(node[order], prepend=-1) != 0)
    starts = np.flatnonzero(new)
    counts = np.diff([*starts, len(order)])
    heads = order[starts]
    ranked: IntArray = row[heads[np.lexsort((row[heads], -counts, picture[heads]))]]
    return ranked


def _first_rows(picture_N: IntArray) -> IntArray:
    """The first row of each picture."""
    found: IntArray = np.unique(picture_N, return_index=True)[1]
    return found

"""Mistake severity: how far up the tree a wrong answer and the truth meet (Bertinetto et al. 2020)."""

from __future__ import annotations

import numpy as np

from eval.metrics.ratio import Ratio, mean
from eval.metrics.tree import heights, lowest_common_ancestors
from eval.table import NO_NODE, Table
from rlfg.taxonomy import Taxonomy


def severity_ratios(table: Table, taxonomy: Taxonomy) -> dict[str, Ratio]:
    """Mean height of the lowest common ancestor over the WRONG answers that resolved to a taxon.

    In levels above the deepest species below that ancestor: 1 is a sister species, the root's height the worst.
    WRONG answers that name no taxon of the tree (several options, unknown names) have no height; they are the
    difference between the count of WRONG and this metric's denominator.
    """
    lca_N = lowest_common_ancestors(taxonomy, table.answer_node_N, table.truth_node_N)
    placed = table.has("WRONG") & (lca_N != NO_NODE)
    height_N = np.where(placed, heights(taxonomy)[lca_N], 0).astype(np.float64)
    return {"severity": mean(height_N, placed)}

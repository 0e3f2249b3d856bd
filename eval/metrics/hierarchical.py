"""Hierarchical precision, recall and F (Kiritchenko et al. 2005).

With A(v) = v and its ancestors without the root: hP = |A(p) ∩ A(y)| / |A(p)|, hR = |A(p) ∩ A(y)| / |A(y)|,
hF = 2 |A(p) ∩ A(y)| / (|A(p)| + |A(y)|). Sizes count levels (`Taxonomy.depth`: main ranks where the tree has
them), so that unranked clades in between carry no weight; |A(p) ∩ A(y)| is the depth of the lowest common ancestor.
"""

from __future__ import annotations

import numpy as np

from eval.metrics.ratio import Ratio, mean
from eval.metrics.tree import lowest_common_ancestors
from eval.table import NO_NODE, FloatArray, IntArray, Table
from rlfg.taxonomy import Taxonomy


def hierarchical_ratios(table: Table, taxonomy: Taxonomy) -> dict[str, Ratio]:
    """Micro (sums over answers) and macro (means of each answer's own value): the two differ.

    Over the decided answers whose truth is a node below the root. An answer without a taxon (abstained,
    unparsed, unresolved, the root itself) has an empty A(p): it counts against recall and F, and has no precision.
    """
    lca_N = lowest_common_ancestors(taxonomy, table.answer_node_N, table.truth_node_N)
    shared, answered, true = (_levels(taxonomy, nodes) for nodes in (lca_N, table.answer_node_N, table.truth_node_N))
    counted = table.decided_N & (true > 0)
    precise = counted & (answered > 0)
    shared, answered, true = (np.where(counted, levels, 0.0) for levels in (shared, answered, true))
    return {
        "hp_micro": Ratio(numerator_N=shared, denominator_N=answered),
        "hr_micro": Ratio(numerator_N=shared, denominator_N=true),
        "hf_micro": Ratio(numerator_N=2 * shared, denominator_N=answered + true),
        "hp_macro": mean(shared / np.maximum(answered, 1), precise),
        "hr_macro": mean(shared / np.maximum(true, 1), counted),
        "hf_macro": mean(2 * shared / np.maximum(answered + true, 1), counted),
    }


def _levels(taxonomy: Taxonomy, nodes_N: IntArray) -> FloatArray:
    """|A(node)|; 0 where there is no node."""
    return np.where(nodes_N == NO_NODE, 0, taxonomy.depth[nodes_N]).astype(np.float64)

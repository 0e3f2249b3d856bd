"""What an answer tells, in bits: how many of the leaves it rules out.

- `information_gain`: log2 L(root) − log2 L(v) for a correct answer v and 0 for any other (Deng et al. 2012, "Hedging
  your bets"), L being the leaves at or below a node. Averaged over answers.
- `hierarchical_coverage`: 1 − log2 L(v) / log2 L(root) of every answer, right or wrong, 0 where nothing is named (Goren
  et al. 2024, "Hierarchical selective classification"). Averaged over answers.

The leaves are those of the taxonomy, not of the test set: a larger taxonomy gives more bits. An answer below the
truth is worth as much as the truth. Both are in doubt where a judge found an answer right that is no taxon; it is not
counted.
"""

from __future__ import annotations

import numpy as np

from eval.metrics.ratio import known
from eval.table import NO_NODE, FloatArray, IntArray, Table
from rlfg.taxonomy import Taxonomy


def information_columns(table: Table, taxonomy: Taxonomy) -> dict[str, FloatArray]:
    """Both of each answer; over the decided answers."""
    correct_N, named_N = table.correct_N, table.answer_node_N != NO_NODE
    counted = table.decided_N & (named_N | ~correct_N)
    bits_N = bits(taxonomy, table.answer_node_N)
    most_N = np.where(table.truth_node_N == NO_NODE, np.inf, bits(taxonomy, table.truth_node_N))
    return {
        "information_gain": known(np.where(correct_N, np.minimum(bits_N, most_N), 0.0), counted),
        "hierarchical_coverage": known(coverage(taxonomy, table.answer_node_N), counted),
    }


def bits(taxonomy: Taxonomy, nodes_N: IntArray) -> FloatArray:
    """log2 L(root) − log2 L(v); 0 where there is no node."""
    leaves = np.where(nodes_N == NO_NODE, taxonomy.leaf_count[0], taxonomy.leaf_count[nodes_N])
    found: FloatArray = np.log2(float(taxonomy.leaf_count[0])) - np.log2(leaves.astype(np.float64))
    return found


def coverage(taxonomy: Taxonomy, nodes_N: IntArray) -> FloatArray:
    """1 − log2 L(v) / log2 L(root), in [0, 1]; 0 where there is no node, and in a tree of one leaf."""
    whole = np.log2(float(taxonomy.leaf_count[0]))
    return bits(taxonomy, nodes_N) / whole if whole else np.zeros(len(nodes_N))

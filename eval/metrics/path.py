"""Agreement along the whole path from root to truth (Tan, Qing & Gong 2025, arXiv 2505.24840).

With y_1 … y_L the truth's ancestors at the levels (main ranks, or steps below the root) and p_1 … p_L the answer's:

- HCA, hierarchical consistent accuracy: Π_l 1[p_l = y_l], the whole path right.
- TOR, top overlap ratio: Σ_l 1[p_l = y_l] · 1[p_{l+1} = y_{l+1}] / (L − 1), neighbouring levels right together; not
  defined for a truth of one level, which is not counted (their code counts it as 0).

There a model is asked at each level; here an answer names one taxon, and its path is that of the taxonomy. A finer
answer than the truth has the truth's whole path right; `published_path_columns` has their rules. Their point overlap
ratios (POR and S-POR) are then both `hr_macro`, up to levels that a lineage leaves out. They print percent.
"""

from __future__ import annotations

import numpy as np

from eval.metrics.ratio import known
from eval.metrics.tree import ancestors_at_levels
from eval.table import NO_NODE, FloatArray, IntArray, Table
from rlfg.taxonomy import Taxonomy


def path_columns(table: Table, taxonomy: Taxonomy) -> dict[str, FloatArray]:
    """`hca` and `tor` of each answer; over the decided answers whose truth stands at a level."""
    truths, answers = (ancestors_at_levels(taxonomy, nodes) for nodes in (table.truth_node_N, table.answer_node_N))
    there_NL = truths != NO_NODE
    levels_N = there_NL.sum(1)
    return {
        "hca": known(((truths == answers) | ~there_NL).all(1), table.decided_N & (levels_N > 0)),
        "tor": known(_pairs(truths, answers) / np.maximum(levels_N - 1, 1), table.decided_N & (levels_N > 1)),
    }


def published_path_columns(table: Table, taxonomy: Taxonomy) -> dict[str, FloatArray]:
    """The same by the authors' rules: a finer answer has another path, and a truth of one level has TOR 0."""
    truths, answers = (ancestors_at_levels(taxonomy, nodes) for nodes in (table.truth_node_N, table.answer_node_N))
    levels_N = (truths != NO_NODE).sum(1)
    counted = table.decided_N & (levels_N > 0)
    return {
        "hca": known((truths == answers).all(1), counted),
        "tor": known(_pairs(truths, answers) / np.maximum(levels_N - 1, 1), counted),
    }


def _pairs(truths: IntArray, answers: IntArray) -> FloatArray:
    """Neighbouring levels that are right together, shape (N,); both arguments (N, levels)."""
    pairs_N, before = np.zeros(len(truths)), np.zeros(len(truths), dtype=np.bool_)
    for truth, answer in zip(truths.T, answers.T, strict=True):
        here, right = truth != NO_NODE, truth == answer
        pairs_N += here & before & right
        before = np.where(here, right, before)  # a level that the lineage leaves out has no neighbours
    return pairs_N

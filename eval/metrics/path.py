"""Agreement along the whole path from root to truth (Tan, Qing & Gong 2025, arXiv 2505.24840).

With y_1 … y_L the truth's ancestors at the levels (main ranks, or steps below the root) and p_1 … p_L the answer's:

- HCA, hierarchical consistent accuracy: Π_l 1[p_l = y_l], the whole path right.
- TOR, top overlap ratio: Σ_l 1[p_l = y_l] · 1[p_{l+1} = y_{l+1}] / (L − 1), neighbouring levels right together; not
  defined for a truth of one level, which is not counted (their code counts it as 0).

There a model is asked at each level; here an answer names one taxon, and its path is that of the taxonomy. A finer
answer than the truth has the truth's whole path right. Their point overlap ratios (POR and S-POR) are then both
`hr_macro`, up to levels that a lineage leaves out.
"""

from __future__ import annotations

import numpy as np

from eval.metrics.ratio import known
from eval.metrics.tree import ancestors_at_levels
from eval.table import NO_NODE, FloatArray, Table
from rlfg.taxonomy import Taxonomy


def path_columns(table: Table, taxonomy: Taxonomy) -> dict[str, FloatArray]:
    """`hca` and `tor` of each answer; over the decided answers whose truth stands at a level."""
    truths = ancestors_at_levels(taxonomy, table.truth_node_N)
    right_NL = (truths == ancestors_at_levels(taxonomy, table.answer_node_N)) & (truths != NO_NODE)
    levels_N, rights_N = (truths != NO_NODE).sum(1), right_NL.sum(1)
    pairs_N, before = np.zeros(len(truths)), np.zeros(len(truths), dtype=np.bool_)
    for level in range(truths.shape[1]):
        here = truths[:, level] != NO_NODE  # a level that the lineage leaves out has no neighbours
        pairs_N += here & before & right_NL[:, level]
        before = np.where(here, right_NL[:, level], before)
    return {
        "hca": known(rights_N == levels_N, table.decided_N & (levels_N > 0)),
        "tor": known(pairs_N / np.maximum(levels_N - 1, 1), table.decided_N & (levels_N > 1)),
    }

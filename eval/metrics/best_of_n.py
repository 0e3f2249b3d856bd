"""Best of N: what the model could do if its best sample were always chosen (an oracle, an upper bound)."""

from __future__ import annotations

import numpy as np

from eval.table import Table
from rlfg.types import NO_VERDICT, UNPARSED, VERDICT_LABELS, Relation

_ORDER = {relation.value: float(relation.order) for relation in Relation} | {UNPARSED: -1.0, NO_VERDICT: -2.0}


def best_of_n(table: Table) -> Table:
    """One row per item: its best verdict, ties going to the more specific answer, then to the earlier one.

    UNPARSED is worse than WRONG. An item none of whose answers was decided stays NO_VERDICT.
    """
    order = np.array([_ORDER[label] for label in VERDICT_LABELS])[table.label_N]
    specificity = np.nan_to_num(table.specificity_N, nan=0.0)
    _, item = np.unique(table.item_N, return_inverse=True)
    ranked = np.lexsort((np.arange(len(item)), -specificity, -order, item))
    first = np.ones(len(ranked), dtype=np.bool_)
    first[1:] = np.diff(item[ranked]) != 0
    return table.take(np.sort(ranked[first]))

"""Accuracy at each rank, with how often the rank was attempted at all."""

from __future__ import annotations

from eval.metrics.ratio import Ratio, share
from eval.metrics.tree import ancestors_at_levels, level_names
from eval.table import NO_NODE, Table
from rlfg.taxonomy import Taxonomy


def per_rank_ratios(table: Table, taxonomy: Taxonomy) -> dict[str, dict[str, Ratio]]:
    """For each main rank (or level of an unranked tree), top to bottom.

    An answer attempts a rank when its taxon stands at that rank or below. Over the decided answers whose truth has
    a taxon at the rank:

    - attempt_rate: share that attempt the rank;
    - accuracy: share of the attempts that name the truth's taxon there (coarse answers do not lower it);
    - accuracy_all: the same over all of them (answers that stop short, or resolve to no taxon, count as not right).
    """
    truths = ancestors_at_levels(taxonomy, table.truth_node_N)
    answers = ancestors_at_levels(taxonomy, table.answer_node_N)
    ratios = {}
    for level, name in enumerate(level_names(taxonomy)):
        counted = table.decided_N & (truths[:, level] != NO_NODE)
        attempted = counted & (answers[:, level] != NO_NODE)
        right = attempted & (answers[:, level] == truths[:, level])
        ratios[name] = {
            "attempt_rate": share(attempted, counted),
            "accuracy": share(right, attempted),
            "accuracy_all": share(right, counted),
        }
    return ratios

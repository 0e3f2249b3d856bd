"""Cluster accuracy: are pictures of one class called alike, whatever they are called?

Answers that are equal form a cluster; each class is matched with one cluster at most, and each cluster with one
class, so that most answers fall into their class's cluster (the Hungarian method). The metric is the share that does.

Two ways to say "equal": `semantic_cluster_accuracy` of VIC (Conti et al., NeurIPS 2023) compares the texts as they
stand, `cluster_accuracy`, which FineR (Liu et al., ICLR 2024) reports as cACC, compares what is named: the taxon, or
the normalised text. A perfect score says nothing of right names, and a name that is used for one picture only always
scores; with more distinct answers than classes it rises by chance.

Where several matchings are equally good the value is the same, but not which answers it counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from eval.metrics.assignment import best_assignment
from eval.table import FloatArray


def cluster_hits(clusters: Sequence[Hashable | None], classes: Sequence[Hashable]) -> FloatArray:
    """1 for each answer in the cluster of its class, else 0; shape (N,), with the mean as metric.

    Args:
        clusters: what each answer is called; None is no answer, which is in no cluster and never scores.
        classes: the class of each.
    """
    counts: dict[Hashable, Counter[int]] = defaultdict(Counter)
    number: dict[Hashable, int] = {}
    for cluster, label in zip(clusters, classes, strict=True):
        if cluster is not None:
            counts[label][number.setdefault(cluster, len(number))] += 1
    matched = dict(zip(counts, best_assignment(list(counts.values())), strict=True))
    hits = [
        cluster is not None and number[cluster] == matched[label]
        for cluster, label in zip(clusters, classes, strict=True)
    ]
    return np.array(hits, dtype=np.float64)

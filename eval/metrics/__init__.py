"""Metrics, one idea a file: each gives `Ratio`s over the rows of a `Table`."""

from eval.metrics.best_of_n import best_of_n
from eval.metrics.hierarchical import hierarchical_ratios
from eval.metrics.per_rank import per_rank_ratios
from eval.metrics.ratio import Ratio
from eval.metrics.relations import count_labels, harmonic_mean, relation_ratios
from eval.metrics.severity import severity_ratios

__all__ = [
    "Ratio",
    "best_of_n",
    "count_labels",
    "harmonic_mean",
    "hierarchical_ratios",
    "per_rank_ratios",
    "relation_ratios",
    "severity_ratios",
]

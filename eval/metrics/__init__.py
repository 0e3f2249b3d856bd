"""Metrics, one idea a file: ratios over the rows of a `Table`, or a column with a value for each answer."""

from eval.metrics.behaviour import behaviour_columns
from eval.metrics.best_of_n import best_of_n
from eval.metrics.distance import hierarchical_distances, lca_f1, tree_induced_error
from eval.metrics.edges import by_edges
from eval.metrics.hierarchical import hierarchical_ratios
from eval.metrics.information import information_columns
from eval.metrics.path import path_columns, published_path_columns
from eval.metrics.per_rank import per_rank_ratios
from eval.metrics.ratio import Ratio
from eval.metrics.relations import by_label, count_labels, harmonic_mean, relation_ratios
from eval.metrics.severity import severity_ratios

__all__ = [
    "Ratio",
    "behaviour_columns",
    "best_of_n",
    "by_edges",
    "by_label",
    "count_labels",
    "harmonic_mean",
    "hierarchical_distances",
    "hierarchical_ratios",
    "information_columns",
    "lca_f1",
    "path_columns",
    "per_rank_ratios",
    "published_path_columns",
    "relation_ratios",
    "severity_ratios",
    "tree_induced_error",
]

"""The sections "text", "tree", "behaviour" and "selective" of `metrics.json`, and the answers' values behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.describe import describe_columns
from eval.intervals import SAMPLES, class_bootstrap
from eval.metrics import (
    behaviour_columns,
    by_edges,
    hierarchical_distances,
    information_columns,
    lca_f1,
    path_columns,
    published_path_columns,
    tree_induced_error,
)
from eval.sampled import Sampled, has_several, sampled
from eval.score import ScoredItem
from eval.selective import selective_summary
from eval.table import BoolArray, FloatArray, Table, build_table
from eval.textual import TextColumns, TextMetrics, text_columns, text_summary
from rlfg.taxonomy import Taxonomy

Columns = Mapping[str, FloatArray]
RANKED = 5
"""Answers of which `hierarchical_distance@k` is given besides the first, where a picture has several."""


@dataclass(frozen=True, kw_only=True)
class Sections:
    """Everything that is said of a run beside `summarise`."""

    items: Sequence[ScoredItem]
    text: TextColumns
    tree: Columns
    """Empty without a taxonomy."""
    tree_published: Columns
    """The same by the authors' rules, of those that have others."""
    behaviour: Columns
    sampled: Sampled | None
    """Where a picture has several answers, and there is a taxonomy."""
    taxonomy: Taxonomy | None

    @property
    def columns(self) -> Columns:
        """The values of each answer that did not fail, by metric: the scores of `items.jsonl`."""
        return {**self.text.columns, **self.tree, **self.behaviour}

    def summary(self, *, samples: int = SAMPLES, seed: int = 0) -> dict[str, Any]:
        """Ready for JSON. A denominator counts the answers whose score of that name is a number in `items.jsonl`."""
        classes = [item.truth_class for item in self.items if item.error is None]
        resamples = class_bootstrap(np.array(classes, dtype=np.str_), samples=samples, seed=seed)
        sections: dict[str, Any] = {"text": text_summary(self.text, resamples)}
        if self.tree:
            sections["tree"] = describe_columns(self.tree, resamples, self.tree_published)
        sections["behaviour"] = describe_columns(self.behaviour, resamples)
        if shared := shared_images(self.items):
            sections["shared_images"] = shared
        if self.sampled is not None and self.taxonomy is not None:
            sections["selective"] = selective_summary(self.sampled, self.taxonomy, samples=samples, seed=seed)
        return sections

    def by_group(self, *, samples: int = SAMPLES, seed: int = 0) -> dict[str, dict[str, Any]]:
        """The sections that are means over answers, of each group of items."""
        answered = [item for item in self.items if item.error is None]
        group_N = np.array([item.group or "" for item in answered], dtype=np.str_)
        class_N = np.array([item.truth_class for item in answered], dtype=np.str_)
        found = {}
        for name in dict.fromkeys(item.group for item in self.items if item.group is not None):
            rows = group_N == name
            resamples = class_bootstrap(class_N[rows], samples=samples, seed=seed)
            found[name] = {
                section: describe_columns(_rows(columns, rows), resamples, _rows(published, rows))
                for section, columns, published in (
                    ("text", self.text.columns, self.text.published),
                    ("tree", self.tree, self.tree_published),
                    ("behaviour", self.behaviour, {}),
                )
                if columns
            }
        return found


def _rows(columns: Columns, rows: BoolArray) -> Columns:
    return {metric: values_N[rows] for metric, values_N in columns.items()}


def measure(
    items: Sequence[ScoredItem], taxonomy: Taxonomy | None, metrics: TextMetrics, *, profile: str | None = None
) -> Sections:
    """Compute all of it.

    Args:
        items: as `score` gives them.
        taxonomy: for the sections about the tree.
        metrics: what the text metrics have to work with.
        profile: how answers are read.
    """
    table = build_table(items)
    several = has_several(items)
    return Sections(
        items=items,
        text=text_columns(items, metrics),
        tree={} if taxonomy is None else tree_columns(table, taxonomy, several=several),
        tree_published={} if taxonomy is None else published_columns(table, taxonomy, several=several),
        behaviour=behaviour_columns(items),
        sampled=None if taxonomy is None or not several else sampled(items, taxonomy, profile=profile),
        taxonomy=taxonomy,
    )


def tree_columns(table: Table, taxonomy: Taxonomy, *, several: bool) -> dict[str, FloatArray]:
    """The metrics over the tree that are means over answers."""
    return {
        **path_columns(table, taxonomy),
        **information_columns(table, taxonomy),
        "tree_induced_error": tree_induced_error(table, taxonomy),
        "lca_f1": lca_f1(table, taxonomy),
        **hierarchical_distances(table, taxonomy, (1, RANKED) if several else (1,)),
    }


def published_columns(table: Table, taxonomy: Taxonomy, *, several: bool) -> dict[str, FloatArray]:
    """Those of them that the papers count otherwise: paths by the authors' rules, distances in edges."""
    edges = by_edges(taxonomy)
    return {
        **published_path_columns(table, taxonomy),
        "tree_induced_error": tree_induced_error(table, edges),
        "lca_f1": lca_f1(table, edges),
        **hierarchical_distances(table, edges, (1, RANKED) if several else (1,)),
    }


def shared_images(items: Sequence[ScoredItem]) -> list[list[str]]:
    """Ids that stand for one and the same picture file, which then counts several times."""
    ids: dict[str, dict[str, None]] = defaultdict(dict)
    for item in items:
        if item.image is not None:
            ids[item.image][item.id] = None
    return [list(found) for found in ids.values() if len(found) > 1]

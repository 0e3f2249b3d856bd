"""The numbers of `metrics.json`: counts, metrics, denominators and intervals, as one plain dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval.intervals import SAMPLES, Interval, bootstrap, intervals
from eval.metrics import (
    Ratio,
    best_of_n,
    count_labels,
    harmonic_mean,
    hierarchical_ratios,
    per_rank_ratios,
    relation_ratios,
    severity_ratios,
)
from eval.score import ScoredItem
from eval.table import FloatArray, Table, build_table
from rlfg.taxonomy import Taxonomy


def summarise(
    items: Sequence[ScoredItem], taxonomy: Taxonomy | None = None, *, samples: int = SAMPLES, seed: int = 0
) -> dict[str, Any]:
    """Everything that can be said of one list of scored items.

    Args:
        items: as `score` gives them.
        taxonomy: adds the metrics over the tree (hierarchical, severity, per rank) where given.
        samples: bootstrap resamples.
        seed: of the bootstrap.

    Returns:
        `n` answers (the sum of `counts`), `items`, `classes`, `failed` (predictions without any answer, in no
        metric), `counts`, the metrics by name (None where undefined) with their `denominators` and 95 % `ci`,
        `per_rank`, and `best_of_n` where an item has several answers.
    """
    table = build_table(items)
    ratios = relation_ratios(table)
    if taxonomy is not None:
        ratios |= hierarchical_ratios(table, taxonomy) | severity_ratios(table, taxonomy)
    per_item = np.unique(table.item_N, return_counts=True)[1]
    summary: dict[str, Any] = {
        "n": len(table.label_N),
        "items": len(per_item),
        "classes": len(np.unique(table.class_N)),
        "failed": sum(item.error is not None for item in items),
        "counts": count_labels(table),
        **_estimates(ratios, table, samples=samples, seed=seed),
    }
    if taxonomy is not None:
        summary["per_rank"] = {
            rank: _estimates(rank_ratios, table, samples=samples, seed=seed)
            for rank, rank_ratios in per_rank_ratios(table, taxonomy).items()
        }
    summary["best_of_n"] = _best_of_n(table, per_item.tolist(), samples=samples, seed=seed)
    return summary


def grouped(
    items: Sequence[ScoredItem],
    taxonomy: Taxonomy | None = None,
    *,
    unions: Mapping[str, Sequence[str]] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """A summary per group in order of appearance, then one per union (`{"seen+rare": ("seen", "rare")}`)."""
    return {
        name: summarise(chosen, taxonomy, samples=samples, seed=seed)
        for name, chosen in split_groups(items, unions=unions).items()
    }


def split_groups(
    items: Sequence[ScoredItem], *, unions: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[ScoredItem]]:
    """The items of each group and union; items without a group are in none."""
    names = dict.fromkeys(item.group for item in items if item.group is not None)
    members = {name: (name,) for name in names} | {name: tuple(of) for name, of in (unions or {}).items()}
    return {name: [item for item in items if item.group in of] for name, of in members.items()}


def estimates(
    ratios: Mapping[str, Ratio], table: Table, *, samples: int = SAMPLES, seed: int = 0
) -> tuple[dict[str, float | None], dict[str, FloatArray]]:
    """Values and bootstrap draws of the ratios, with `hm` where correctness and specificity are among them."""
    values = {name: ratio.value for name, ratio in ratios.items()}
    draws = bootstrap(ratios, table.class_N, samples=samples, seed=seed)
    if "correctness" in ratios:
        hm = harmonic_mean(_array(values["correctness"]), _array(values["specificity"]))[0]
        values["hm"] = None if np.isnan(hm) else float(hm)
        draws["hm"] = harmonic_mean(draws["correctness"], draws["specificity"])
    return values, draws


def _estimates(ratios: Mapping[str, Ratio], table: Table, *, samples: int, seed: int) -> dict[str, Any]:
    """Values, their denominators and their intervals, ready for JSON."""
    values, draws = estimates(ratios, table, samples=samples, seed=seed)
    ci = intervals(draws, table.class_N)
    return {
        **values,
        "denominators": {name: int(ratio.denominator) for name, ratio in ratios.items()},
        "ci": {name: _rounded(interval) for name, interval in ci.items()},
    }


def _best_of_n(table: Table, per_item: Sequence[int], *, samples: int, seed: int) -> dict[str, Any] | None:
    if max(per_item, default=0) < 2:
        return None
    best = best_of_n(table)
    return {
        "answers_per_item": {"min": min(per_item), "max": max(per_item)},
        "n": len(best.label_N),
        "counts": count_labels(best),
        **_estimates(relation_ratios(best), best, samples=samples, seed=seed),
    }


def _array(value: float | None) -> FloatArray:
    return np.array([np.nan if value is None else value])


def _rounded(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(bound, 6) for bound in interval]

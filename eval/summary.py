"""The numbers of `metrics.json`: counts, metrics, denominators and intervals, as one plain dictionary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval.describe import differs
from eval.intervals import SAMPLES, ClassBootstrap, Interval, class_bootstrap
from eval.metrics import (
    Ratio,
    best_of_n,
    by_edges,
    by_label,
    count_labels,
    harmonic_mean,
    hierarchical_ratios,
    per_rank_ratios,
    relation_ratios,
    severity_ratios,
)
from eval.resolution import resolution_summary
from eval.score import ScoredItem
from eval.table import FloatArray, Table, build_table
from rlfg.taxonomy import Taxonomy
from rlfg.types import NO_VERDICT


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
        metric), `counts`, `no_verdict` (why there was none, with counts), `resolution`
        (statuses, truths, truth-assisted verdicts, bounds: see `resolution_summary`), the metrics by name (None
        where undefined) with their `denominators` and 95 % `ci`, `published` (those that the papers' conventions
        change), `per_rank`, and `best_of_n` where an item has several answers.
    """
    table = build_table(items)
    resamples = class_bootstrap(table.class_N, samples=samples, seed=seed)
    ratios = relation_ratios(table)
    if taxonomy is not None:
        ratios |= hierarchical_ratios(table, taxonomy) | severity_ratios(table, taxonomy)
    per_item = np.unique(table.item_N, return_counts=True)[1]
    summary: dict[str, Any] = {
        "n": len(table.label_N),
        "items": len(per_item),
        "classes": resamples.weights_BC.shape[1],
        "failed": sum(item.error is not None for item in items),
        "counts": count_labels(table),
        "no_verdict": dict(Counter(i.verdict.reason for i in items if i.label == NO_VERDICT).most_common()),
        "resolution": resolution_summary(items),
        **_describe(ratios, resamples),
        "published": _published(ratios, table, taxonomy),
    }
    if taxonomy is not None:
        summary["per_rank"] = {
            rank: _describe(rank_ratios, resamples) for rank, rank_ratios in per_rank_ratios(table, taxonomy).items()
        }
    if per_item.max(initial=0) > 1:
        best = best_of_n(table)
        summary["best_of_n"] = {
            "answers_per_item": {"min": int(per_item.min()), "max": int(per_item.max())},
            "n": len(best.label_N),
            "counts": count_labels(best),
            **_describe(relation_ratios(best), class_bootstrap(best.class_N, samples=samples, seed=seed)),
        }
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
    ratios: Mapping[str, Ratio], resamples: ClassBootstrap
) -> tuple[dict[str, float | None], dict[str, FloatArray]]:
    """Values and bootstrap draws of the ratios, with `hm` where correctness and specificity are among them."""
    draws = {name: resamples.draws(ratio) for name, ratio in ratios.items()}
    if "correctness" in ratios:
        draws["hm"] = harmonic_mean(draws["correctness"], draws["specificity"])
    return _values(ratios), draws


def _values(ratios: Mapping[str, Ratio]) -> dict[str, float | None]:
    values = {name: ratio.value for name, ratio in ratios.items()}
    if "correctness" not in ratios:
        return values
    hm = harmonic_mean(_array(values["correctness"]), _array(values["specificity"]))[0]
    return {"hm": None if np.isnan(hm) else float(hm), **values}


def _published(ours: Mapping[str, Ratio], table: Table, taxonomy: Taxonomy | None) -> dict[str, float]:
    """What changes where specificity goes by the label, and metrics over the tree count every node of it."""
    theirs = relation_ratios(by_label(table))
    if taxonomy is not None:
        theirs |= hierarchical_ratios(table, by_edges(taxonomy)) | severity_ratios(table, by_edges(taxonomy))
    values = _values(ours)
    return {name: x for name, x in _values(theirs).items() if x is not None and differs(x, values[name])}


def _describe(ratios: Mapping[str, Ratio], resamples: ClassBootstrap) -> dict[str, Any]:
    """Values, their denominators and their intervals, ready for JSON."""
    values, draws = estimates(ratios, resamples)
    return {
        **values,
        "denominators": {name: int(ratio.denominator) for name, ratio in ratios.items()},
        "ci": {name: rounded(interval) for name, interval in resamples.intervals(draws).items()},
    }


def rounded(interval: Interval | None) -> list[float] | None:
    """An interval as JSON has it: [low, high] or null."""
    return None if interval is None else [round(bound, 6) for bound in interval]


def _array(value: float | None) -> FloatArray:
    return np.array([np.nan if value is None else value])

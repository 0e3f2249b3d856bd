"""A run's metrics, and what each answer and picture adds to them: what numbers of the page lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.metrics import Ratio, hierarchical_ratios, severity_ratios
from eval.report.numbers import behind_metric
from eval.sampled import Sampled, has_several, sampled
from eval.score import ScoredItem
from eval.sections import measure
from eval.summary import summarise
from eval.table import FloatArray, build_table
from eval.textual import TextMetrics
from rlfg.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Of one run."""

    metrics: Mapping[str, Any]
    """As in `metrics.json`."""
    columns: Mapping[str, FloatArray]
    """By metric, a row for each answer that did not fail; NaN is not counted."""
    sampled: Sampled | None
    """Where pictures have several answers, and there is a taxonomy."""


def measure_run(items: Sequence[ScoredItem], taxonomy: Taxonomy | None, known: Mapping[str, Any] | None) -> Measured:
    """What was written of a run (`known`); else measured here, without encoders."""
    over_tree = {} if taxonomy is None else _over_tree(items, taxonomy)
    if known is not None and "resolution" in known:
        profile = (known.get("taxonomy") or {}).get("profile")
        found = None if taxonomy is None or not has_several(items) else sampled(items, taxonomy, profile=profile)
        return Measured(metrics=known, columns=over_tree, sampled=found)
    sections = measure(items, taxonomy, TextMetrics())
    return Measured(
        metrics=summarise(items, taxonomy) | sections.summary(),
        columns={**sections.columns, **over_tree},
        sampled=sections.sampled,
    )


def _over_tree(items: Sequence[ScoredItem], taxonomy: Taxonomy) -> dict[str, FloatArray]:
    """The hierarchical metrics and the severity of single answers."""
    table = build_table(items)
    ratios = hierarchical_ratios(table, taxonomy) | severity_ratios(table, taxonomy)
    return {behind_metric(name): _each(ratio) for name, ratio in ratios.items()}


def _each(ratio: Ratio) -> FloatArray:
    """Each answer's own value; NaN where it is not counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        values: FloatArray = ratio.numerator_N / ratio.denominator_N
    return np.where(ratio.denominator_N > 0, values, np.nan)

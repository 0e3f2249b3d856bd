"""What several seeds come to, whatever the runs were asked.

Shape suffixes: S seeds in which a metric is defined, B resamples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eval.intervals import ClassBootstrap, Interval
from eval.seeds.student import t_interval
from eval.table import FloatArray

RunEstimates = tuple[Mapping[str, float | None], Mapping[str, FloatArray], ClassBootstrap]
"""Values and draws of a run's metrics, and the resamples, which all runs have in common."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OverSeeds:
    """One metric over the seeds in which it is defined."""

    mean: float | None
    values: dict[str, float | None]
    """Of each run."""
    sd: float | None
    """Between seeds, with S − 1; None with one seed."""
    t_interval: Interval | None
    """None with one seed."""
    bootstrap_interval: Interval | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seeds:
    """Runs of one setting. Each id of theirs is in one of `items`, `failed` and `duplicates`."""

    protocol: str = "open"
    """How all were asked."""
    runs: tuple[str, ...]
    items: int
    """Answered in all runs: what all numbers are about."""
    questions: int | None = None
    """Of these items; None for open ones, which may have any number of answers."""
    failed: tuple[str, ...]
    """Without any answer in at least one run."""
    duplicates: tuple[str, ...] = ()
    """In at least one run a copy of an earlier line. Scores of open questions leave none out."""
    metrics: dict[str, OverSeeds]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return asdict(self)


def combine(found: Mapping[str, RunEstimates], seed: int) -> dict[str, OverSeeds]:
    """Each metric that all runs have.

    Args:
        found: of each run by its name; their draws are of the same resamples.
        seed: of the choice of seeds.
    """
    first, _, resamples = next(iter(found.values()))
    common = [name for name in first if all(name in values for values, _, _ in found.values())]
    return {metric: _over(metric, found, resamples, seed) for metric in common}


def _over(metric: str, found: Mapping[str, RunEstimates], resamples: ClassBootstrap, seed: int) -> OverSeeds:
    values = {run: of_run[metric] for run, (of_run, _, _) in found.items()}
    known = [value for value in values.values() if value is not None]
    draws = [of_run[metric] for values, of_run, _ in found.values() if values[metric] is not None]
    return OverSeeds(
        mean=float(np.mean(known)) if known else None,
        values=values,
        sd=float(np.std(known, ddof=1)) if len(known) > 1 else None,
        t_interval=t_interval(known),
        bootstrap_interval=resamples.interval(_means(np.stack(draws), seed)) if draws else None,
    )


def _means(draws_SB: FloatArray, seed: int) -> FloatArray:
    """In each resample of classes the mean over seeds that are drawn with replacement, shape (B,)."""
    seeds, resamples = draws_SB.shape
    chosen_SB = np.random.default_rng(seed).integers(seeds, size=draws_SB.shape)
    means_B: FloatArray = draws_SB[chosen_SB, np.arange(resamples)].mean(0)
    return means_B

"""One setting trained with several seeds: the mean over them, and how far it can be trusted.

Two intervals, for two questions. The t interval takes the seeds' values as draws from a normal distribution: what would
other seeds give, on these pictures? The hierarchical bootstrap draws seeds with replacement, and for all of them the
same classes with replacement: what would other seeds give, on other pictures? With two or three seeds the second is too
narrow, since so few values stand for all seeds; the first says so by its width.

Shape suffixes: S seeds, B resamples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eval.compare import run_estimates
from eval.intervals import LEVEL, SAMPLES, Interval
from eval.pairing import answers_by_id
from eval.score import ScoredItem
from eval.table import FloatArray
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy


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


def over_seeds(
    runs: Mapping[str, Sequence[ScoredItem]],
    taxonomy: Taxonomy | None = None,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, OverSeeds]:
    """Each metric over the runs, by name.

    Args:
        runs: scored items of each seed, over the same pictures.
        taxonomy: adds the metrics over the tree.
        samples: bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        RlfgError: There is no run, or two are not over the same pictures.
    """
    _check(runs)
    found = {name: run_estimates(items, taxonomy, samples, seed) for name, items in runs.items()}
    common = [name for name in next(iter(found.values()))[0] if all(name in values for values, _, _ in found.values())]
    resamples = next(iter(found.values()))[2]
    return {
        metric: _combine(
            {run: values[metric] for run, (values, _, _) in found.items()},
            np.stack([draws[metric] for _, draws, _ in found.values()]),
            resamples.interval,
            seed,
        )
        for metric in common
    }


def t_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """The mean's interval under a normal distribution of the values; None with fewer than two."""
    n = len(values)
    if n < 2:
        return None
    middle = float(np.mean(values))
    half = t_quantile((1 + level) / 2, n - 1) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return middle - half, middle + half


def t_quantile(probability: float, degrees: int) -> float:
    """The quantile of Student's t, by bisection on its exact distribution function; `probability` in [.5, 1)."""
    low, high = 0.0, 1.0
    while _t_cdf(high, degrees) < probability:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _t_cdf(middle, degrees) < probability else (low, middle)
    return high


def seeds_to_json(found: Mapping[str, OverSeeds]) -> dict[str, Any]:
    """Plain dictionaries and lists."""
    return {name: asdict(row) for name, row in found.items()}


def seeds_text(found: Mapping[str, OverSeeds]) -> str:
    """A table for a person."""
    lines = [f"{'metric':<26}{'mean':>8}{'sd':>8}   {'95 % t':<20}95 % bootstrap (seeds and classes)"]
    for name, row in found.items():
        mean, sd = ("–" if x is None else f"{x:.3f}" for x in (row.mean, row.sd))
        t, boot = (
            "–" if ci is None else f"[{ci[0]:.3f}, {ci[1]:.3f}]" for ci in (row.t_interval, row.bootstrap_interval)
        )
        lines.append(f"{name:<26}{mean:>8}{sd:>8}   {t:<20}{boot}")
    return "\n".join(lines)


def _combine(values: dict[str, float | None], draws_SB: FloatArray, interval: Any, seed: int) -> OverSeeds:
    known = [value for value in values.values() if value is not None]
    seeds, resamples = draws_SB.shape
    chosen_SB = np.random.default_rng(seed).integers(seeds, size=draws_SB.shape)
    means_B = draws_SB[chosen_SB, np.arange(resamples)].mean(0)
    return OverSeeds(
        mean=float(np.mean(known)) if known else None,
        values=values,
        sd=float(np.std(known, ddof=1)) if len(known) > 1 else None,
        t_interval=t_interval(known),
        bootstrap_interval=interval(means_B),
    )


def _check(runs: Mapping[str, Sequence[ScoredItem]]) -> None:
    if not runs:
        raise RlfgError("give the scored runs of one or more seeds")
    (first, items), *others = ((name, answers_by_id(found)) for name, found in runs.items())
    for name, other in others:
        if differing := items.keys() ^ other.keys():
            raise RlfgError(
                f'runs "{first}" and "{name}" are not over the same pictures: {len(differing)} ids are in one only, '
                f'"{min(differing)}" among them; seeds are combined over the same test set'
            )


def _t_cdf(t: float, degrees: int) -> float:
    """P(T ≤ t) for t ≥ 0 by the finite sums for whole degrees of freedom (Abramowitz & Stegun 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(degrees))
    cosine = math.cos(angle)
    term = total = cosine if degrees % 2 else 1.0
    for k in range(3 if degrees % 2 else 2, degrees, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    if degrees % 2 == 0:
        return 0.5 + math.sin(angle) * total / 2
    return 0.5 + (angle + (math.sin(angle) * total if degrees > 1 else 0.0)) / math.pi

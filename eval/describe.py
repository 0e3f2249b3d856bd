"""The form in which a section of `metrics.json` holds a number: value, denominator, 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eval.intervals import ClassBootstrap, Interval
from eval.metrics.ratio import Ratio, mean_of_known
from eval.table import FloatArray

Entry = dict[str, Any]


def describe(value: float | None, denominator: float, ci: Interval | None) -> Entry:
    """One number, ready for JSON; None where it is undefined."""
    undefined = value is None or np.isnan(value)
    return {
        "value": None if undefined else value,
        "denominator": int(denominator),
        "ci": None if undefined or ci is None else [round(bound, 6) for bound in ci],
    }


def describe_ratio(ratio: Ratio, resamples: ClassBootstrap) -> Entry:
    """A ratio with the interval of its draws."""
    return describe(ratio.value, ratio.denominator, resamples.interval(resamples.draws(ratio)))


def describe_columns(
    columns: Mapping[str, FloatArray], resamples: ClassBootstrap, published: Mapping[str, FloatArray] | None = None
) -> dict[str, Entry]:
    """The mean of each column over the rows it knows (NaN: not counted), and `published` where that differs."""
    found = {name: describe_ratio(mean_of_known(values_N), resamples) for name, values_N in columns.items()}
    for name, values_N in (published or {}).items():
        value = mean_of_known(values_N).value
        if value is not None and differs(value, found[name]["value"]):
            found[name]["published"] = value
    return found


def differs(a: float, b: float | None) -> bool:
    """By more than rounding."""
    return b is None or abs(a - b) > 1e-12 * max(1.0, abs(a))

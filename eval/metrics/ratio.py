"""The one shape every metric has: a sum over answers divided by another.

A clustered bootstrap then needs only per-class sums, so that thousands of resamples are one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eval.table import BoolArray, FloatArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """sum(numerator_N) / sum(denominator_N); undefined where the denominator is 0."""

    numerator_N: FloatArray
    denominator_N: FloatArray
    """Weights, mostly 0 or 1: their sum is the denominator that is printed beside the value."""

    @property
    def denominator(self) -> float:
        """The sum that was divided by."""
        return float(self.denominator_N.sum())

    @property
    def value(self) -> float | None:
        """The metric; None where nothing was divided by."""
        return float(self.numerator_N.sum()) / self.denominator if self.denominator else None


def share(of: BoolArray, among: BoolArray) -> Ratio:
    """Share of the rows `among` that are also `of`."""
    return Ratio(numerator_N=(of & among).astype(np.float64), denominator_N=among.astype(np.float64))


def mean(values_N: FloatArray, among: BoolArray) -> Ratio:
    """Mean of `values_N` over the rows `among`; other rows may hold NaN."""
    return Ratio(numerator_N=np.where(among, values_N, 0.0), denominator_N=among.astype(np.float64))


def mean_of_known(values_N: FloatArray) -> Ratio:
    """Mean of a column in which NaN says "not counted"."""
    return mean(values_N, ~np.isnan(values_N))


def known(values_N: FloatArray | BoolArray, among: BoolArray) -> FloatArray:
    """A column that counts the rows `among` only: the others become NaN."""
    return np.where(among, values_N, np.nan)

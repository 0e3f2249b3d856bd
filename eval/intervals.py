"""Bootstrap intervals, clustered by class: pictures of one species stand or fall together.

Classes are drawn with replacement and keep all their answers (Cameron et al. 2008). Every metric is a ratio of
sums, so a resample is a vector of class weights times per-class sums. Shape suffixes: N answers, C classes,
B resamples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.metrics.ratio import Ratio
from eval.table import FloatArray
from rlfg.randomness import class_weights

SAMPLES = 1000
LEVEL = 0.95
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassBootstrap:
    """Resamples of the classes of one table, shared by all its metrics."""

    class_index_N: NDArray[np.intp]
    weights_BC: FloatArray
    """How often each class is drawn; rows sum to C."""

    def draws(self, ratio: Ratio) -> FloatArray:
        """The ratio in each resample, shape (B,); NaN where there was nothing to divide by."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._sums(ratio.numerator_N) / self._sums(ratio.denominator_N)

    def sums_by(self, values_N: FloatArray, group_N: NDArray[np.intp], groups: int) -> FloatArray:
        """The sum over each group in each resample, shape (B, groups): what is no ratio is made of these."""
        classes = self.weights_BC.shape[1]
        cell_N = self.class_index_N * groups + group_N
        per_class = np.bincount(cell_N, weights=values_N, minlength=classes * groups).reshape(classes, groups)
        sums: FloatArray = self.weights_BC @ per_class
        return sums

    def interval(self, draws_B: FloatArray, *, level: float = LEVEL) -> Interval | None:
        """The central `level` of the defined draws; None where none is, or one class leaves nothing to vary."""
        defined = draws_B[~np.isnan(draws_B)]
        if not len(defined) or self.weights_BC.shape[1] < 2:
            return None
        low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def intervals(self, draws: Mapping[str, FloatArray]) -> dict[str, Interval | None]:
        """`interval` of each metric."""
        return {name: self.interval(draws_B) for name, draws_B in draws.items()}

    def _sums(self, values_N: FloatArray) -> FloatArray:
        classes = self.weights_BC.shape[1]
        per_class = np.bincount(self.class_index_N, weights=values_N, minlength=classes)
        sums: FloatArray = self.weights_BC @ per_class
        return sums


def class_bootstrap(class_N: NDArray[np.str_], *, samples: int = SAMPLES, seed: int = 0) -> ClassBootstrap:
    """Draw the resamples.

    They depend only on the seed and on which classes there are: two tables over the same classes get the same
    resamples, so that the difference of their draws is a paired bootstrap.
    """
    names, class_index_N = np.unique(class_N, return_inverse=True)
    weights_BC = class_weights(len(names), samples=samples, seed=seed)
    return ClassBootstrap(class_index_N=class_index_N, weights_BC=weights_BC)

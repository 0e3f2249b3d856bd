"""Bootstrap intervals, clustered by class: pictures of one species stand or fall together.

Classes are drawn with replacement and keep all their answers (Cameron et al. 2008). Every metric is a ratio of
sums, so a resample is a vector of class weights times a matrix of per-class sums. Shape suffixes: N answers,
C classes, B resamples.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from eval.metrics.ratio import Ratio
from eval.table import FloatArray

SAMPLES = 1000
LEVEL = 0.95
Interval = tuple[float, float]


def bootstrap(
    ratios: Mapping[str, Ratio], class_N: NDArray[np.str_], *, samples: int = SAMPLES, seed: int = 0
) -> dict[str, FloatArray]:
    """Draws of each ratio, shape (B,); NaN where a resample left nothing to divide by.

    The weights depend only on the seed and the number of classes: two runs over the same classes get
    the same resamples, so that the difference of their draws is a paired bootstrap.
    """
    names, class_index = np.unique(class_N, return_inverse=True)
    weights_BC = _class_weights(len(names), samples=samples, seed=seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            name: (weights_BC @ _class_sums(ratio.numerator_N, class_index, len(names)))
            / (weights_BC @ _class_sums(ratio.denominator_N, class_index, len(names)))
            for name, ratio in ratios.items()
        }


def percentile_interval(draws_B: FloatArray, *, level: float = LEVEL) -> Interval | None:
    """The central `level` of the draws that are defined; None where none is."""
    defined = draws_B[~np.isnan(draws_B)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def intervals(draws: Mapping[str, FloatArray], class_N: NDArray[np.str_]) -> dict[str, Interval | None]:
    """An interval per metric; None where the answers come from fewer than two classes and nothing can vary."""
    if len(np.unique(class_N)) < 2:
        return dict.fromkeys(draws)
    return {name: percentile_interval(draws_B) for name, draws_B in draws.items()}


def _class_weights(classes: int, *, samples: int, seed: int) -> FloatArray:
    """How often each class is drawn in each resample; shape (B, C), rows sum to C."""
    generator = np.random.default_rng(seed)
    if not classes:
        return np.zeros((samples, 0))
    return generator.multinomial(classes, np.full(classes, 1 / classes), size=samples).astype(np.float64)


def _class_sums(values_N: FloatArray, class_index_N: NDArray[np.intp], classes: int) -> FloatArray:
    return np.bincount(class_index_N, weights=values_N, minlength=classes)

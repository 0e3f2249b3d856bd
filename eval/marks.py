"""Metrics of a tally that was read back, as the tally itself has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from eval.intervals import SAMPLES, ClassBootstrap, class_bootstrap
from eval.summary import estimates
from eval.table import FloatArray
from eval.tally import TalliedItem
from eval.tally.summary import mark_ratios


def tallied_estimates(
    items: Sequence[TalliedItem], *, names: Iterable[str] | None = None, samples: int = SAMPLES, seed: int = 0
) -> tuple[dict[str, float | None], dict[str, FloatArray], ClassBootstrap]:
    """Values and draws of the accuracy and of each further value (these or all), and the resamples.

    Items without a mark (failures, copies) are in none of them.
    """
    marked = [(item.class_name, item.mark) for item in items if item.mark is not None]
    classes = np.array([class_name for class_name, _ in marked], dtype=np.str_)
    resamples = class_bootstrap(classes, samples=samples, seed=seed)
    return (*estimates(mark_ratios([mark for _, mark in marked], names), resamples), resamples)

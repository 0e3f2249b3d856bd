"""Is a taxon that is named with confidence c right in a share c of the cases?

- ECE, expected calibration error: Σ_b n_b / M · |mean confidence_b − accuracy_b| over bins of equal width, each open
  below and closed above, the first one closed (Naeini et al. 2015; Guo et al. 2017). Depends on the bins, and falls
  with few. torchmetrics and fd-shifts close bins below: another number where votes, k/N, fall on the edges.
- Brier score: mean (c − 1[right])² (Brier 1950); rewards being sure as well as being calibrated.

Shape suffixes: M pictures, C classes, K bins, B resamples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eval.table import BoolArray, FloatArray, IntArray

BINS = 10


def bin_of(confidence_M: FloatArray, bins: int = BINS) -> IntArray:
    """The bin of each confidence, from 0."""
    # A share like 3/10 must not fall below its own edge by rounding.
    found: IntArray = np.clip(np.ceil(confidence_M * bins - 1e-9).astype(np.int64) - 1, 0, bins - 1)
    return found


def bin_closed_below(confidence_M: FloatArray, bins: int = BINS) -> IntArray:
    """The same where a bin holds its lower edge and the last one both."""
    found: IntArray = np.clip(np.floor(confidence_M * bins + 1e-9).astype(np.int64), 0, bins - 1)
    return found


def expected_calibration_error(counts_K: FloatArray, gaps_K: FloatArray) -> FloatArray:
    """From each bin's pictures and sum of (confidence − right); any leading axes; NaN without pictures."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error: FloatArray = np.abs(gaps_K).sum(-1) / counts_K.sum(-1)
    return error


def reliability_points(confidence_M: FloatArray, right_M: BoolArray, bins: int = BINS) -> list[dict[str, Any]]:
    """Every bin, the empty ones too; their counts add up to the pictures."""
    index = bin_of(confidence_M, bins)
    n, sure, right = (
        np.bincount(index, weights=w, minlength=bins) for w in (np.ones(len(index)), confidence_M, right_M)
    )
    return [
        {
            "above": k / bins,
            "to": (k + 1) / bins,
            "n": int(n[k]),
            "confidence": float(sure[k] / n[k]) if n[k] else None,
            "accuracy": float(right[k] / n[k]) if n[k] else None,
        }
        for k in range(bins)
    ]

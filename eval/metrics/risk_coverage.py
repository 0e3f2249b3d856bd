"""Risk against coverage, and the area under it (El-Yaniv & Wiener 2010; Geifman, Uziel & El-Yaniv 2019).

With the pictures ordered by confidence, the risk at coverage i/M is the share of mistakes among the first i, and
AURC = 1/M Σ_i risk_i: low where the mistakes are the answers least trusted. 0 is without mistakes; a confidence that
knows nothing gives the error rate.

Answers from N samples have N + 1 confidences at most, and an order within equal ones would be luck: there the
mistakes are spread evenly, which is the mean over all orders. Where no two are equal this is the published sum.

Two other conventions: fd-shifts (Jaeger et al. 2023) takes trapezoids between the distinct confidences, the risk being
level below the first (`trapezoid_aurc`; they print it times 1000). AUGRC (Traub et al. 2024) has in place of the risk
the mistakes among all pictures, so that the surest few weigh no more than others: trapezoids again, from (0, 0).

Shape suffixes: M pictures, K distinct confidences from high to low, B resamples.
"""

from __future__ import annotations

import numpy as np

from eval.metrics.hierarchical_risk import area_under_risk
from eval.table import BoolArray, FloatArray, IntArray


def confidence_groups(confidence_M: FloatArray) -> tuple[FloatArray, IntArray]:
    """The distinct confidences, highest first, and which of them each picture has."""
    found, index = np.unique(-confidence_M, return_inverse=True)
    return -found, index


def aurc(counts_K: FloatArray, errors_K: FloatArray) -> FloatArray:
    """The area, from how many pictures and mistakes there are at each confidence, the highest first.

    Takes any leading axes, of resamples say; 0/0 is NaN.
    """
    total_K, wrong_K = np.cumsum(counts_K, -1), np.cumsum(errors_K, -1)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(total_K.max(initial=0)) + 1))])
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(counts_K > 0, errors_K / counts_K, 0.0)
        before, wrong_before = total_K - counts_K, wrong_K - errors_K
        # Σ_i (wrong_before + i · rate) / (before + i) over the i pictures of one confidence.
        steps = harmonic[total_K.astype(np.int64)] - harmonic[before.astype(np.int64)]
        area: FloatArray = (rate * counts_K + (wrong_before - rate * before) * steps).sum(-1) / counts_K.sum(-1)
    return area


def trapezoid_aurc(counts_K: FloatArray, errors_K: FloatArray) -> float:
    """As fd-shifts has it, in [0, 1]; every confidence has a picture."""
    coverage_K, risk_K = np.cumsum(counts_K) / counts_K.sum(), np.cumsum(errors_K) / np.cumsum(counts_K)
    return float(np.trapezoid(np.r_[risk_K[0], risk_K], np.r_[0.0, coverage_K]))


def augrc(counts_K: FloatArray, errors_K: FloatArray) -> FloatArray:
    """From the same as `aurc`; any leading axes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        total = counts_K.sum(-1, keepdims=True)
        return area_under_risk(np.cumsum(counts_K, -1) / total, np.cumsum(errors_K, -1) / total)


def risk_coverage_points(confidence_M: FloatArray, error_M: BoolArray) -> list[dict[str, float]]:
    """The curve at each distinct confidence: pictures at least so sure, and how many of them are mistakes."""
    levels, index = confidence_groups(confidence_M)
    counts, errors = (np.bincount(index, weights=w, minlength=len(levels)) for w in (np.ones(len(index)), error_M))
    covered, wrong = np.cumsum(counts), np.cumsum(errors)
    return [
        {"confidence": float(c), "pictures": int(n), "coverage": float(n / len(index)), "risk": float(e / n)}
        for c, n, e in zip(levels, covered, wrong, strict=True)
    ]

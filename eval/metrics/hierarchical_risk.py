"""Area under risk against hierarchical coverage.

After Goren, Galil & El-Yaniv 2024, "Hierarchical selective classification".

A threshold makes every picture say the deepest taxon it can vouch for; saying nothing is saying the root. Its
coverage is the mean of 1 − log2 L(v) / log2 L(root), its risk the share of pictures that say something wrong (the
root never is). hAURC is the area by trapezoids, from (0, 0) to the coverage of the most lenient threshold.

The authors' code starts at the strictest threshold's own point, so that nothing lies before it: `from_origin=False`.

A model whose answers are all coarse reaches little coverage and so has a small area: read it with the coverage
reached, or read `mean_risk`, the area divided by that.
"""

from __future__ import annotations

import numpy as np

from eval.table import FloatArray


def area_under_risk(coverage_T: FloatArray, risk_T: FloatArray, *, from_origin: bool = True) -> FloatArray:
    """By trapezoids along the last axis, strictest threshold first; any leading axes."""
    coverage, risk = coverage_T, risk_T
    if from_origin:
        coverage, risk = (np.concatenate([np.zeros((*x.shape[:-1], 1)), x], -1) for x in (coverage, risk))
    area: FloatArray = (np.diff(coverage, axis=-1) * (risk[..., 1:] + risk[..., :-1]) / 2).sum(-1)
    return area

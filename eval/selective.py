"""What can be had by saying less: curves, areas and calibration of pictures with several sampled answers.

Shape suffixes: M pictures, T thresholds, K groups of equal confidence or bins, B resamples.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.describe import Entry, describe, describe_ratio, differs
from eval.intervals import SAMPLES, ClassBootstrap, class_bootstrap
from eval.metrics.hierarchical_risk import area_under_risk
from eval.metrics.information import coverage
from eval.metrics.ratio import mean, share
from eval.metrics.reliability import BINS, bin_closed_below, bin_of, expected_calibration_error, reliability_points
from eval.metrics.risk_coverage import augrc, aurc, confidence_groups, risk_coverage_points, trapezoid_aurc
from eval.metrics.tree import ancestors_at_levels, level_names
from eval.sampled import Sampled, on_path
from eval.table import NO_NODE, BoolArray, FloatArray, IntArray
from rlfg.taxonomy import Taxonomy

Record = dict[str, Any]


def selective_summary(found: Sampled, taxonomy: Taxonomy, *, samples: int = SAMPLES, seed: int = 0) -> Record:
    """The section "selective" of `metrics.json`.

    Returns:
        `pictures` (with the ids of those left out for a truth that is no taxon), `answers_per_picture`, `aurc`,
        `aurc_exact`, `augrc`, `risk_coverage`, `haurc`, `accuracy_specificity` (one entry a threshold) and
        `calibration` (one a level). A picture is right where its taxon is the truth, above it or below it; for
        `aurc_exact`, not above. For these a picture that names nothing is a mistake of confidence 0, since at full
        coverage it must be answered.
    """
    resamples = class_bootstrap(found.class_M, samples=samples, seed=seed)
    answers = found.answers_M
    return {
        "pictures": len(found.ids),
        "without_truth": list(found.without_truth),
        "answers_per_picture": {"min": int(answers.min()), "max": int(answers.max())} if len(answers) else None,
        **_flat(found, taxonomy, resamples),
        "haurc": _hierarchical(found, taxonomy, resamples),
        "accuracy_specificity": _thresholds(found, taxonomy, resamples),
        "calibration": _calibration(found, taxonomy, resamples),
    }


def picture_records(found: Sampled, taxonomy: Taxonomy) -> list[Record]:
    """What stands behind the section, a picture a line: `pictures.jsonl`."""
    right = on_path(taxonomy, found.top_M, found.truth_M)
    names = level_names(taxonomy)
    truths = ancestors_at_levels(taxonomy, found.truth_M).tolist()
    nodes, sure = found.level_node_ML.tolist(), found.level_confidence_ML.tolist()
    return [
        {
            "id": id_,
            "answers": int(found.answers_M[row]),
            "node": _node(found.top_M[row]),
            "taxon": _taxon(taxonomy, found.top_M[row]),
            "confidence": float(found.confidence_M[row]),
            "right": bool(right[row]),
            "said": {f"{t:.6g}": _node(found.said_MT[row, k]) for k, t in enumerate(found.thresholds)},
            "levels": {
                name: {"node": nodes[row][k], "confidence": sure[row][k], "right": nodes[row][k] == truths[row][k]}
                for k, name in enumerate(names)
                if nodes[row][k] != NO_NODE and truths[row][k] != NO_NODE
            },
        }
        for row, id_ in enumerate(found.ids)
    ]


def _flat(found: Sampled, taxonomy: Taxonomy, resamples: ClassBootstrap) -> Record:
    off_path_M = ~on_path(taxonomy, found.top_M, found.truth_M)
    too_coarse_M = found.top_M < found.truth_M  # what stands above has the lower number
    return {
        "aurc": _aurc(found, off_path_M, resamples),
        "aurc_exact": _aurc(found, off_path_M | too_coarse_M, resamples),
        "augrc": _augrc(found, off_path_M, resamples),
        "risk_coverage": risk_coverage_points(found.confidence_M, off_path_M),
    }


def _aurc(found: Sampled, wrong_M: BoolArray, resamples: ClassBootstrap) -> Entry:
    """With `trapezoid`, the area as fd-shifts has it."""
    (counts, errors), draws = _by_confidence(found, wrong_M, resamples)
    if not len(wrong_M):
        return {**describe(None, 0, None), "trapezoid": None}
    entry = describe(float(aurc(counts, errors)), len(wrong_M), resamples.interval(aurc(*draws)))
    return {**entry, "trapezoid": trapezoid_aurc(counts, errors)}


def _augrc(found: Sampled, wrong_M: BoolArray, resamples: ClassBootstrap) -> Entry:
    (counts, errors), draws = _by_confidence(found, wrong_M, resamples)
    value = float(augrc(counts, errors)) if len(wrong_M) else None
    return describe(value, len(wrong_M), resamples.interval(augrc(*draws)))


def _by_confidence(
    found: Sampled, wrong_M: BoolArray, resamples: ClassBootstrap
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Pictures and mistakes at each confidence, (K,), and in each resample, (B, K)."""
    levels, index = confidence_groups(found.confidence_M)
    columns = np.ones(len(index)), wrong_M.astype(np.float64)
    return _sums(index, len(levels), *columns), [resamples.sums_by(w, index, len(levels)) for w in columns]


def _hierarchical(found: Sampled, taxonomy: Taxonomy, resamples: ClassBootstrap) -> Record:
    pictures, thresholds = found.said_MT.shape
    if not pictures:
        return {**describe(None, 0, None), "coverage_reached": None, "mean_risk": None}
    everyone = np.ones(pictures, dtype=np.bool_)
    covered = coverage(taxonomy, found.said_MT.reshape(-1)).reshape(pictures, thresholds)
    wrong = _wrong(found, taxonomy).astype(np.float64)
    draws = area_under_risk(
        *(np.stack([resamples.draws(mean(x[:, k], everyone)) for k in range(thresholds)], -1) for x in (covered, wrong))
    )
    area, reached = float(area_under_risk(covered.mean(0), wrong.mean(0))), float(covered.mean(0)[-1])
    published = float(area_under_risk(covered.mean(0), wrong.mean(0), from_origin=False))
    return {
        **describe(area, pictures, resamples.interval(draws)),
        **({"published": published} if differs(published, area) else {}),
        "coverage_reached": reached,
        "mean_risk": area / reached if reached else None,
    }


def _thresholds(found: Sampled, taxonomy: Taxonomy, resamples: ClassBootstrap) -> list[Record]:
    said = found.said_MT != NO_NODE
    right = said & ~_wrong(found, taxonomy)
    depth = taxonomy.depth[np.where(said, found.said_MT, 0)] / np.maximum(taxonomy.depth[found.truth_M], 1)[:, None]
    everyone = np.ones(len(found.ids), dtype=np.bool_)
    return [
        {
            "threshold": threshold,
            "answered": describe_ratio(share(said[:, k], everyone), resamples),
            "accuracy": describe_ratio(share(right[:, k], said[:, k]), resamples),
            "specificity": describe_ratio(mean(np.minimum(depth[:, k], 1.0), right[:, k]), resamples),
        }
        for k, threshold in enumerate(found.thresholds)
    ]


def _calibration(found: Sampled, taxonomy: Taxonomy, resamples: ClassBootstrap) -> dict[str, Record]:
    truths = ancestors_at_levels(taxonomy, found.truth_M)
    return {
        name: _level(
            found.level_confidence_ML[:, level],
            found.level_node_ML[:, level] == truths[:, level],
            (found.level_node_ML[:, level] != NO_NODE) & (truths[:, level] != NO_NODE),
            resamples,
        )
        for level, name in enumerate(level_names(taxonomy))
    }


def _level(confidence: FloatArray, right: BoolArray, among: BoolArray, resamples: ClassBootstrap) -> Record:
    """One rank: over the pictures whose most supported path reaches it and whose truth has it."""
    rows = np.flatnonzero(among)
    c, r = confidence[rows], right[rows]
    here = ClassBootstrap(class_index_N=resamples.class_index_N[rows], weights_BC=resamples.weights_BC)
    index, gaps = bin_of(c), c - r
    counts_K, gaps_K = _sums(index, BINS, np.ones(len(c)), gaps)
    draws = expected_calibration_error(*(here.sums_by(w, index, BINS) for w in (np.ones(len(c)), gaps)))
    value = float(expected_calibration_error(counts_K, gaps_K)) if len(c) else None
    below = float(expected_calibration_error(*_sums(bin_closed_below(c), BINS, np.ones(len(c)), gaps)))
    return {
        "ece": {**describe(value, len(c), resamples.interval(draws)), "closed_below": below if len(c) else None},
        "brier": describe_ratio(mean((confidence - right) ** 2, among), resamples),
        "bins": reliability_points(c, r),
    }


def _sums(index: IntArray, groups: int, *columns: NDArray[Any]) -> list[FloatArray]:
    """The sum of each column over each group."""
    return [np.bincount(index, weights=w, minlength=groups).astype(np.float64) for w in columns]


def _wrong(found: Sampled, taxonomy: Taxonomy) -> BoolArray:
    """Says something that is not on the truth's path, (M, T)."""
    wrong: BoolArray = (found.said_MT != NO_NODE) & ~on_path(taxonomy, found.said_MT, found.truth_M[:, None])
    return wrong


def _node(node: int) -> int | None:
    return None if node == NO_NODE else int(node)


def _taxon(taxonomy: Taxonomy, node: int) -> str | None:
    return None if node == NO_NODE else taxonomy.describe(int(node))

"""Correctness, specificity and their harmonic mean, from the relations (after SpeciaRL, arXiv 2603.03197)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eval.metrics.ratio import Ratio, mean, share
from eval.table import FloatArray, Table
from rewards.graded import NOMINAL_SPECIFICITY
from rlfg.types import VERDICT_LABELS, Relation


def count_labels(table: Table) -> dict[str, int]:
    """How often each verdict was given; every label is a key and the counts add up to the answers."""
    counts = np.bincount(table.label_N, minlength=len(VERDICT_LABELS))
    return {label: int(count) for label, count in zip(VERDICT_LABELS, counts, strict=True)}


def relation_ratios(table: Table) -> dict[str, Ratio]:
    """The metrics that need verdicts only.

    - correctness: share of the decided answers that are GENERIC or better. ABSTAIN, WRONG and UNPARSED
      count against; NO_VERDICT is in neither number.
    - specificity: mean over the correct answers of depth(answer) / depth(truth) along the truth's path.
    - specific_share, wrong_share: SPECIFIC or MORE_SPECIFIC, and WRONG, among the decided answers.
    """
    decided = table.decided_N
    return {
        "correctness": share(table.correct_N, decided),
        "specificity": mean(table.specificity_N, table.correct_N),
        "specific_share": share(table.has("SPECIFIC", "MORE_SPECIFIC"), decided),
        "wrong_share": share(table.has("WRONG"), decided),
    }


def by_label(table: Table) -> Table:
    """The same answers, each as specific as its label says (1, 1, .75, .5), whatever its depth."""
    nominal = [NOMINAL_SPECIFICITY.get(Relation(x), np.nan) if x in set(Relation) else np.nan for x in VERDICT_LABELS]
    return replace(table, specificity_N=np.array(nominal)[table.label_N])


def harmonic_mean(correctness: FloatArray, specificity: FloatArray) -> FloatArray:
    """2cs / (c + s), elementwise; NaN stays NaN where nothing was decided.

    0 where correctness is 0, although specificity is then undefined: the limit is 0 for any specificity.
    """
    specificity = np.where(correctness == 0, 0.0, specificity)
    total = correctness + specificity
    with np.errstate(invalid="ignore"):
        return np.where(total == 0, 0.0, 2 * correctness * specificity / np.where(total == 0, 1.0, total))

"""What stands behind "Saying less": of each picture with several answers, how sure they are, and if they are right.

Shape suffixes: M pictures, T thresholds, L levels (as in `eval.sampled`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from eval.metrics.reliability import bin_of
from eval.metrics.tree import ancestors_at_levels, level_names
from eval.sampled import Sampled, on_path
from eval.table import NO_NODE
from rlfg.taxonomy import Taxonomy

DIGITS = 6
"""Of confidences, on the page and in its links."""
NOT_COUNTED = -1


def agreement(
    found: Sampled, taxonomy: Taxonomy, place: Mapping[str, int], text: Callable[[str], int]
) -> dict[str, Any]:
    """Columns for the page, a row a picture.

    Args:
        found: of a run.
        taxonomy: of the run.
        place: of each picture in the gallery, by id.
        text: the number of a text.

    Returns:
        `picture`; `sure`, the confidence of its most supported path; `said`, the number of a text with a letter for
        each threshold: "r" right, "w" wrong, "-" nothing said; `bins`, by level, the bin of its confidence there, or
        `NOT_COUNTED`; `thresholds`, as links name them.
    """
    right_MT = on_path(taxonomy, found.said_MT, found.truth_M[:, None])
    letters = np.where(found.said_MT == NO_NODE, "-", np.where(right_MT, "r", "w"))
    truths_ML = ancestors_at_levels(taxonomy, found.truth_M)
    among_ML = (found.level_node_ML != NO_NODE) & (truths_ML != NO_NODE)
    bins_ML = np.where(among_ML, bin_of(found.level_confidence_ML), NOT_COUNTED)
    return {
        "picture": [place[id_] for id_ in found.ids],
        "sure": [round(value, DIGITS) for value in found.confidence_M.tolist()],
        "said": [text("".join(row)) for row in letters.tolist()],
        "thresholds": [threshold_name(threshold) for threshold in found.thresholds],
        "bins": {name: bins_ML[:, level].tolist() for level, name in enumerate(level_names(taxonomy))},
    }


def threshold_name(threshold: float) -> str:
    """A share as links have it."""
    return f"{threshold:.{DIGITS}g}"

"""How answers and truths resolved, and what the unresolved answers could change: counts that add up, and bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval.metrics import harmonic_mean
from eval.score import ScoredItem
from eval.table import build_table
from rlfg.taxonomy import STATUSES
from rlfg.types import UNPARSED, Verdict

JUDGED_OTHERWISE = "no status"
"""Row of the answers that no taxonomy resolved: those of another judge, or of files without statuses."""
NOT_TAXA = ("unresolved", "several", "abstain")
"""Statuses of a truth that is no taxon."""
_SHOWN = ("correctness", "specificity", "hm")


def resolution_summary(items: Sequence[ScoredItem]) -> dict[str, Any]:
    """Statuses, truths, help from the truth, and bounds.

    Returns:
        `statuses` of the answers and `truths` ("resolved", "ambiguous", "unresolved", "no status"), each of which adds
        up to the answers; `truth_assisted` verdicts; `bounds` with the unresolved answers all wrong (as the policy
        has it), left out, and all SPECIFIC.
    """
    answered = [item for item in items if item.error is None]
    statuses = Counter(UNPARSED if i.verdict.unparsed else i.verdict.status or JUDGED_OTHERWISE for i in answered)
    truths = Counter(row_of_truth(item.verdict.truth_status) for item in answered)
    return {
        "statuses": {
            status: statuses[status] for status in (*STATUSES, UNPARSED, JUDGED_OTHERWISE) if statuses[status]
        },
        "truths": {
            row: truths[row] for row in ("resolved", "ambiguous", "unresolved", JUDGED_OTHERWISE) if truths[row]
        },
        "truth_assisted": sum(item.verdict.truth_assisted for item in answered),
        "bounds": _bounds(answered),
    }


def resolution_lines(resolution: Mapping[str, Any]) -> list[str]:
    """The same for a person to read."""
    lines = ["answers resolved  " + "  ".join(f"{status} {n}" for status, n in resolution["statuses"].items())]
    truths = "  ".join(f"{row} {n}" for row, n in resolution["truths"].items())
    lines.append(f"truths  {truths}; truth-assisted verdicts {resolution['truth_assisted']}")
    for name, scores in resolution["bounds"].items():
        shown = "  ".join(f"{k} {'undefined' if scores[k] is None else format(scores[k], '.3f')}" for k in _SHOWN)
        lines.append(f"{name.replace('_', ' '):<20}{shown}  of {scores['of']}")
    return lines


def row_of_truth(status: str | None) -> str:
    """The row of a truth with this status."""
    if status is None:
        return JUDGED_OTHERWISE
    return "unresolved" if status in NOT_TAXA else "ambiguous" if status == "ambiguous" else "resolved"


def _bounds(items: Sequence[ScoredItem]) -> dict[str, dict[str, float | int | None]]:
    table = build_table(items)
    decided, correct = int(table.decided_N.sum()), int(table.correct_N.sum())
    depth = float(table.specificity_N[table.correct_N].sum())
    unresolved = sum(is_wrong_for_want_of_a_name(item.verdict) for item in items)
    return {
        "unresolved_wrong": _scores(correct, decided, depth),
        "unresolved_left_out": _scores(correct, decided - unresolved, depth),
        "unresolved_specific": _scores(correct + unresolved, decided, depth + unresolved),
    }


def is_wrong_for_want_of_a_name(verdict: Verdict) -> bool:
    """A judge's verdict of an unresolved answer is of what it means, and in no doubt."""
    return verdict.status == "unresolved" and verdict.relation is not None and verdict.source == "taxonomy"


def _scores(correct: int, of: int, depth: float) -> dict[str, float | int | None]:
    correctness = correct / of if of else None
    specificity = depth / correct if correct else None
    both = np.array([np.nan if value is None else value for value in (correctness, specificity)])
    hm = float(harmonic_mean(both[:1], both[1:])[0])
    return {"correctness": correctness, "specificity": specificity, "hm": None if np.isnan(hm) else hm, "of": of}

"""The resolution audit: how answers became taxa, by verdict, with bounds on what the unresolved ones could change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.report.headline import number
from eval.report.links import link
from eval.resolution import JUDGED_OTHERWISE
from eval.score import ScoredItem
from rlfg.taxonomy import STATUSES
from rlfg.types import UNPARSED, VERDICT_LABELS

MEANINGS = {
    "exact": "the name of a taxon",
    "synonym": "another scientific name",
    "vernacular": "a common name",
    "fuzzy": "a name with a typing error",
    "ambiguous": "a name of several taxa",
    "parsed": "a name within a phrase",
    "several": "more than one option",
    "abstain": "declined to name it",
    "unresolved": "no name that the taxonomy knows",
    UNPARSED: "no readable answer",
    JUDGED_OTHERWISE: "not read by a taxonomy",
}
Cell = tuple[int, str]
"""A count and the link to its answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusRow:
    """The answers with one status."""

    status: str
    meaning: str
    total: Cell
    verdicts: tuple[Cell, ...]
    """By the labels of the audit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """One run."""

    run: str
    labels: tuple[str, ...]
    """The verdicts that occur."""
    rows: tuple[StatusRow, ...]
    totals: tuple[Cell, ...]
    """Of each label, over the rows."""
    answers: int
    truths: Mapping[str, int]
    truth_assisted: int
    bounds: tuple[tuple[str, tuple[str, ...], int], ...]
    """(what becomes of the unresolved answers, correctness, specificity and HM, of how many)."""


def status_of(item: ScoredItem) -> str:
    """The row of an answer that did not fail."""
    return UNPARSED if item.verdict.unparsed else item.verdict.status or JUDGED_OTHERWISE


def audit(run: str, items: Sequence[ScoredItem], resolution: Mapping[str, Any]) -> Audit:
    """Count them; `resolution` is what `resolution_summary` gives."""
    answered = [item for item in items if item.error is None]
    counts = Counter((status_of(item), item.label) for item in answered)
    labels = tuple(label for label in VERDICT_LABELS if any(key[1] == label for key in counts))
    statuses = [s for s in (*STATUSES, UNPARSED, JUDGED_OTHERWISE) if any(key[0] == s for key in counts)]
    rows = tuple(_row(run, status, counts, labels) for status in statuses)
    return Audit(
        run=run,
        labels=labels,
        rows=rows,
        totals=tuple(
            (sum(row.verdicts[place][0] for row in rows), link(run=run, verdict=label))
            for place, label in enumerate(labels)
        ),
        answers=len(answered),
        truths=resolution["truths"],
        truth_assisted=resolution["truth_assisted"],
        bounds=tuple(
            (name.removeprefix("unresolved_").replace("_", " "),
             tuple(number(scores[key]) for key in ("correctness", "specificity", "hm")), scores["of"])
            for name, scores in resolution["bounds"].items()
        ),
    )  # fmt: skip


def _row(run: str, status: str, counts: Mapping[tuple[str, str], int], labels: Sequence[str]) -> StatusRow:
    cells = tuple((counts[status, label], link(run=run, status=status, verdict=label)) for label in labels)
    total = sum(count for count, _ in cells)
    return StatusRow(
        status=status, meaning=MEANINGS.get(status, ""), total=(total, link(run=run, status=status)), verdicts=cells
    )

"""The resolution audit: how answers became taxa, by verdict, with bounds on what the unresolved ones could change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.report.headline import number
from eval.report.links import link
from eval.resolution import JUDGED_OTHERWISE, is_wrong_for_want_of_a_name, row_of_truth
from eval.score import ScoredItem
from eval.table import CORRECT_LABELS, DECIDED_LABELS
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
class Bound:
    """The headline, whatever becomes of the unresolved answers."""

    name: str
    scores: tuple[tuple[str, str], ...]
    """Correctness, specificity and HM, each with the link to its answers."""
    of: Cell


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
    truths: tuple[tuple[str, Cell], ...]
    """How they resolved."""
    truth_assisted: Cell
    unresolved: Cell
    """Answers that are wrong for want of a name: what the bounds are about."""
    bounds: tuple[Bound, ...]


def truth_row(item: ScoredItem) -> str:
    """The row of an answer's truth."""
    return row_of_truth(item.verdict.truth_status)


def is_nameless(item: ScoredItem) -> bool:
    """Whether an answer is wrong for want of a name that the taxonomy knows."""
    return item.error is None and is_wrong_for_want_of_a_name(item.verdict)


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
        truths=tuple((row, (n, link(run=run, truths=row))) for row, n in resolution["truths"].items()),
        truth_assisted=(resolution["truth_assisted"], link(run=run, assisted=1)),
        unresolved=(sum(map(is_nameless, answered)), link(run=run, nameless="only")),
        bounds=tuple(_bound(run, name, scores) for name, scores in resolution["bounds"].items()),
    )


def _bound(run: str, name: str, scores: Mapping[str, Any]) -> Bound:
    """Its links; left out and taken as right are said of the nameless answers beside the verdicts."""
    left_out = {"nameless": "without"} if name == "unresolved_left_out" else {}
    right = link(run=run, verdict=CORRECT_LABELS, **({"nameless": "too"} if name == "unresolved_specific" else {}))
    everything = link(run=run, verdict=DECIDED_LABELS, **left_out)
    return Bound(
        name=name.removeprefix("unresolved_").replace("_", " "),
        scores=tuple(
            (number(scores[key]), href)
            for key, href in (("correctness", right), ("specificity", right), ("hm", everything))
        ),
        of=(scores["of"], everything),
    )


def _row(run: str, status: str, counts: Mapping[tuple[str, str], int], labels: Sequence[str]) -> StatusRow:
    cells = tuple((counts[status, label], link(run=run, status=status, verdict=label)) for label in labels)
    total = sum(count for count, _ in cells)
    return StatusRow(
        status=status, meaning=MEANINGS.get(status, ""), total=(total, link(run=run, status=status)), verdicts=cells
    )

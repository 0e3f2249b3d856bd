"""Closed questions: choices, rankings, ranks, pairs and counts, as `rlfg tally` marked them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from eval.report.bars import Bar, Segment, bar_chart
from eval.report.headline import interval, number
from eval.report.links import link
from eval.report.palette import css_class
from eval.tally import TalliedItem

KINDS = {
    "choice": "Multiple choice",
    "rank": "Labels ranked by their probability",
    "per_rank": "One question a rank",
    "pairs": "Same or different",
    "count": "Count of three",
}
OUTCOME_MEANINGS = {
    "right": "the answer that was asked for",
    "wrong": "another answer, as it was asked for",
    "unreadable": "none of the answers asked for, or several",
    "empty": "no answer",
    "no_truth": "the truth has no taxon there; in no metric",
}
LINES = (
    ("questions", "questions", tuple(map(str.upper, OUTCOME_MEANINGS))),
    ("failed lines", "failed", ("FAILED",)),
    ("copies of earlier lines", "duplicates", ("COPY",)),
)
"""What it is called, its key in `metrics.json`, and its labels on the page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedRun:
    """A folder of `rlfg tally`."""

    items: Sequence[TalliedItem]
    metrics: Mapping[str, Any]
    """Its `metrics.json`."""
    thoughts: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """What the model wrote before an answer, by id and place of the question."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedCell:
    """A metric of a run; None is shown where it has none."""

    value: str
    interval: str
    of: int
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedTable:
    """All questions of a protocol, or those of a group."""

    group: str
    """"" for all."""
    bars: Markup
    rows: tuple[tuple[str, tuple[ClosedCell | None, ...]], ...]
    """A metric a row, a run a cell."""
    chances: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]
    """Questions, failed lines and copies: how many of each run, with the link to them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedPanel:
    """One protocol."""

    title: str
    runs: tuple[str, ...]
    legend: tuple[tuple[str, str, str], ...]
    """(outcome, CSS class, meaning), of those that occur."""
    tables: tuple[ClosedTable, ...]


def closed_panels(runs: Mapping[str, ClosedRun]) -> list[ClosedPanel]:
    """A panel for each protocol, in order of appearance."""
    protocols = dict.fromkeys(run.metrics["protocol"] for run in runs.values())
    return [_panel(p, {name: run for name, run in runs.items() if run.metrics["protocol"] == p}) for p in protocols]


def _panel(protocol: str, runs: Mapping[str, ClosedRun]) -> ClosedPanel:
    groups = dict.fromkeys(name for run in runs.values() for name in run.metrics.get("groups", {}))
    tables = [_table("", {name: run.metrics for name, run in runs.items()})]
    for group in groups:
        of_runs = {name: run.metrics.get("groups", {}).get(group) for name, run in runs.items()}
        tables.append(_table(group, of_runs))
    met = {outcome for run in runs.values() for outcome, n in run.metrics["counts"].items() if n}
    return ClosedPanel(
        title=KINDS.get(protocol, protocol),
        runs=tuple(runs),
        legend=tuple((one, css_class(one), words) for one, words in OUTCOME_MEANINGS.items() if one in met),
        tables=tuple(tables),
    )


def _table(group: str, metrics: Mapping[str, Mapping[str, Any] | None]) -> ClosedTable:
    """None stands for a run that has nothing in the group."""
    within = {"group": group} if group else {}
    known = {run: record for run, record in metrics.items() if record is not None}
    names = dict.fromkeys(name for record in known.values() for name in record["denominators"])
    bars = [_bar(run, record["counts"], within) for run, record in known.items()]
    return ClosedTable(
        group=group,
        bars=bar_chart(bars, label=f"Share of each outcome by model{', ' if group else ''}{group}"),
        rows=tuple((n, tuple(_cell(run, n, record, within) for run, record in metrics.items())) for n in names),
        chances=tuple(number(r["chance"]) if r and r["chance"] is not None else "" for r in metrics.values()),
        lines=tuple(
            (words, tuple(_count(run, record, key, verdicts, within) for run, record in metrics.items()))
            for words, key, verdicts in LINES
            if any(record[key] for record in known.values())
        ),
    )


def _count(
    run: str, record: Mapping[str, Any] | None, key: str, verdicts: Sequence[str], within: Mapping[str, str]
) -> tuple[int, str]:
    return 0 if record is None else record[key], link(run=run, verdict=verdicts, **within)


def _bar(run: str, counts: Mapping[str, int], within: Mapping[str, str]) -> Bar:
    return Bar(
        name=run,
        segments=tuple(
            Segment(
                name=outcome.replace("_", " "),
                count=counts[outcome],
                css=css_class(outcome),
                href=link(run=run, verdict=outcome.upper(), **within),
            )
            for outcome in OUTCOME_MEANINGS
        ),
    )


def _cell(run: str, name: str, record: Mapping[str, Any] | None, within: Mapping[str, str]) -> ClosedCell | None:
    if record is None or name not in record["denominators"]:
        return None
    ci = record["ci"].get(name)
    href = link(run=run, verdict="RIGHT", **within) if name == "accuracy" else link(run=run, score=name, **within)
    return ClosedCell(
        value=number(record[name]),
        interval=interval(ci),
        of=record["denominators"][name],
        href=href,
    )

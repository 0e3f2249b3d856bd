"""The numbers of a report: every run in every group, each with its interval drawn beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from eval.compare import Difference, differences
from eval.pairing import pair_runs
from eval.report import svg
from eval.score import ScoredItem
from eval.table import CORRECT_LABELS, DECIDED_LABELS
from rlfg.errors import RlfgError

Summaries = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Group → run → what `summarise` gives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A metric as the tables show it."""

    key: str
    name: str
    meaning: str
    more_is_better: bool = True
    verdicts: tuple[str, ...]
    """Of the answers that it leads to: those in the numerator, or all that it is about."""


COLUMNS = (
    Column(key="hm", name="HM", meaning="harmonic mean of correctness and specificity", verdicts=DECIDED_LABELS),
    Column(
        key="correctness",
        name="Correctness",
        meaning="share of answers that are true of the picture",
        verdicts=CORRECT_LABELS,
    ),
    Column(
        key="specificity",
        name="Specificity",
        meaning="how far down the tree the true answers go",
        verdicts=CORRECT_LABELS,
    ),
    Column(
        key="specific_share",
        name="Exact",
        meaning="share of answers that name the taxon itself",
        verdicts=("SPECIFIC", "MORE_SPECIFIC"),
    ),
    Column(
        key="wrong_share",
        name="Wrong",
        meaning="share of answers that are wrong",
        more_is_better=False,
        verdicts=("WRONG",),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One metric of one run in one group."""

    value: str
    interval: str
    picture: Markup
    best: bool
    """The best of its group, where runs differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One run in one group."""

    run: str
    n: int
    items: int
    classes: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyFigure:
    """A metric of the last run and what changed since the run before."""

    name: str
    meaning: str
    value: str
    change: str
    interval: str
    tone: str
    """"better", "worse" or "even": even where the interval of the change holds 0."""


def headline_rows(summaries: Summaries) -> dict[str, list[Row]]:
    """The table's rows by group."""
    return {group: [_row(run, runs[run], runs) for run in runs] for group, runs in summaries.items()}


def key_figures(
    runs: Mapping[str, Sequence[ScoredItem]], summaries: Mapping[str, Mapping[str, Any]]
) -> list[KeyFigure]:
    """The columns of the last run, with the paired change since the run before where there is one."""
    *_, last = runs
    changes = _changes(list(runs.values()))
    return [_figure(column, summaries[last][column.key], changes.get(column.key)) for column in COLUMNS]


def number(value: float | None) -> str:
    """Three decimals, a dash where undefined."""
    return "–" if value is None else f"{value:.3f}"


def interval(ci: Sequence[float] | None) -> str:
    """As tables have it beside its value; nothing where there is none."""
    return f"{ci[0]:.3f}–{ci[1]:.3f}" if ci else ""


def signed(value: float) -> str:
    """Three decimals with a sign, a true minus."""
    return f"{value:+.3f}".replace("-", "−")


def _changes(runs: Sequence[Sequence[ScoredItem]]) -> dict[str, Difference]:
    """Last run against the one before; nothing where they cannot be paired."""
    if len(runs) < 2:
        return {}
    try:
        return differences(pair_runs(runs[-2], runs[-1]))
    except RlfgError:
        return {}  # Runs over different pictures stand side by side without a paired change.


def _figure(column: Column, value: float | None, change: Difference | None) -> KeyFigure:
    shown, around, tone = "", "", "even"
    if change is not None and change.difference is not None:
        shown = signed(change.difference)
        if change.ci is not None:
            around = f"{signed(change.ci[0])} … {signed(change.ci[1])}"
            if change.ci[0] > 0 or change.ci[1] < 0:
                tone = "better" if (change.difference > 0) == column.more_is_better else "worse"
    return KeyFigure(
        name=column.name, meaning=column.meaning, value=number(value), change=shown, interval=around, tone=tone
    )


def _row(run: str, summary: Mapping[str, Any], runs: Mapping[str, Mapping[str, Any]]) -> Row:
    return Row(
        run=run,
        n=summary["n"],
        items=summary["items"],
        classes=summary["classes"],
        cells=tuple(_cell(column, summary, runs.values()) for column in COLUMNS),
    )


def _cell(column: Column, summary: Mapping[str, Any], rivals: Any) -> Cell:
    value, ci = summary[column.key], summary["ci"].get(column.key)
    known = [rival[column.key] for rival in rivals if rival[column.key] is not None]
    best = (max if column.more_is_better else min)(known, default=None)
    return Cell(
        value=number(value),
        interval=interval(ci),
        picture=_whisker(value, ci),
        best=value is not None and value == best and len(set(known)) > 1,
    )


def _whisker(value: float | None, ci: Sequence[float] | None) -> Markup:
    """A point and its interval on a rule from 0 to 1."""
    scale = svg.Scale(0, 1, 4, 114)
    parts = [svg.element("line", x1=4, x2=114, y1=6, y2=6, class_="rule")]
    if ci:
        parts.append(svg.element("line", x1=scale(ci[0]), x2=scale(ci[1]), y1=6, y2=6, class_="ci"))
    if value is not None:
        parts.append(svg.element("circle", cx=scale(value), cy=6, r=3.2, class_="point"))
    return svg.drawing(*parts, width=118, height=12, label=number(value))

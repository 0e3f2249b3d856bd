"""The report: one HTML file that needs nothing else, from scored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.pairing import answers_by_id
from eval.report.curves import Log, draw_curves, not_drawn
from eval.report.gallery import build_card, choose_examples
from eval.report.headline import COLUMNS, headline_rows, key_figures
from eval.report.mistakes import find_mistakes
from eval.report.mix import mix_chart
from eval.report.one_file import asset, environment
from eval.report.palette import legend
from eval.report.tradeoff import fit_window, tradeoff_chart
from eval.score import ScoredItem
from eval.summary import split_groups, summarise
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy
from rlfg.types import VERDICT_LABELS

Runs = Mapping[str, Sequence[ScoredItem]]
ALL = "all"
"""The group of everything: the headline where no union says otherwise."""


@dataclass(frozen=True, kw_only=True)
class ReportInput:
    """What a report is made from."""

    title: str
    runs: Runs
    """Name → scored items, in the order to show (before … after). The last one is the result."""
    taxonomy: Taxonomy | None = None
    """The tree the runs were scored with; without it there are no lineages and no tree of mistakes."""
    curves: Log | Mapping[str, Log] = ()
    """Logged steps (`read_curves`), of one training or by the name of each stage."""
    examples: Sequence[str] = ()
    """Ids of the pictures to show; empty: a spread over groups and verdicts."""
    unions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Groups to show together as well; the first one is the headline."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Whatever says how the result came about, shown as it is."""

    def __post_init__(self) -> None:
        """Refuse a report about nothing."""
        if not self.runs:
            raise RlfgError("a report needs at least one scored run")
        for name, items in self.runs.items():
            if all(item.error is not None for item in items):
                raise RlfgError(f'run "{name}" has no answers to report on')


def build_report(report: ReportInput) -> str:
    """The page as text; write it to a file with UTF-8."""
    members = _members(report)
    summaries = {group: {run: summarise(items) for run, items in runs.items()} for group, runs in members.items()}
    headline = next((name for name in report.unions if name in members), next(iter(members)))
    window = fit_window(summaries)
    return (
        environment("eval.report")
        .get_template("report.html.j2")
        .render(
            title=report.title,
            style=asset("base.css") + asset("style.css"),
            script=asset("filter.js"),
            runs=list(report.runs),
            groups=list(members),
            headline=headline,
            figures=key_figures(members[headline], summaries[headline]),
            columns=COLUMNS,
            rows=headline_rows(summaries),
            summaries=summaries,
            labels=VERDICT_LABELS,
            legend=_legend(report.runs),
            tradeoffs={group: tradeoff_chart(runs, window, name=group) for group, runs in summaries.items()},
            mixes={
                group: mix_chart({run: s["counts"] for run, s in runs.items()}, name=group)
                for group, runs in summaries.items()
            },
            stages={name: (draw_curves(log), not_drawn(log)) for name, log in _stages(report.curves).items() if log},
            cards=_cards(report),
            several=any(len(items) > len({item.id for item in items}) for items in report.runs.values()),
            mistakes=find_mistakes(report.runs, report.taxonomy) if report.taxonomy is not None else None,
            taxonomy=report.taxonomy,
            provenance=report.provenance,
        )
    )


def _members(report: ReportInput) -> dict[str, dict[str, Sequence[ScoredItem]]]:
    """Group → run → items: all of them (unless unions replace it), then each group, then the unions."""
    split = {run: split_groups(items, unions=report.unions) for run, items in report.runs.items()}
    names = dict.fromkeys(name for groups in split.values() for name in groups)
    union_last = [name for name in names if name not in report.unions] + [n for n in names if n in report.unions]
    members: dict[str, dict[str, Sequence[ScoredItem]]] = {}
    if not report.unions or any(item.group is None for items in report.runs.values() for item in items):
        members[ALL] = dict(report.runs)
    for name in union_last:
        of_runs = {run: groups.get(name, []) for run, groups in split.items()}
        members[name] = {run: items for run, items in of_runs.items() if any(i.error is None for i in items)}
    return {name: runs for name, runs in members.items() if runs}


def _legend(runs: Runs) -> list[dict[str, str]]:
    """The verdicts that occur."""
    present = {item.label for items in runs.values() for item in items}
    return [entry for entry in legend() if entry["label"] in present]


def _cards(report: ReportInput) -> list[Any]:
    by_run = {run: answers_by_id(items) for run, items in report.runs.items()}
    *_, last = by_run.values()
    ids = report.examples or choose_examples(last)
    unknown = [id_ for id_ in ids if not any(id_ in answers for answers in by_run.values())]
    if unknown:
        raise RlfgError(f'the example "{unknown[0]}" is in none of the runs')
    return [build_card(id_, by_run, report.taxonomy) for id_ in ids]


def _stages(curves: Log | Mapping[str, Log]) -> Mapping[str, Log]:
    return curves if isinstance(curves, Mapping) else {"training": curves}

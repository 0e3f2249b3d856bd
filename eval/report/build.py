"""The report: one HTML file that needs nothing else, from scored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.pairing import answers_by_id
from eval.report.audit import audit
from eval.report.cards import Card, Key, card_key, make_cards
from eval.report.closed import ClosedRun, closed_panels
from eval.report.curves import Log, draw_curves, not_drawn
from eval.report.gallery import EMBEDDED, choose_examples, choose_questions, embed_pictures
from eval.report.headline import COLUMNS, headline_rows, key_figures
from eval.report.links import link
from eval.report.measured import Measured, measure_run
from eval.report.mistakes import find_mistakes, partings
from eval.report.mix import mix_chart
from eval.report.numbers import notes, number_sections
from eval.report.one_file import asset, environment
from eval.report.palette import legend
from eval.report.ranks import levels_of, rank_panels
from eval.report.rows import RunFacts, Thoughts, pack_rows
from eval.report.saying_less import saying_less
from eval.report.tradeoff import fit_window, tradeoff_chart
from eval.sampled import has_several
from eval.score import ScoredItem
from eval.summary import split_groups, summarise
from eval.tally import TalliedItem
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy
from rlfg.types import VERDICT_LABELS

Runs = Mapping[str, Sequence[ScoredItem]]
ALL = "all"
"""The group of everything: the headline where no union says otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportInput:
    """What a report is made from."""

    title: str
    runs: Runs
    """Name → scored items, in the order to show (before … after). The last one is the result."""
    closed: Mapping[str, ClosedRun] = field(default_factory=dict)
    """Tallies of closed questions; a page may be about these alone."""
    taxonomy: Taxonomy | None = None
    """The tree the runs were scored with; without it there are no lineages and no tree of mistakes."""
    curves: Log | Mapping[str, Log] = ()
    """Logged steps (`read_curves`), of one training or by the name of each stage."""
    examples: Sequence[str] = ()
    """Ids of the pictures to embed; empty: a spread over groups and verdicts."""
    unions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Groups to show together as well; the first one is the headline."""
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What `rlfg score` wrote of each run to `metrics.json`; what is not there is measured, without encoders."""
    thoughts: Mapping[str, Thoughts] = field(default_factory=dict)
    """What each run's model wrote before its answers."""
    embedded: int = EMBEDDED
    """Pictures that go into the page at most, where no examples are named."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Whatever says how the result came about, shown as it is."""

    def __post_init__(self) -> None:
        """Refuse a report about nothing."""
        if not self.runs and not self.closed:
            raise RlfgError("a report needs at least one scored run")
        if both := self.runs.keys() & self.closed.keys():
            raise RlfgError(f'two runs are called "{min(both)}"')
        for name, items in self.runs.items():
            if all(item.error is not None for item in items):
                raise RlfgError(f'run "{name}" has no answers to report on')


def build_report(report: ReportInput) -> str:
    """The page as text; write it to a file with UTF-8."""
    members = _members(report)
    summaries = {group: {run: summarise(items) for run, items in runs.items()} for group, runs in members.items()}
    headline = next((name for name in report.unions if name in members), next(iter(members), ALL))
    window = fit_window(summaries)
    groups = {name: _groups_of(name, report) for name in members}
    measured = {run: measure_run(items, report.taxonomy, report.metrics.get(run)) for run, items in report.runs.items()}
    metrics = {run: one.metrics for run, one in measured.items()}
    facts = {run: _facts(report, run, one) for run, one in measured.items()}
    tree = report.taxonomy
    return (
        environment("eval.report")
        .get_template("report.html.j2")
        .render(
            title=report.title,
            style=asset("base.css") + asset("style.css") + asset("items.css"),
            script=asset("items.js"),
            link=link,
            runs=list(report.runs),
            judged=_judged(report),
            groups=groups,
            headline=headline,
            figures=key_figures(members[headline], summaries[headline]) if members else [],
            columns=COLUMNS,
            rows=headline_rows(summaries),
            summaries=summaries,
            labels=VERDICT_LABELS,
            legend=_legend(report.runs),
            tradeoffs={
                group: tradeoff_chart(runs, window, name=group, group=groups[group])
                for group, runs in summaries.items()
            },
            mixes={
                group: mix_chart({run: s["counts"] for run, s in runs.items()}, name=group, group=groups[group])
                for group, runs in summaries.items()
            },
            closed=closed_panels(report.closed),
            tallies=list(report.closed),
            less=saying_less(metrics),
            ranks=_ranks(facts, metrics),
            mistakes=None if tree is None or not facts else find_mistakes(_known(facts, "partings"), tree),
            audits=[audit(run, report.runs[run], metrics[run]["resolution"]) for run in reversed(tuple(report.runs))],
            numbers=number_sections(metrics, {run: of_run.scores for run, of_run in facts.items()}),
            notes=notes(metrics),
            stages={name: (draw_curves(log), not_drawn(log)) for name, log in _stages(report.curves).items() if log},
            **_gallery(report, facts),
            taxonomy=tree,
            provenance=report.provenance,
        )
    )


def _judged(report: ReportInput) -> bool:
    """Whether there are verdicts to show, be they none for want of a truth."""
    items = (item for items in report.runs.values() for item in items)
    return any(item.verdict.relation is not None for item in items) or bool(report.runs and report.taxonomy is not None)


def _members(report: ReportInput) -> dict[str, dict[str, Sequence[ScoredItem]]]:
    """Group → run → items: all of them (unless unions replace it), then each group, then the unions."""
    split = {run: split_groups(items, unions=report.unions) for run, items in report.runs.items()}
    names = dict.fromkeys(name for groups in split.values() for name in groups)
    union_last = [name for name in names if name not in report.unions] + [n for n in names if n in report.unions]
    members: dict[str, dict[str, Sequence[ScoredItem]]] = {}
    if not report.runs:
        return members
    if not report.unions or any(item.group is None for items in report.runs.values() for item in items):
        members[ALL] = dict(report.runs)
    for name in union_last:
        of_runs = {run: groups.get(name, []) for run, groups in split.items()}
        members[name] = {run: items for run, items in of_runs.items() if any(i.error is None for i in items)}
    return {name: runs for name, runs in members.items() if runs}


def _groups_of(name: str, report: ReportInput) -> Sequence[str]:
    """The groups of items that a group of the page stands for; none where it is about everything."""
    return report.unions.get(name, () if name == ALL else (name,))


def _facts(report: ReportInput, run: str, measured: Measured) -> RunFacts:
    tree, items = report.taxonomy, report.runs[run]
    return RunFacts(
        items=items,
        partings=None if tree is None else partings(items, tree),
        levels=None if tree is None else levels_of(items, tree),
        thoughts=report.thoughts.get(run),
        columns=measured.columns,
        sampled=measured.sampled,
    )


def _known(facts: Mapping[str, RunFacts], name: str) -> dict[str, Any]:
    return {run: getattr(of_run, name) for run, of_run in facts.items() if getattr(of_run, name) is not None}


def _ranks(facts: Mapping[str, RunFacts], metrics: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    levels = _known(facts, "levels")
    return rank_panels(levels, metrics) if levels else []


def _legend(runs: Runs) -> list[dict[str, str]]:
    """The verdicts that occur."""
    present = {item.label for items in runs.values() for item in items}
    return [entry for entry in legend() if entry["label"] in present]


def _gallery(report: ReportInput, facts: Mapping[str, RunFacts]) -> dict[str, Any]:
    """The packed answers and the embedded pictures, which come first."""
    cards = make_cards([*report.runs.values()], [*report.closed.values()], report.taxonomy)
    shown = [*_examples(report), *_questions(report, cards)]
    if unknown := [key for key in shown if key not in cards]:
        raise RlfgError(f'the example "{unknown[0]}" is in none of the runs')
    pictures, places, problems = embed_pictures(shown, cards)
    ordered = {key: cards[key] for key in [*places, *cards]}
    return {
        "packed": pack_rows(facts, report.closed, ordered, places, report.taxonomy),
        "pictures": pictures,
        "problems": problems,
        "items": len(cards),
        "several": any(has_several(items) for items in report.runs.values()),
    }


def _examples(report: ReportInput) -> Sequence[str]:
    """Of pictures with open answers, by those of the last run."""
    if report.examples or not report.runs:
        return report.examples
    return choose_examples(answers_by_id([*report.runs.values()][-1]), shown=report.embedded)


def _questions(report: ReportInput, cards: Mapping[Key, Card]) -> list[Key]:
    """Of the closed questions that have cards of their own, from every tally."""
    questions: dict[Key, TalliedItem] = {}
    for run in report.closed.values():
        for item in run.items:
            if not isinstance(key := card_key(item, cards), str):
                questions[key] = item
    return choose_questions(questions, shown=report.embedded)


def _stages(curves: Log | Mapping[str, Log]) -> Mapping[str, Log]:
    return curves if isinstance(curves, Mapping) else {"training": curves}

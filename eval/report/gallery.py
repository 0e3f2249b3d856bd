"""Example pictures with what each run answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.pairing import Answers, usual_verdict
from eval.report.one_file import thumbnail
from eval.report.palette import LOOKS, css_class
from eval.score import FAILED, ScoredItem
from rlfg.taxonomy import Taxonomy
from rlfg.types import NO_VERDICT, VERDICT_LABELS

SHOWN = 48
_NAMED = 3
"""Distinct answers of a run that a card names; the rest are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """One distinct answer."""

    text: str
    count: int
    css: str
    verdict: str
    hint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunAnswers:
    """What one run answered to one picture."""

    run: str
    verdict: str
    """The usual one: what the filter goes by."""
    named: tuple[Given, ...]
    more: int
    """Answers beyond the named ones."""
    strip: tuple[tuple[str, float], ...]
    """(CSS class, percentage) of each verdict, best first; empty for a single answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One picture."""

    id: str
    picture: str | None
    """Data URI; None where there is no picture or it cannot be read."""
    problem: str
    truth: str
    lineage: str
    group: str | None
    answers: tuple[RunAnswers, ...]


def choose_examples(answers: Answers, *, shown: int = SHOWN) -> list[str]:
    """Ids spread over groups and verdicts: every kind gets its turn until `shown` are chosen."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for id_, items in answers.items():
        kinds.setdefault((items[0].group or "", usual_verdict(items)), []).append(id_)
    queues = [
        _spread(kinds[kind], start=place / len(kinds)) for place, kind in enumerate(sorted(kinds, key=_kind_order))
    ]
    turns = [queue[turn] for turn in range(shown) for queue in queues if turn < len(queue)]
    return turns[:shown]


def build_card(id_: str, runs: Mapping[str, Answers], taxonomy: Taxonomy | None) -> Card:
    """The card of one item; runs that do not have it are left out of the card."""
    known = [answers[id_][0] for answers in runs.values() if id_ in answers]
    first = next((item for item in known if item.error is None), known[0])
    picture, problem = thumbnail(first.image)
    return Card(
        id=id_,
        picture=picture,
        problem=problem,
        truth=first.truth,
        lineage=_lineage(first, taxonomy),
        group=first.group,
        answers=tuple(_run_answers(run, answers[id_]) for run, answers in runs.items() if id_ in answers),
    )


def _kind_order(kind: tuple[str, str]) -> tuple[int, str]:
    """Verdict first, so that neighbours on the page differ in their group."""
    return VERDICT_LABELS.index(kind[1]), kind[0]


def _spread(ids: Sequence[str], *, start: float) -> list[str]:
    """The same ids from another place on, any first few of them far apart: files are often sorted by class."""
    step = next((prime for prime in (7919, 104729) if len(ids) % prime), 1)
    return [ids[(int(start * len(ids)) + index * step) % len(ids)] for index in range(len(ids))]


def _run_answers(run: str, items: Sequence[ScoredItem]) -> RunAnswers:
    given: dict[tuple[str, str], list[ScoredItem]] = {}
    for item in items:
        given.setdefault((item.answer or "", item.label), []).append(item)
    ordered = sorted(given.values(), key=len, reverse=True)
    counts = Counter(item.label for item in items)
    strip = tuple((css_class(v), 100 * counts[v] / len(items)) for v in VERDICT_LABELS if counts[v])
    return RunAnswers(
        run=run,
        verdict=usual_verdict(items) if items[0].error is None else NO_VERDICT,
        named=tuple(_given(same) for same in ordered[:_NAMED]),
        more=sum(len(same) for same in ordered[_NAMED:]),
        strip=strip if len(items) > 1 else (),
    )


def _given(same: Sequence[ScoredItem]) -> Given:
    item = same[0]
    failed = item.label == FAILED
    verdict = "Failed" if failed else LOOKS[item.label].name
    return Given(
        text=item.answer or ("(failed)" if failed else "(no answer)"),
        count=len(same),
        css=css_class(NO_VERDICT if failed else item.label),
        verdict=verdict,
        hint=f"{verdict}: {item.verdict.answer_taxon or 'no taxon'}. {item.verdict.reason}",
    )


def _lineage(item: ScoredItem, taxonomy: Taxonomy | None) -> str:
    node = item.verdict.truth_node
    if taxonomy is None or node is None:
        return item.truth_taxon or "not in the taxonomy"
    return " › ".join(taxonomy.node_name(above) for above in taxonomy.lineage(node)[1:-1])

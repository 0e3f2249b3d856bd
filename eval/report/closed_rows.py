"""The answers to closed questions, packed into the page beside those to open ones: a row for each question asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eval.protocols.choice import LETTERS
from eval.report.cards import Card, Key, card_key
from eval.report.closed import ClosedRun
from eval.tally import TalliedItem

COPY = "COPY"
"""Label of a line that asks again what an earlier one asks: in no metric."""
Steps = tuple[str, ...]
Row = tuple[str, str, Steps]
"""What was answered, the label, and how it was read."""


def closed_columns(
    run: ClosedRun,
    cards: Mapping[Key, Card],
    place: Mapping[Key, int],
    labels: Mapping[str, int],
    text: Callable[[str], int],
) -> dict[str, Any]:
    """The columns of `eval.report.rows` for a tally.

    Args:
        run: the tally.
        cards: of the gallery.
        place: of each card in it.
        labels: number of each label.
        text: number of a text.
    """
    rows = [(item, k, *row) for item in run.items for k, row in enumerate(_rows(item))]
    traces: dict[Steps, int] = {}
    values = dict.fromkeys(name for item in run.items if item.mark is not None for name in item.mark.values)
    return {
        "picture": [place[card_key(item, cards)] for item, *_ in rows],
        "answer": [text(answer) for _, _, answer, _, _ in rows],
        "label": [labels[label] for _, _, _, label, _ in rows],
        "status": [0] * len(rows),
        "taxon": [0] * len(rows),
        "truths": [0] * len(rows),
        "flags": [0] * len(rows),
        "trace": [traces.setdefault(steps, len(traces)) for *_, steps in rows],
        "traces": [[text(step) for step in steps] for steps in traces],
        "thoughts": [text(run.thoughts.get((item.id, k), "")) for item, k, *_ in rows] if run.thoughts else [],
        # Of a line with several questions the first one stands for the line.
        "scores": {name: [_value(item, name) if k == 0 else None for item, k, *_ in rows] for name in values},
    }


def _rows(item: TalliedItem) -> Iterator[Row]:
    if item.mark is None:
        failed = item.copy_of is None
        steps = (f"failed: {item.error}" if failed else f"asks again what {item.copy_of} asks",)
        yield "", "FAILED" if failed else COPY, steps
        return
    for k, outcome in enumerate(item.mark.outcomes):
        said, answer = item.mark.said[k], item.mark.answers[k] if item.mark.answers else None
        yield said or answer or "", outcome.upper(), tuple(_steps(item, k, said, answer))


def _steps(item: TalliedItem, k: int, said: str | None, answer: str | None) -> Iterator[str]:
    assert item.mark is not None
    count, ranks = len(item.mark.outcomes), item.asked.get("ranks")
    if ranks:
        yield f"asked for the {ranks[k]}"
    elif count > 1:
        yield f"question {k + 1} of {count}"
    if answer is not None:
        yield f"said: {answer}"
    if said is not None and said != answer:
        yield f"read as: {said}"
    if item.mark.places:
        true_at, chosen = item.mark.places[k]
        yield f"the truth stood at {_place(true_at)}, " + ("none" if chosen is None else _place(chosen)) + " was chosen"


def _place(k: int) -> str:
    return LETTERS[k] if k < len(LETTERS) else str(k + 1)


def _value(item: TalliedItem, name: str) -> float | None:
    value = None if item.mark is None else item.mark.values.get(name)
    return None if value is None else round(float(value), 4)

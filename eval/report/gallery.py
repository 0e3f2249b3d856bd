"""Which pictures are embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from eval.pairing import Answers, usual_verdict
from eval.report.cards import Card, Key
from eval.report.one_file import tile
from eval.tally import TalliedItem
from rlfg.types import VERDICT_LABELS

Chosen = TypeVar("Chosen")
EMBEDDED = 200
"""Pictures that go into the page, about 8 kB each."""


def choose_examples(answers: Answers, *, shown: int = EMBEDDED) -> list[str]:
    """Ids spread over groups and verdicts: every kind gets its turn until `shown` are chosen."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for id_, items in answers.items():
        kinds.setdefault((items[0].group or "", usual_verdict(items)), []).append(id_)
    return _in_turns([kinds[kind] for kind in sorted(kinds, key=_kind_order)], shown)


def choose_questions(questions: Mapping[Key, TalliedItem], *, shown: int = EMBEDDED) -> list[Key]:
    """Likewise of closed questions, over groups and outcomes."""
    kinds: dict[tuple[str, str], list[Key]] = {}
    for key, item in questions.items():
        outcome = "" if item.mark is None else item.mark.outcomes[0]
        kinds.setdefault((outcome, item.group or ""), []).append(key)
    return _in_turns([kinds[kind] for kind in sorted(kinds)], shown)


def embed_pictures(keys: Sequence[Key], cards: Mapping[Key, Card]) -> tuple[list[str], dict[Key, int], dict[str, int]]:
    """The pictures of some cards.

    Returns:
        Data URIs, which of them a card has, and how many cards have none, by the reason.
    """
    pictures: list[str] = []
    places: dict[Key, int] = {}
    problems: dict[str, int] = {}
    for key in keys:
        files = cards[key].files
        picture, problem = tile(files)
        if picture is None:
            for file in files:
                problem = problem.removeprefix(f"{file}: ")
            problems[problem] = problems.get(problem, 0) + 1
        else:
            places[key] = len(pictures)
            pictures.append(picture)
    return pictures, places, problems


def _in_turns(kinds: Sequence[Sequence[Chosen]], shown: int) -> list[Chosen]:
    queues = [_spread(kind, start=place / len(kinds)) for place, kind in enumerate(kinds)]
    turns = [queue[turn] for turn in range(shown) for queue in queues if turn < len(queue)]
    return turns[:shown]


def _kind_order(kind: tuple[str, str]) -> tuple[int, str]:
    """Verdict first, so that neighbours on the page differ in their group."""
    return VERDICT_LABELS.index(kind[1]), kind[0]


def _spread(ids: Sequence[Chosen], *, start: float) -> list[Chosen]:
    """The same ids from another place on, any first few of them far apart: files are often sorted by class."""
    step = next((prime for prime in (7919, 104729) if len(ids) % prime), 1)
    return [ids[(int(start * len(ids)) + index * step) % len(ids)] for index in range(len(ids))]

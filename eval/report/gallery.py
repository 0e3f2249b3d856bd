"""Which pictures are embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.pairing import Answers, usual_verdict
from eval.report.one_file import thumbnail
from rlfg.types import VERDICT_LABELS

EMBEDDED = 200
"""Pictures that go into the page, about 8 kB each."""


def choose_examples(answers: Answers, *, shown: int = EMBEDDED) -> list[str]:
    """Ids spread over groups and verdicts: every kind gets its turn until `shown` are chosen."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for id_, items in answers.items():
        kinds.setdefault((items[0].group or "", usual_verdict(items)), []).append(id_)
    queues = [
        _spread(kinds[kind], start=place / len(kinds)) for place, kind in enumerate(sorted(kinds, key=_kind_order))
    ]
    turns = [queue[turn] for turn in range(shown) for queue in queues if turn < len(queue)]
    return turns[:shown]


def embed_pictures(ids: Sequence[str], runs: Mapping[str, Answers]) -> tuple[list[str], dict[str, int], dict[str, int]]:
    """The pictures of some ids.

    Returns:
        Data URIs, which of them an id has, and how many ids have none, by the reason.
    """
    pictures: list[str] = []
    places: dict[str, int] = {}
    problems: dict[str, int] = {}
    for id_ in ids:
        known = (item.image for answers in runs.values() for item in answers.get(id_, ()) if item.image is not None)
        path = next(known, None)
        picture, problem = thumbnail(path)
        if picture is None:
            problem = problem.removeprefix(f"{path}: ")
            problems[problem] = problems.get(problem, 0) + 1
        else:
            places[id_] = len(pictures)
            pictures.append(picture)
    return pictures, places, problems


def _kind_order(kind: tuple[str, str]) -> tuple[int, str]:
    """Verdict first, so that neighbours on the page differ in their group."""
    return VERDICT_LABELS.index(kind[1]), kind[0]


def _spread(ids: Sequence[str], *, start: float) -> list[str]:
    """The same ids from another place on, any first few of them far apart: files are often sorted by class."""
    step = next((prime for prime in (7919, 104729) if len(ids) % prime), 1)
    return [ids[(int(start * len(ids)) + index * step) % len(ids)] for index in range(len(ids))]

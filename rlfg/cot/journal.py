"""What a build has tried: one line an attempt, and what all of them came to."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlfg.cot.check import FILTERS
from rlfg.errors import RlfgError

JOURNAL, SETTINGS, SAMPLES, REPORT = "attempts.jsonl", "build.json", "samples.jsonl", "report.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One line of the journal."""

    id: str
    attempt: int
    outcome: str
    """accepted, rejected, or failed (the endpoint gave nothing, or the judge no verdict; the next run tries again)."""
    reasons: dict[str, str]
    completion: str | None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    unchecked: tuple[str, ...] = ()
    """Filters that had nothing to go by, as those of a reply that is not of the form."""
    label: str | None = None
    """The truth that the teacher was told."""


Attempts = Mapping[str, Sequence[Attempt]]
"""By picture, in the order they were made."""


def read_journal(path: Path) -> dict[str, list[Attempt]]:
    """All attempts; a last line that is being written, or that a kill tore, is passed over.

    Raises:
        RlfgError: Another line is no attempt; names it.
    """
    found: dict[str, list[Attempt]] = defaultdict(list)
    if path.is_file():
        *lines, _ = path.read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines, 1):
            try:
                said = json.loads(line)
                attempt = Attempt(**said | {"unchecked": tuple(said.get("unchecked", ()))})
            except (ValueError, TypeError, AttributeError) as error:
                raise RlfgError(f"{path}:{number}: no attempt of a build ({error})") from error
            found[attempt.id].append(attempt)
    return found


def outcome_of(tried: Sequence[Attempt], attempts: int) -> str:
    """Of a picture: accepted, given up (all `attempts` are spent) or failed (the endpoint gave too little)."""
    if any(attempt.outcome == "accepted" for attempt in tried):
        return "accepted"
    return "given up" if sum(attempt.outcome != "failed" for attempt in tried) >= attempts else "failed"


def report_of(
    chosen: Mapping[str, str], made: Attempts, *, teacher: str, attempts: int, price: tuple[float, float] | None
) -> dict[str, Any]:
    """What it came to, and what it cost; all attempts of the folder count.

    Args:
        chosen: class of each picture that is asked about, by id.
        made: the journal.
        teacher: its name.
        attempts: spent on a picture before it is given up.
        price: of a million tokens of prompts and of lessons; None leaves the cost out.
    """
    outcomes = {id_: outcome_of(made.get(id_, ()), attempts) for id_ in chosen}
    every = [attempt for tried in made.values() for attempt in tried]
    tokens = sum(a.prompt_tokens for a in every), sum(a.completion_tokens for a in every)
    accepted = sum(outcome == "accepted" for outcome in outcomes.values())
    report: dict[str, Any] = {
        "teacher": teacher,
        "pictures": len(chosen),
        **{name: sum(o == name for o in outcomes.values()) for name in ("accepted", "given up", "failed")},
        "attempts": dict(Counter(attempt.outcome for attempt in every)),
        "filters": _by_filter(every),
        "classes": _by_class(chosen, outcomes, made),
        "prompt tokens": tokens[0],
        "completion tokens": tokens[1],
        "seconds of requests": round(math.fsum(a.seconds for a in every), 1),  # in whatever order they came
    }
    if price is not None:
        cost = sum(t * p for t, p in zip(tokens, price, strict=True)) / 1e6
        report["cost"] = round(cost, 6)
        report["cost of an accepted sample"] = round(cost / accepted, 6) if accepted else None
    return report


def _by_filter(every: Sequence[Attempt]) -> dict[str, dict[str, int]]:
    """Of the lessons that came: each filter passed, rejected or could not check them; the three add up."""
    lessons = [attempt for attempt in every if attempt.outcome != "failed"]
    found = {}
    for name in FILTERS[1:]:
        rejected = sum(name in lesson.reasons for lesson in lessons)
        unchecked = sum(name in lesson.unchecked and name not in lesson.reasons for lesson in lessons)
        found[name] = {"passed": len(lessons) - rejected - unchecked, "rejected": rejected, "unchecked": unchecked}
    return found


def _by_class(chosen: Mapping[str, str], outcomes: Mapping[str, str], made: Attempts) -> dict[str, dict[str, int]]:
    """Pictures and accepted ones of each class, and the lessons that it took."""
    found: dict[str, dict[str, int]] = {}
    for id_, name in sorted(chosen.items(), key=lambda item: (item[1], item[0])):
        counts = found.setdefault(name, {"pictures": 0, "accepted": 0, "lessons": 0})
        counts["pictures"] += 1
        counts["accepted"] += outcomes[id_] == "accepted"
        counts["lessons"] += sum(attempt.outcome != "failed" for attempt in made.get(id_, ()))
    return found

"""One line of predictions, marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from eval.reading import answers_in, spoken
from rlfg.data import ParseMode
from rlfg.errors import RlfgError
from rlfg.types import Prediction

Outcome = Literal["right", "wrong", "unreadable", "empty", "no_truth"]
"""unreadable: the answer is none of those asked for, or several of them. empty: there is none. no_truth: the question
has no right answer (the truth has no taxon at the rank that was asked for), and is in no metric."""
OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "unreadable", "empty", "no_truth")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What a line is worth."""

    outcomes: tuple[Outcome, ...]
    """Of its questions, in order."""
    said: tuple[str | None, ...]
    """What each answer was read as."""
    answers: tuple[str | None, ...] = ()
    """What each said to be read; none of them where labels were ranked."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Further metrics that the line takes part in, in [0, 1] or a number; their means are reported."""
    chance: float | None = None
    """Share of right answers that guessing among the answers asked for gives."""
    places: tuple[tuple[int, int | None], ...] = ()
    """Of each multiple-choice question: the place of the truth, and of the option chosen."""

    @property
    def asked(self) -> int:
        """Questions that have a right answer: what accuracy is over."""
        return len(self.outcomes) - self.outcomes.count("no_truth")

    @property
    def right(self) -> int:
        """Those that got it."""
        return self.outcomes.count("right")


def answers_of(line: Prediction, count: int, mode: ParseMode) -> list[str | None]:
    """The answers of a line to its `count` questions.

    Besides the contract's tags, lenient takes an answer without any, where there is nothing else: what stands beside
    it then makes it unreadable.

    Raises:
        RlfgError: It has another number of them.
    """
    found = answers_in(line, mode)
    if mode == "lenient" and line.completions:
        found = [spoken(text) for text in line.completions]
    if len(found) != count:
        raise RlfgError(f'prediction "{line.id}": {count} questions were asked, and it has {len(found)} answers')
    return found


def key_of(line: Prediction, name: str) -> Any:
    """A key that its protocol writes.

    Raises:
        RlfgError: It is not there.
    """
    if name not in line.extra:
        raise RlfgError(
            f'prediction "{line.id}" has no "{name}", which its protocol writes; was it made by rlfg predict?'
        )
    return line.extra[name]

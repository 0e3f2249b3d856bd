"""Where answers come from, whoever gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from PIL import Image

from eval.protocols.item import Question, Reply

Tell = Callable[[int, Reply], None]
"""Takes the reply to the question of that number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question on its way to a model."""

    item: str
    """Id of its item."""
    number: int
    """Its place among the item's questions."""
    question: Question
    open: Callable[[], list[Image.Image]]
    """Its pictures; raises `ImageError`."""

    @property
    def message(self) -> dict[str, Any]:
        """The user's turn: pictures, then the text."""
        parts = [{"type": "image"} for _ in self.question.pictures]
        return {"role": "user", "content": [*parts, {"type": "text", "text": self.question.text}]}

    def keys(self, seed: int) -> list[tuple[int | str, ...]]:
        """One key a sample, of all draws for it: neither other items nor other processes change them."""
        number = (self.number,) if self.number else ()
        return [(seed, "predict", self.item, *number, k) for k in range(self.question.samples)]


class Backend(Protocol):
    """Answers questions."""

    @property
    def rows(self) -> int | None:
        """Rows that one call of `answer` is given; None: all there are."""

    def rows_of(self, question: Question) -> int:
        """Rows that a question is."""

    def answer(self, asked: Sequence[Asked], tell: Tell) -> None:
        """Tells a reply to each question, in any order, as it comes.

        A question that gets no answer, because its picture cannot be read or the model fails at it, gets a reply
        with an `error`; what would fail for every question alike is raised.
        """

"""Answers that are there already, made by anything: they are lined up with a protocol's items by id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import final

from eval.backends.backend import Asked, Tell
from eval.predictions import read_predictions
from eval.protocols.item import Question, Reply
from rlfg.errors import RlfgError


@final
class StoredAnswers:
    """Looks an item's answers up in a predictions file."""

    rows = None

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.found = {line.id: line for line in read_predictions(self.path)}

    def rows_of(self, question: Question) -> int:
        """Answers of it."""
        return question.samples

    def answer(self, asked: Sequence[Asked], tell: Tell) -> None:
        """An item that the file lacks, or that failed there, fails.

        Raises:
            RlfgError: A text is to be ranked; the file has answers only.
        """
        offset: dict[str, int] = {}
        for n, one in enumerate(asked):  # an item's questions come together, in order
            if one.question.candidates:
                raise RlfgError(f"{self.path}: stored answers hold no log-probabilities of a list of labels")
            start = offset.get(one.item, 0)
            offset[one.item] = start + one.question.samples
            tell(n, self._reply(one, start))

    def _reply(self, one: Asked, start: int) -> Reply:
        line = self.found.get(one.item)
        if line is None:
            return Reply(error=f"{self.path} has no line with this id")
        if line.error is not None:
            return Reply(error=line.error)
        texts = line.completions or tuple(f"<answer>{text}</answer>" for text in line.answers)
        texts = texts[start : start + one.question.samples]
        if len(texts) < one.question.samples:
            return Reply(error=f"{self.path} has too few answers to this item")
        return Reply(texts=texts)

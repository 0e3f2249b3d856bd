"""How the answer of a completion is read: as its prompt asked for it, or in one way for all."""

from __future__ import annotations

from typing import Literal

from rlfg.data import PARSE_MODES, ParseMode, parse_answer
from rlfg.types import Prediction

Reading = ParseMode | Literal["asked"]
"""asked: in the tags, where the prompt asks for them; a line whose `tags` is false was asked without, and `spoken`."""
READINGS: tuple[str, ...] = ("asked", *PARSE_MODES)


def asks_for_tags(text: str) -> bool:
    """Whether a prompt asks for an answer in its tags."""
    return "<answer>" in text


def answers_in(line: Prediction, reading: Reading) -> list[str | None]:
    """The answers of a line; None for a completion without one. Bare answers are taken as they are."""
    answers: list[str | None] = [answer.strip() or None for answer in line.answers]
    return answers + [_answer(text, line, reading) for text in line.completions]


def _answer(completion: str, line: Prediction, reading: Reading) -> str | None:
    if reading != "asked":
        return parse_answer(completion, reading).answer
    return spoken(completion) if line.extra.get("tags") is False else parse_answer(completion).answer


def spoken(completion: str) -> str | None:
    """The answer in its tags; where there are none, all that stands after the thoughts. None where nothing does.

    What stands inside `<think>` never counts.
    """
    parsed = parse_answer(completion)
    if parsed.answer is not None or "<answer>" in completion:
        return parsed.answer
    _, closed, after = completion.rpartition("</think>")
    if "<think>" in completion and not closed:
        return None
    return after.strip() or None

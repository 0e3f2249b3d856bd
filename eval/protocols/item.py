"""What a protocol makes of a dataset: items, each with what is asked of the model about it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rlfg.types import Example, Prediction


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One thing asked of a model."""

    text: str
    pictures: tuple[int, ...]
    """Numbers of the examples whose pictures stand before the text, in this order."""
    samples: int = 1
    """Answers wanted."""
    candidates: tuple[str, ...] = ()
    """Where there are any, no answer is wanted but the log-probability of each of these texts as the answer."""
    labels: tuple[str, ...] = ()
    """The bare names in the candidates or options, for models of pictures and names that write no answers."""
    choosing: tuple[str, ...] = ()
    """Of a multiple-choice question, what an answer is that chooses each of the labels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One line of a predictions file to be."""

    id: str
    truth: str
    image: str
    questions: tuple[Question, ...]
    """Asked one by one, none of them seeing the others."""
    told: Mapping[str, Any]
    """Keys of the line that say what was asked: `protocol`, `options` …"""


def item_about(
    example: Example, questions: Iterable[Question], told: Mapping[str, Any], *, id_: str | None = None, truth: str = ""
) -> Item:
    """An item about a picture: with its id and label unless others are given, and its `meta`, to report by."""
    meta = {"meta": dict(example.meta)} if example.meta else {}
    return Item(
        id=id_ or example.id,
        truth=truth or example.label,
        image=example.image,
        questions=tuple(questions),
        told={**told, **meta},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a reply took."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    """Of one request; an equal share of the batch where questions are answered together."""
    cost: float = 0.0
    """By the prices that the configuration names; 0 without any."""
    failed_attempts: int = 0
    """Requests that failed, of which all but perhaps the last were sent again."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            seconds=self.seconds + other.seconds,
            cost=self.cost + other.cost,
            failed_attempts=self.failed_attempts + other.failed_attempts,
        )

    def to_json(self) -> dict[str, float]:
        """As `usage` of a line has it; the cost and failed attempts where there are any."""
        found: dict[str, float] = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "seconds": round(self.seconds, 4),
        }
        found |= {"cost": round(self.cost, 8)} if self.cost else {}
        return found | ({"failed_attempts": self.failed_attempts} if self.failed_attempts else {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a model said to one question."""

    texts: tuple[str, ...] = ()
    logps: tuple[float, ...] = ()
    """Log-probability of each candidate, summed over its tokens."""
    tokens: tuple[int, ...] = ()
    """Tokens of each candidate."""
    error: str | None = None
    """Why there is nothing of all this."""
    usage: Usage = field(default_factory=Usage)


def line_of(item: Item, replies: list[Reply]) -> Prediction:
    """The item's line. One question that failed makes the item fail: half an answer would be scored as one."""
    usage = sum((reply.usage for reply in replies), Usage())
    extra = {**item.told, "usage": usage.to_json()}
    error = next((reply.error for reply in replies if reply.error is not None), None)
    if error is None and any(math.isnan(logp) for reply in replies for logp in reply.logps):
        error = "a log-probability is no number; a wider dtype may give one"
    if error is not None:
        return Prediction(id=item.id, truth=item.truth, image=item.image, error=error, extra=extra)
    ranked = [(question, reply) for question, reply in zip(item.questions, replies, strict=True) if question.candidates]
    if not ranked:
        texts = tuple(text for reply in replies for text in reply.texts)
        return Prediction(id=item.id, truth=item.truth, image=item.image, completions=texts, extra=extra)
    extra["logprobs"] = [{"sum": _short(reply.logps), "tokens": list(reply.tokens)} for _, reply in ranked]
    question, reply = ranked[0]
    best = max(range(len(reply.logps)), key=lambda i: reply.logps[i])
    return Prediction(id=item.id, truth=item.truth, image=item.image, answers=(question.labels[best],), extra=extra)


def _short(logps: tuple[float, ...]) -> list[float]:
    return [round(logp, 6) for logp in logps]

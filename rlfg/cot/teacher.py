"""What a teacher is asked, and how its reply becomes a sample."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlfg.data import format_answer
from rlfg.errors import RlfgError
from rlfg.read_json import is_text, loads

PROMPT = """\
You write a lesson for a student who learns to recognise {domain} in photographs. The student sees the picture alone.
For you only: the picture shows {label}.{attributes}
Write what a careful observer would think who sees nothing but the picture:
- visual_analysis: what can be seen that matters, from the whole to the details, in four to eight sentences.
- candidates: two to {most} names that come into question, {label} among them, all closely related. Names only.
- comparison: what speaks for and against each candidate, by what can be seen, in four to eight sentences.
- prediction: the name that remains.
Write plain English. Never say or hint that you were told a name, a label, a description or anything else."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "visual_analysis": {"type": "string"},
        "candidates": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 4},
        "comparison": {"type": "string"},
        "prediction": {"type": "string"},
    },
    "required": ["visual_analysis", "candidates", "comparison", "prediction"],
    "additionalProperties": False,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What came back, unread."""

    content: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


def request(url: str, label: str, attributes: Any, *, domain: str, most: int) -> dict[str, Any]:
    """Messages and the form of the reply.

    Args:
        url: of the picture.
        label: the truth.
        attributes: what is known of it: a text, a list or a mapping; None for nothing.
        domain: what the pictures are of ("birds").
        most: candidates.
    """
    known = f" It is known for: {_listed(attributes)}." if attributes else ""
    schema = json.loads(json.dumps(SCHEMA))
    schema["properties"]["candidates"]["maxItems"] = most
    return {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": url}},
                    {"type": "text", "text": PROMPT.format(domain=domain, label=label, attributes=known, most=most)},
                ],
            }
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "lesson", "schema": schema, "strict": True}},
    }


def read_reply(text: str) -> Reply:
    """The first choice of a chat completion.

    Raises:
        ValueError: It is none.
    """
    try:
        found = loads(text)
        choice, usage = found["choices"][0], found.get("usage") or {}
        content = choice["message"]["content"]
        finish = str(choice.get("finish_reason"))
        tokens = [int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"not a chat completion ({error!r})") from None
    if not isinstance(content, str):
        raise ValueError("a chat completion without text")
    if finish in ("abort", "error"):
        raise ValueError(f"a chat completion that the server broke off ({finish})")
    return Reply(content=content, finish_reason=finish, prompt_tokens=tokens[0], completion_tokens=tokens[1])


def completion_of(reply: Reply) -> str:
    """The sample's completion: the four parts under headings, and the answer.

    Raises:
        ValueError: The reply is not of the form that was asked for.
    """
    if reply.finish_reason == "length":
        raise ValueError("cut at the token limit")
    try:
        said = json.loads(reply.content)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(said, Mapping):
        raise ValueError("not a JSON object")
    texts = {name: said.get(name) for name in ("visual_analysis", "comparison", "prediction")}
    names = said.get("candidates")
    if not all(isinstance(text, str) and text.strip() for text in texts.values()):
        raise ValueError(f"a part is missing: {', '.join(name for name, text in texts.items() if not text)}")
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError("candidates is no list of names")
    analysis, comparison, prediction = (str(text).strip() for text in texts.values())
    listed = "\n".join(f"- {name.strip()}" for name in names)
    rationale = (
        f"Visual analysis: {analysis}\n\nCandidates:\n{listed}\n\nComparison: {comparison}\n\nPrediction: {prediction}"
    )
    if not is_text(rationale):
        raise ValueError("half a character (a lone surrogate) is in it")
    try:
        return format_answer(rationale, prediction)
    except RlfgError as error:
        raise ValueError(str(error)) from None


def _listed(attributes: Any) -> str:
    if isinstance(attributes, Mapping):
        return "; ".join(f"{name}: {value}" for name, value in attributes.items())
    return "; ".join(map(str, attributes)) if isinstance(attributes, list | tuple) else str(attributes)

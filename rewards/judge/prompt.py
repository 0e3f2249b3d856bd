"""What a judge is sent, and how its reply is read."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from rlfg.errors import RlfgError
from rlfg.read_json import loads
from rlfg.types import RELATION_LABELS, Relation

Structured = Literal["json_schema", "json_object", "none"]
_FOLDER = resources.files("rewards.judge") / "prompts"
_CUT = " […]"
_REASON_CHARS = 200


def prompt_names() -> list[str]:
    """The phrasings that come with the package."""
    return sorted(p.name.removesuffix(".txt") for p in _FOLDER.iterdir() if p.name.endswith(".txt"))


def load_judge_prompt(name: str) -> str:
    """The text of a phrasing by name, or of a text file by path.

    Raises:
        RlfgError: Neither.
    """
    if name in prompt_names():
        return (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").strip()
    path = Path(name)
    if path.suffix == ".txt" and path.is_file() and (text := path.read_text(encoding="utf-8").strip()):
        return text
    raise RlfgError(f"{name!r} is no judge prompt: give a .txt file or one of {', '.join(prompt_names())}")


def canonical(text: str) -> str:
    """The form in which a text is asked and remembered: equal for texts that differ in nothing that can matter.

    Compatibility characters are folded (NFKC), invisible ones dropped, case and runs of white space evened out.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(" " if c.isspace() else c for c in folded if c.isspace() or _is_visible(c)).split())


def _is_visible(char: str) -> bool:
    return unicodedata.category(char)[0] != "C"


def cap(text: str, most: int) -> str:
    """The text, cut after `most` characters and marked so: a long answer has room for orders to the judge."""
    return text if len(text) <= most else text[:most] + _CUT


def messages(system: str, truth: str, answers: Sequence[str], *, quote: bool) -> list[dict[str, str]]:
    """The chat: the prompt, then the pair as a JSON object, which an answer cannot break out of.

    Without `quote` the texts stand there bare, which exists to measure what quoting is worth.
    """
    if quote:
        content = f'{{"truth": {_quote(truth)}, "answers": [{", ".join(map(_quote, answers))}]}}'
    else:
        content = "\n".join([f"truth: {truth}", *(f"answer: {answer}" for answer in answers)])
    return [{"role": "system", "content": system}, {"role": "user", "content": content}]


def _quote(text: str) -> str:
    """A JSON string without "<" and "[": models' own marks of a turn ("<|im_end|>", "[INST]") would be read as such."""
    return json.dumps(text, ensure_ascii=False).replace("<", "\\u003c").replace("[", "\\u005b")


def response_format(answers: int, *, structured: Structured, explain: bool) -> dict[str, Any]:
    """The part of a request that holds the reply to the six labels, one an answer."""
    if structured == "none":
        return {}
    if structured == "json_object":
        return {"response_format": {"type": "json_object"}}
    size = {"minItems": answers, "maxItems": answers}
    lists: dict[str, Any] = {
        "labels": {"type": "array", "items": {"type": "string", "enum": list(RELATION_LABELS)}, **size}
    }
    if explain:  # before the labels: a model reasons while it writes
        reason = {"type": "string", "maxLength": _REASON_CHARS}
        lists = {"reasons": {"type": "array", "items": reason, **size}, **lists}
    schema = {"type": "object", "properties": lists, "required": list(lists), "additionalProperties": False}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "grades", "schema": schema}}}


def read_reply(text: str, answers: int) -> list[tuple[Relation, str]]:
    """The label and reason ("" where none was asked for) of each answer.

    What stands around the JSON object (thoughts, code fences) is passed over.

    Raises:
        ValueError: Anything but as many labels of the six as there were answers.
    """
    start, end = text.find("{", text.rfind("</think>") + 1), text.rfind("}")
    try:
        reply = loads(text[start : end + 1]) if start >= 0 else None
    except ValueError:
        raise ValueError(f"not JSON: {text[:80]!r}") from None
    labels = reply.get("labels") if isinstance(reply, Mapping) else None
    if not isinstance(labels, list) or len(labels) != answers:
        raise ValueError(f"not a list of {answers} labels: {text[:80]!r}")
    reasons = reply.get("reasons") if isinstance(reply, Mapping) else None
    if not isinstance(reasons, list) or len(reasons) != answers:
        reasons = [""] * answers
    return [(_relation(label), str(reason)[:_REASON_CHARS]) for label, reason in zip(labels, reasons, strict=True)]


def _relation(label: object) -> Relation:
    if label not in RELATION_LABELS:
        raise ValueError(f"{label!r} is none of the six labels")
    return Relation(label)

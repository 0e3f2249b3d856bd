"""The answer contract: how a target is written and how a completion is read. The only place for both."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from rlfg.errors import RlfgError

ParseMode = Literal["strict", "lenient"]
TAGS = ("<think>", "</think>", "<answer>", "</answer>")
_STRICT = re.compile(r"\s*<think>(?P<thoughts>.*?)</think>\s*<answer>(?P<answer>.*?)</answer>\s*", re.DOTALL)
_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_THOUGHTS = re.compile(r"<think>(.*?)</think>", re.DOTALL)
_TAG = re.compile("|".join(TAGS))


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedAnswer:
    """What a completion says."""

    answer: str | None
    """None when there is no readable answer: the completion is UNPARSED."""
    thoughts: str | None
    well_formed: bool
    """The whole completion is one think span and one answer span, neither of them nested."""


def parse_answer(completion: str, mode: ParseMode = "lenient") -> ParsedAnswer:
    """Reads the answer of a completion.

    lenient: the first `<answer>…</answer>` span after the thoughts, wherever it stands. What stands inside
    `<think>` never counts. strict: besides, the completion must be well formed, else there is no
    answer. An answer of white space or invisible characters is none. With several spans the first counts;
    in strict mode a second one is ill-formed.
    """
    thoughts = _THOUGHTS.search(completion)
    whole = _STRICT.fullmatch(completion)
    well_formed = whole is not None and not any(_TAG.search(part) for part in whole.groups())
    rest = completion[thoughts.end() :] if thoughts else completion
    span = _ANSWER.search(rest) if "<think>" not in rest.partition("<answer>")[0] else None
    answer = None if span is None else _visible(_TAG.sub("", span[1]))
    if mode == "strict" and not well_formed:
        answer = None
    return ParsedAnswer(
        answer=answer or None, thoughts=None if thoughts is None else thoughts[1].strip(), well_formed=well_formed
    )


def format_answer(rationale: str, label: str) -> str:
    """The SFT target that `parse_answer` reads back, in strict mode too.

    Raises:
        RlfgError: The rationale or the label holds a tag, or the label is empty.
    """
    for name, text in (("rationale", rationale), ("label", label)):
        if _TAG.search(text):
            raise RlfgError(f"{name} {text[:60]!r} holds a tag of the answer contract; remove it")
    if not _visible(label):
        raise RlfgError("an SFT label is empty; write None to abstain")
    return f"<think>{rationale.strip()}</think><answer>{label.strip()}</answer>"


def _visible(text: str) -> str:
    """The text without surrounding blanks; "" if only blanks and invisible characters are in it."""
    seen = any(unicodedata.category(c)[0] not in "ZC" for c in text)
    return text.strip() if seen else ""

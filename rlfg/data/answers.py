"""The answer contract: how a target is written and how a completion is read. The only place for both."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from rlfg.errors import RlfgError

Form = Literal["think", "answer", "bare"]
"""What a whole completion is: thoughts, then an answer; an answer span alone; the text of an answer without any tag."""
FORMS: tuple[Form, ...] = get_args(Form)
ParseMode = Literal["strict", "lenient", "answer", "bare"]
PARSE_MODES: tuple[ParseMode, ...] = get_args(ParseMode)
TAGS = ("<think>", "</think>", "<answer>", "</answer>")
_WHOLE: dict[Form, re.Pattern[str]] = {
    "think": re.compile(r"\s*<think>(.*?)</think>\s*<answer>(.*?)</answer>\s*", re.DOTALL),
    "answer": re.compile(r"\s*<answer>(.*?)</answer>\s*", re.DOTALL),
    "bare": re.compile(r"(.*\S.*)", re.DOTALL),
}
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
    """The whole completion has the form that the mode asks for; "think", for lenient."""


def parse_answer(completion: str, mode: ParseMode = "lenient") -> ParsedAnswer:
    """Reads the answer of a completion.

    lenient: the first `<answer>…</answer>` span after the thoughts, wherever it stands. What stands inside
    `<think>` never counts, nor what stands before a `</think>` that nothing opens: chat templates of models that always
    reason open it in the prompt. The other modes give no answer unless the completion as a whole has a form: strict
    that of "think", answer and bare their own, without thoughts. An answer of white space or invisible characters is
    none. With several spans the first counts for lenient; for the other modes a second one is ill-formed.
    """
    form = form_of(mode)
    formed = has_form(completion, form)
    thoughts, rest = _apart(completion)
    said = completion if form == "bare" else _span(rest)
    if said is None or (mode != "lenient" and not formed):
        said = ""
    return ParsedAnswer(
        answer=_visible(_TAG.sub("", said)) or None,
        thoughts=thoughts,
        well_formed=formed,
    )


def form_of(mode: ParseMode) -> Form:
    """The form of completions that a mode reads."""
    return mode if mode == "answer" or mode == "bare" else "think"


def has_form(completion: str, form: Form) -> bool:
    """Whether a whole completion is of a form, none of its spans nested."""
    whole = _WHOLE[form].fullmatch(completion)
    return whole is not None and not any(_TAG.search(part) for part in whole.groups())


def _apart(completion: str) -> tuple[str | None, str]:
    """The thoughts, and what stands after them."""
    before, closed, after = completion.partition("</think>")
    unopened = before.strip() if closed and "<think>" not in before else None
    rest = completion if unopened is None else after
    found = _THOUGHTS.search(rest)
    if found is None:
        return unopened, rest
    return unopened or found[1].strip(), rest[found.end() :]


def _span(text: str) -> str | None:
    """The first answer span, unless thoughts begin before it."""
    found = _ANSWER.search(text) if "<think>" not in text.partition("<answer>")[0] else None
    return None if found is None else found[1]


def format_answer(rationale: str | None, label: str, form: Form = "think") -> str:
    """The SFT target that `parse_answer` reads back, in the mode of its form too (strict, for "think").

    Args:
        rationale: of the form "think"; the others leave it out.
        label: the answer.
        form: of the whole target.

    Raises:
        RlfgError: The rationale or the label holds a tag, or the label is empty.
    """
    rationale = rationale or "" if form == "think" else ""
    for name, text in (("rationale", rationale), ("label", label)):
        if _TAG.search(text):
            raise RlfgError(f"{name} {text[:60]!r} holds a tag of the answer contract; remove it")
    if not _visible(label):
        raise RlfgError("an SFT label is empty; write None to abstain")
    if form == "bare":
        return label.strip()
    thoughts = f"<think>{rationale.strip()}</think>" if form == "think" else ""
    return f"{thoughts}<answer>{label.strip()}</answer>"


def _visible(text: str) -> str:
    """The text without surrounding blanks; "" if only blanks and invisible characters are in it."""
    seen = any(unicodedata.category(c)[0] not in "ZC" for c in text)
    return text.strip() if seen else ""

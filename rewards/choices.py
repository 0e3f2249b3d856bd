"""Answers to closed questions: an option's letter, same or not, how many of three.

Each reader takes a whole answer and gives what it says, or None where it says nothing or two things; the reward
pays 1 where answer and truth say the same. A list of all options says two things.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from rewards.group import UNPARSED_REWARD
from rlfg.taxonomy import normalize
from rlfg.types import Verdict

Reader = Callable[[str], str | None]
_LETTER = re.compile(
    r"(?:(?:the )?(?:correct |right |best )?(?:answer|option|choice)(?: is)?:? *)?"  # "The answer is …"
    r"[(\[]?(?P<letter>[a-z])(?:[)\].:]+(?P<text>\s.*)?|\s*)",
    re.IGNORECASE | re.DOTALL,
)
_MORE_OPTIONS = re.compile(
    r"(?:^|[\s(,/])[(\[]?[a-z][)\].:](?=\s|$)|\b(?:or|and) [(\[]?[a-z][)\]]?[.]?$", re.IGNORECASE
)
_YES, _NO = {"yes", "same", "identical"}, {"no", "not", "different"}
_NUMBERS = {"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "both": "2", "all": "3"}


def read_letter(text: str) -> str | None:
    """The letter of one option: "B", "(b)", "B. gull", "Answer: B". "A gull" and "A or B" name none."""
    match = _LETTER.fullmatch(text.strip())
    if match is None or _MORE_OPTIONS.search(match["text"] or ""):
        return None
    return match["letter"].upper()


def read_yes_no(text: str) -> str | None:
    """Whether a text says "yes" or "no", also in other words ("the same species", "not the same", "different")."""
    words = set(normalize(text).split())
    says_yes, says_no = bool(words & _YES), bool(words & _NO)
    if says_no and ("yes" in words or {"not", "different"} <= words):
        return None
    return "no" if says_no else "yes" if says_yes else None


def read_count(text: str) -> str | None:
    """The one number of a text, in digits or words; of three candidates "both" is 2 and "all" is 3."""
    words = normalize(text).split()
    found = {_NUMBERS.get(word, word) for word in words if word.isascii() and (word.isdigit() or word in _NUMBERS)}
    return str(int(found.pop())) if len(found) == 1 else None


READERS: Mapping[str, Reader] = {"letter": read_letter, "yes_no": read_yes_no, "count": read_count}
"""What `TextVerifier` and the rewards below know."""


def mcq_letter(verdicts: Sequence[Verdict]) -> list[float | None]:
    """1 where the answer is the letter of the truth's option, else 0; UNPARSED earns -1, no verdict None."""
    return _pay(verdicts, read_letter)


def same_or_not(verdicts: Sequence[Verdict]) -> list[float | None]:
    """1 for the right yes or no on two pictures of one thing (TWIN), else 0; as `mcq_letter` otherwise."""
    return _pay(verdicts, read_yes_no)


def count_of_three(verdicts: Sequence[Verdict]) -> list[float | None]:
    """1 for the right number of matching candidates, 0 to 3 (FGVQA), else 0; as `mcq_letter` otherwise."""
    return _pay(verdicts, read_count)


def _pay(verdicts: Sequence[Verdict], read: Reader) -> list[float | None]:
    def pay(verdict: Verdict) -> float | None:
        if verdict.unparsed:
            return UNPARSED_REWARD
        if not verdict.decided or verdict.answer is None or verdict.truth is None:
            return None
        said = read(verdict.answer)
        return float(said is not None and said == read(verdict.truth))

    return [pay(verdict) for verdict in verdicts]

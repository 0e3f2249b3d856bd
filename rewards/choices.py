"""Answers to closed questions: an option's letter, same or not, how many of three.

Each reader takes a whole answer and gives what it says, or None where it says nothing or two things; the reward
pays 1 where answer and truth say the same. A list of all options says two things.
"""

from __future__ import annotations

import re
import unicodedata
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
_EMPHASIS = re.compile(r"[*`]+")
"""Of Markdown: "**B**"."""
_MORE_OPTIONS = re.compile(
    r"(?:^|[\s(,/])[(\[]?[a-z][)\].:](?=\s|$)"  # marked as an option: "B. gull C. tern"
    r"|(?:^|[,;/&]|\b(?:or|and)\b)\s*[a-z](?=\s*(?:$|[,;/&)\]])|\s+[a-z]\b)",  # bare, in a list: "B. A, C"
    re.IGNORECASE,
)
_OF_THREE = re.compile(r"\b(?:out )?of (?:(?:the|these|those) )?(?:3|three)\b")
_SAID = {
    **dict.fromkeys(("yes", "same", "identical", "yes same", "yes identical"), "yes"),
    **dict.fromkeys(("no", "different", "not same", "not identical", "no different", "no not same", "no not"), "no"),
}
_NUMBERS = {"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "both": "2", "all": "3"}
_FILLERS = {
    "a", "an", "answer", "are", "bird", "birds", "candidates", "class", "exactly", "here", "images", "in", "is",
    "it", "kind", "match", "matches", "of", "only", "photos", "pictures", "show", "species", "that", "the",
    "them", "there", "these", "they", "theyre", "this",
}  # fmt: skip
"""Words that say nothing to a closed question; any other makes an answer unreadable."""


def read_letter(text: str) -> str | None:
    """The letter of one option: "B", "(b)", "B. gull", "Answer: B". "A gull" and "A or B" name none."""
    found = read_lettered(text)
    return None if found is None else found[0]


def read_lettered(text: str) -> tuple[str, str] | None:
    """The letter of one option, and what is said beside it: ("B", "gull"). None where `read_letter` gives none."""
    found = split_letter(text)
    return None if found is None or _MORE_OPTIONS.search(found[1]) else found


def split_letter(text: str) -> tuple[str, str] | None:
    """The letter that a text begins with, and the rest, even if that names more of them: ("C", "F-16A/B")."""
    match = _LETTER.fullmatch(_EMPHASIS.sub("", unicodedata.normalize("NFKC", text)).strip())
    return None if match is None else (match["letter"].upper(), (match["text"] or "").strip())


def read_yes_no(text: str) -> str | None:
    """Whether a text says "yes" or "no", also in other words ("the same species", "not the same", "different").

    Nothing else may be said: "no idea", "I do not know" and "same or different" are no answer.
    """
    return _SAID.get(" ".join(_telling(text)))


def read_count(text: str) -> str | None:
    """The one number that a text is, in digits or words; of three candidates "both" is 2 and "all" is 3.

    "None" by itself abstains; "none of them" is 0. "2 of the three" is 2, "all three" 3. "More than 2", "2 or 3" and
    "not 2" are no number.
    """
    said = {_NUMBERS.get(word, word) for word in _telling(_OF_THREE.sub("", normalize(text)))}
    if len(said) != 1 or normalize(text) == "none":
        return None
    (number,) = said
    return str(int(number)) if number.isascii() and number.isdigit() else None


def _telling(text: str) -> list[str]:
    return [word for word in normalize(text).split() if word not in _FILLERS]


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


CLOSED_REWARDS = (mcq_letter.__name__, same_or_not.__name__, count_of_three.__name__)
"""Rewards that read closed answers and pay no others."""


def _pay(verdicts: Sequence[Verdict], read: Reader) -> list[float | None]:
    def pay(verdict: Verdict) -> float | None:
        if verdict.unparsed:
            return UNPARSED_REWARD
        if not verdict.decided or verdict.answer is None or verdict.truth is None:
            return None
        said = read(verdict.answer)
        return float(said is not None and said == read(verdict.truth))

    return [pay(verdict) for verdict in verdicts]

"""Multiple choice: the option chosen, by its letter or its name, whole and alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.metrics.text_inclusion import raw_inclusion
from eval.protocols.choice import LETTERS
from eval.tally.mark import Mark, Outcome, answers_of, key_of
from rewards.choices import read_lettered, split_letter
from rlfg.data import ParseMode
from rlfg.errors import RlfgError
from rlfg.taxonomy import normalize
from rlfg.types import Prediction

_CAPITAL = re.compile(r"\b([A-Z])\b(?! [a-z])")
"""A letter that stands alone; "A tern" and "I think" begin with none."""


def mark_choice(line: Prediction, mode: ParseMode) -> Mark:
    """Right where the option chosen is the truth's; with rotations also whether it is chosen in all of them.

    With rotations `all_right` is 1 where every one is answered rightly, `consistent` where every one gets the same
    option, right or wrong. Answers by name have `text_inclusion` besides: the share in which the truth is a substring
    (VLMClassifier's accuracy; Zhang et al., NeurIPS 2024), which pays "gull-billed tern" for "gull".
    """
    orders, correct, by_letter = key_of(line, "options"), key_of(line, "correct"), key_of(line, "answer_as") == "letter"
    if not orders or any(order.count(correct) != 1 for order in orders):
        raise RlfgError(f'prediction "{line.id}": {correct!r} does not stand once in each of its lists of options')
    outcomes: list[Outcome] = []
    said: list[str | None] = []
    places: list[tuple[int, int | None]] = []
    answers = answers_of(line, len(orders), mode)
    for answer, order in zip(answers, orders, strict=True):
        place = None if answer is None else read_option(answer, order, by_letter=by_letter)
        option = None if place is None else order[place]
        said.append(option)
        places.append((order.index(correct), place))
        outcomes.append(
            "empty" if answer is None else "unreadable" if option is None else "right" if option == correct else "wrong"
        )
    values = {}
    if not by_letter:
        values["text_inclusion"] = sum(raw_inclusion(answer or "", correct) for answer in answers) / len(answers)
    if len(orders) > 1:
        values["all_right"] = float(set(outcomes) == {"right"})
        values["consistent"] = float(len(set(said)) == 1 and said[0] is not None)
    return Mark(
        outcomes=tuple(outcomes),
        said=tuple(said),
        answers=tuple(answers),
        values=values,
        chance=1 / len(orders[0]),
        places=tuple(places),
    )


def read_option(answer: str, options: Sequence[str], *, by_letter: bool) -> int | None:
    """The place of the one option that an answer is; None where it is none, or names two.

    An answer is an option's letter ("B", "B. gull") or its whole name, never a part of either: a truth that is part of
    another option's name is not found in it. "B. tern", "B. gull or tern" and "B. gull, or C", where B is the gull, say
    two things.
    """
    if not by_letter:
        return _named(answer, options)
    split = split_letter(answer)
    if split is None or not _is_option(split, options):
        split = read_lettered(answer)
    if split is None:  # a name, or "B gull"
        shown = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
        named = _named(answer, options)
        return _named(answer, shown) if named is None else named
    place = LETTERS.index(split[0])
    return place if place < len(options) and not _says_more(split[1], options, place) else None


def _says_more(beside: str, options: Sequence[str], place: int) -> bool:
    """Whether the text beside a letter gives another option's letter or name, outside of its own option's name."""
    rest = re.sub(re.escape(options[place]), "x", beside, flags=re.IGNORECASE)
    others = {*LETTERS[: len(options)]} - {LETTERS[place]}
    return not others.isdisjoint(_CAPITAL.findall(rest)) or not _named_in(beside, options) <= {place}


def _is_option(split: tuple[str, str], options: Sequence[str]) -> bool:
    """Whether beside a letter stands the name of its option and nothing else, with whatever letters in it."""
    place = LETTERS.index(split[0])
    return place < len(options) and normalize(split[1]) == normalize(options[place])


def _named_in(beside: str, options: Sequence[str]) -> set[int]:
    """The options that the text beside a letter names; one within the name of another counts for that alone."""
    words, found = f" {normalize(beside)} ", set()
    for place in sorted(range(len(options)), key=lambda i: -len(options[i])):
        name = f" {normalize(options[place])} "
        if name.strip() and name in words:
            found.add(place)
            words = words.replace(name, "  ")
    return found


def _named(text: str, options: Sequence[str]) -> int | None:
    wanted = normalize(text)
    found = [i for i, option in enumerate(options) if normalize(option) == wanted]
    return found[0] if len(found) == 1 and wanted else None

"""A page to look through chain-of-thought data: one HTML file that needs nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from eval.report.one_file import asset, environment, thumbnail
from rlfg.cot.leakage import leaks
from rlfg.cot.parts import PARTS
from rlfg.cot.shown import OUTCOMES, Lesson, Shown, spread
from rlfg.taxonomy import normalize

SIZE = 320
"""Longer side of a picture, in pixels."""
MOST = 500
"""Pictures on a page, about 15 kB each."""
TITLES = dict(zip(PARTS, ("Visual analysis", "Candidates", "Comparison", "Prediction"), strict=True))
MEANINGS = {
    "record": "the record is no sample",
    "format": "not one think span and one answer span, or a reply of another form",
    "parts": "one of the four parts is missing",
    "label": "the reward's verifier does not call the answer right",
    "candidates": "too few candidates, or too many",
    "prediction": "the answer is none of the candidates",
    "taxonomy": "a candidate is no taxon",
    "near": "the candidates are not closely related",
    "language": "not in English",
    "length": "too short, or too long",
    "leakage": "it speaks of what a student is not shown",
    "copying": "it copies the question",
    "endpoint": "the teacher's endpoint gave nothing",
    "picture": "the picture cannot be opened",
}
"""What it is that a filter holds against a lesson."""
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_WRAPPED = re.compile(r"(?<=\S)\n(?=[a-z(])")
"""The end of a line inside a sentence."""


def build_page(shown: Sequence[Shown], *, title: str, facts: Mapping[str, Any] | None = None, most: int = MOST) -> str:
    """The page as text; write it to a file with UTF-8.

    Args:
        shown: all pictures; figures count all of them.
        title: of the page.
        facts: further figures, by name, as texts.
        most: pictures that get a place on the page; the page says where it is not all.
    """
    places = spread(shown, most)
    lessons = [lesson for one in shown for lesson in one.lessons]
    found = Counter(name for lesson in lessons for name in lesson.reasons)
    outcomes = Counter(one.outcome for one in shown)
    return (
        environment("rlfg.cot")
        .get_template("page.html.j2")
        .render(
            title=title,
            style=asset("base.css") + asset("page.css", "rlfg.cot"),
            script=asset("page.js", "rlfg.cot"),
            outcomes={name: outcomes[name] for name in OUTCOMES if outcomes[name]},
            pictures=len(shown),
            lessons=len(lessons),
            facts=facts or {},
            filters=[(name, found[name], MEANINGS.get(name, "")) for name in MEANINGS if found[name]],
            highest=max(found.values(), default=1),
            classes=_classes(shown),
            cards=[_card(one) for one in places],
        )
    )


def _classes(shown: Sequence[Shown]) -> list[tuple[str, int, int, int]]:
    """Name, pictures, accepted ones and lessons of each class, the hardest first."""
    pictures: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    lessons: Counter[str] = Counter()
    for one in shown:
        pictures[one.name] += 1
        accepted[one.name] += one.outcome == "accepted"
        lessons[one.name] += len(one.lessons)
    rows = [(name, pictures[name], accepted[name], lessons[name]) for name in pictures]
    return sorted(rows, key=lambda row: (row[2] / row[1], -row[3] / row[1], row[0]))


def _card(one: Shown) -> dict[str, Any]:
    picture, problem = thumbnail(None if one.image is None else str(one.image), size=SIZE)
    *before, last = one.lessons
    return {
        "id": one.id,
        "name": one.name,
        "outcome": one.outcome,
        "picture": picture,
        "problem": problem,
        "filters": " ".join(dict.fromkeys(name for lesson in one.lessons for name in lesson.reasons)),
        "last": _lesson(last, len(one.lessons)),
        "before": [_lesson(lesson, n) for n, lesson in enumerate(before, 1)],
    }


def _lesson(lesson: Lesson, number: int) -> dict[str, Any]:
    parts, answer, leaking = lesson.parts, lesson.answer, "leakage" in lesson.reasons
    said = None if answer is None else normalize(answer)
    texts = {part: parts.texts[part] for part in PARTS if parts.texts.get(part)}
    return {
        "number": number,
        "outcome": lesson.outcome,
        "reasons": [(name, why, MEANINGS.get(name, "")) for name, why in lesson.reasons.items()],
        "parts": [(part, TITLES[part], _marked(text, leaking=leaking)) for part, text in texts.items()],
        "candidates": [(name, normalize(name) == said) for name in parts.candidates],
        "answer": answer,
        "raw": "" if texts else _marked(lesson.completion, leaking=leaking),
        "words": len(lesson.completion.split()),
        "tokens": lesson.completion_tokens,
        "seconds": lesson.seconds,
    }


def _marked(text: str, *, leaking: bool) -> Markup:
    """The text with its bold words bold, and leaks marked."""
    pieces, end, text = [], 0, _WRAPPED.sub(" ", text)
    for begin, until in leaks(text) if leaking else ():
        pieces += [_bold(text[end:begin]), Markup("<mark>%s</mark>") % text[begin:until]]
        end = until
    return Markup("").join([*pieces, _bold(text[end:])])


def _bold(text: str) -> Markup:
    return Markup(_BOLD.sub(r"<b>\1</b>", str(escape(text))))

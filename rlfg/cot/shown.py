"""What there is to look through: pictures with every lesson that was written of them, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rlfg.cot.check import Checked
from rlfg.cot.formats import Sample
from rlfg.cot.journal import JOURNAL, SETTINGS, Attempt, read_journal
from rlfg.cot.parts import Parts, split_parts
from rlfg.data import DataSpec, load_examples, parse_answer
from rlfg.errors import RlfgError

OUTCOMES = ("accepted", "rejected", "failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """One text, and what the filters say of it."""

    outcome: str
    """One of `OUTCOMES`; failed is no text at all."""
    reasons: Mapping[str, str]
    completion: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    @property
    def parts(self) -> Parts:
        """The four parts, as far as they are there."""
        return split_parts(parse_answer(self.completion).thoughts or "")

    @property
    def answer(self) -> str | None:
        """What it ends in."""
        return parse_answer(self.completion).answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One picture."""

    id: str
    label: str | None
    image: Path | None
    lessons: tuple[Lesson, ...]
    """In the order they were made; the last is the one that counts."""

    @property
    def outcome(self) -> str:
        """Of the last lesson."""
        return self.lessons[-1].outcome

    @property
    def name(self) -> str:
        """The label; without one, what the last lesson says."""
        return self.label or self.lessons[-1].answer or "no label"


def of_build(folder: Path, data: str | None = None) -> list[Shown]:
    """The pictures that a folder of `rlfg cot build` has attempts of.

    Args:
        folder: of the build, which may be under way.
        data: the pictures' manifest, where it is no longer what the build was told.

    Raises:
        RlfgError: There is no build, or a picture is not in its data.
    """
    if not (folder / JOURNAL).is_file():
        raise RlfgError(f"{folder}: no {JOURNAL} in it; rlfg cot build writes one")
    if data is None:
        data = str(json.loads((folder / SETTINGS).read_text(encoding="utf-8"))["data"])
    examples = {example.id: example for example in load_examples(DataSpec(path=data))}
    made = read_journal(folder / JOURNAL)
    lost = next((id_ for id_ in made if id_ not in examples), None)
    if lost is not None:
        raise RlfgError(f"{folder / JOURNAL}: {lost!r} is not in {data}; name the build's manifest with --data")
    return [
        Shown(
            id=id_,
            label=examples[id_].label,
            image=Path(examples[id_].image),
            lessons=tuple(map(_of_attempt, tried)),
        )
        for id_, tried in made.items()
    ]


def of_check(checked: Sequence[Checked], images: Path) -> list[Shown]:
    """Samples of a file, with what the filters said; pictures' paths start from `images`."""
    return [_of_sample(one.sample, one.reasons, images) for one in checked]


def of_rejected(path: Path, images: Path) -> list[Shown] | None:
    """Lines that `rlfg cot check --rejected` wrote, their reasons as they are; None for any other file."""
    found = []
    with path.open(encoding="utf-8-sig") as lines:
        for line in lines:
            try:
                said = json.loads(line)
            except ValueError:
                return None
            if not isinstance(said, dict) or not {"where", "reasons", "completion"} <= said.keys():
                return None
            sample = Sample(
                where=said["where"],
                id=said["id"],
                images=tuple(said["images"]),
                question="",
                completion=said["completion"],
                label=said["label"],
            )
            found.append(_of_sample(sample, said["reasons"], images))
    return found or None


def spread(shown: Sequence[Shown], most: int) -> list[Shown]:
    """At most so many, in their order: every outcome in its share, from all over the file."""
    if len(shown) <= most:
        return list(shown)
    by_outcome = sorted(range(len(shown)), key=lambda i: (OUTCOMES.index(shown[i].outcome), i))
    return [shown[i] for i in sorted(by_outcome[k * len(shown) // most] for k in range(most))]


def _of_attempt(attempt: Attempt) -> Lesson:
    return Lesson(
        outcome=attempt.outcome,
        reasons=attempt.reasons,
        completion=attempt.completion or "",
        prompt_tokens=attempt.prompt_tokens,
        completion_tokens=attempt.completion_tokens,
        seconds=attempt.seconds,
    )


def _of_sample(sample: Sample, reasons: Mapping[str, str], images: Path) -> Shown:
    return Shown(
        id=sample.id,
        label=sample.label,
        image=images / sample.images[0] if sample.images else None,
        lessons=(Lesson(outcome="rejected" if reasons else "accepted", reasons=reasons, completion=sample.completion),),
    )

"""Two runs of closed questions, as `rlfg tally` marked them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eval.compare.comparison import Change, Comparison, Difference
from eval.compare.paired import differences_of, mcnemar, transitions
from eval.intervals import SAMPLES
from eval.marks import tallied_estimates
from eval.tally import Mark, Outcome, TalliedItem
from eval.tally.mark import OUTCOMES
from eval.tally.summary import value_names
from rlfg.errors import RlfgError

_NOT_RIGHT: tuple[Outcome, ...] = ("wrong", "unreadable", "empty")


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedMarks:
    """Two tallies, their items matched by id; each id of either is in one of these."""

    a: dict[str, TalliedItem]
    b: dict[str, TalliedItem]
    """Marked in both, in A's order."""
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    failed: tuple[str, ...]
    duplicates: tuple[str, ...]
    """In both; copies of an earlier line in at least one, and therefore left out of both."""

    @property
    def marks(self) -> tuple[list[Mark], list[Mark]]:
        """Those of either run, in the same order."""
        a, b = ([item.mark for item in run.values() if item.mark is not None] for run in (self.a, self.b))
        return a, b


def compare_tallies(
    protocol: str,
    a_items: Sequence[TalliedItem],
    b_items: Sequence[TalliedItem],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare run B with run A over the items both answered.

    Differences are those of the tally's metrics, over all questions of these items; their intervals are from a paired
    bootstrap over classes. For the test and the changes an item stands by its `item_outcome`. The test takes items as
    independent, the intervals do not.

    Args:
        protocol: of both.
        a_items: as `read_tallied` gives them.
        b_items: the same of the other run.
        samples: bootstrap resamples, as in a tally.
        seed: of the bootstrap, as in a tally.

    Raises:
        RlfgError: The runs share no answered item, or have other questions behind one id.
    """
    paired = pair_tallies(a_items, b_items)
    marks_a, marks_b = paired.marks
    outcomes = [(item_outcome(a), item_outcome(b)) for a, b in zip(marks_a, marks_b, strict=True)]
    items = zip(paired.a.values(), paired.b.values(), outcomes, strict=True)
    return Comparison(
        protocol=protocol,
        items=len(outcomes),
        questions=sum(len(mark.outcomes) for mark in marks_a),
        only_a=paired.only_a,
        only_b=paired.only_b,
        failed=paired.failed,
        duplicates=paired.duplicates,
        metrics=_differences(paired, samples, seed),
        mcnemar=mcnemar([(_right(a), _right(b)) for a, b in outcomes]),
        transitions=transitions(outcomes, OUTCOMES),
        changed=tuple(_change(a, b, moved) for a, b, moved in items if moved[0] != moved[1]),
    )


def pair_tallies(a_items: Sequence[TalliedItem], b_items: Sequence[TalliedItem]) -> PairedMarks:
    """Match by id; an item that cannot be compared is named, never dropped.

    Raises:
        RlfgError: The runs share no answered item, or have other questions behind one id.
    """
    a, b = ({item.id: item for item in items} for items in (a_items, b_items))
    shared = [id_ for id_ in a if id_ in b]
    for id_ in shared:
        _check_same(a[id_], b[id_])
    copies = {id_: None for id_ in shared if a[id_].copy_of is not None or b[id_].copy_of is not None}
    answered = [id_ for id_ in shared if a[id_].mark is not None and b[id_].mark is not None]
    if not answered:
        raise RlfgError("the two runs have no answered item in common; compare runs over the same questions")
    return PairedMarks(
        a={id_: a[id_] for id_ in answered},
        b={id_: b[id_] for id_ in answered},
        only_a=tuple(id_ for id_ in a if id_ not in b),
        only_b=tuple(id_ for id_ in b if id_ not in a),
        failed=tuple(id_ for id_ in shared if id_ not in copies and (a[id_].mark is None or b[id_].mark is None)),
        duplicates=tuple(copies),
    )


def item_outcome(mark: Mark) -> Outcome:
    """One outcome of an item, which may have several questions (rotations, ranks): right where all of them are.

    Else wrong where any is, else unreadable where any is, else empty. Questions without a right answer take no part;
    of an item that has no others the outcome is no_truth.
    """
    asked = set(mark.outcomes) - {"no_truth"}
    return next((outcome for outcome in _NOT_RIGHT if outcome in asked), "right" if asked else "no_truth")


def _check_same(a: TalliedItem, b: TalliedItem) -> None:
    found: list[tuple[str, object, object]] = [("truth", a.truth, b.truth)]
    if a.mark is not None and b.mark is not None:
        found += [("class", a.class_name, b.class_name)]
        found += [(name, a.asked.get(name), b.asked.get(name)) for name in (*a.asked, *b.asked)]
    for name, of_a, of_b in found:
        if of_a != of_b:
            there, here = (json.dumps(value, ensure_ascii=False) for value in (of_a, of_b))
            raise RlfgError(
                f'{b.where}: item "{b.id}" is another question than on {a.where}: its "{name}" is {there} there and '
                f"{here} here; compare runs over the same questions"
            )


def _differences(paired: PairedMarks, samples: int, seed: int) -> dict[str, Difference]:
    """Of every metric that either tally has."""
    marks_a, marks_b = paired.marks
    names = value_names([*marks_a, *marks_b])
    a, b = (tallied_estimates([*run.values()], names=names, samples=samples, seed=seed) for run in (paired.a, paired.b))
    return differences_of(a[:2], b[:2], a[2])


def _right(outcome: Outcome) -> bool | None:
    return None if outcome == "no_truth" else outcome == "right"


def _change(a: TalliedItem, b: TalliedItem, moved: tuple[Outcome, Outcome]) -> Change:
    return Change(
        id=a.id,
        truth=a.truth,
        a_verdict=moved[0],
        b_verdict=moved[1],
        a_answers=_answers(a),
        b_answers=_answers(b),
    )


def _answers(item: TalliedItem) -> dict[str, int]:
    """In the order of the questions: what was read, and where nothing could be, what was said."""
    if item.mark is None:
        return {}
    given = item.mark.answers or (None,) * len(item.mark.said)
    return dict(Counter(said or answer or "" for said, answer in zip(item.mark.said, given, strict=True)))

"""Matching two runs item by item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eval.score import ScoredItem
from rlfg.errors import RlfgError
from rlfg.types import NO_VERDICT, UNPARSED, Relation

_ORDER = {UNPARSED: -1} | {relation.value: relation.order for relation in Relation}
Answers = dict[str, list[ScoredItem]]
"""The scored answers of each item, by its id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedRuns:
    """Two runs, their items matched by id."""

    ids: tuple[str, ...]
    """Answered in both, in A's order."""
    a: Answers
    b: Answers
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    failed: tuple[str, ...]
    """In both, but without any answer in at least one."""

    def common(self, run: Answers) -> list[ScoredItem]:
        """The answers of one side to the items of `ids`."""
        return [item for id_ in self.ids for item in run[id_]]


def pair_runs(a_items: Sequence[ScoredItem], b_items: Sequence[ScoredItem]) -> PairedRuns:
    """Match by id; an item that cannot be compared is named, never dropped.

    Raises:
        RlfgError: the runs share no answered item, or disagree about an item's truth.
    """
    a, b = answers_by_id(a_items), answers_by_id(b_items)
    both = [id_ for id_ in a if id_ in b]
    for id_ in both:
        if a[id_][0].truth_class != b[id_][0].truth_class:
            truths = f'"{a[id_][0].truth}" in A and "{b[id_][0].truth}" in B'
            raise RlfgError(
                f'item "{id_}" has the truth {truths}, which are not one class; compare runs over the same items, both '
                "scored with the same taxonomy, or both without one"
            )
    answered = {id_: None for id_ in both if a[id_][0].error is None and b[id_][0].error is None}
    if not answered:
        raise RlfgError("the two runs have no answered item in common; compare runs over the same pictures")
    return PairedRuns(
        ids=tuple(answered),
        a=a,
        b=b,
        only_a=tuple(id_ for id_ in a if id_ not in b),
        only_b=tuple(id_ for id_ in b if id_ not in a),
        failed=tuple(id_ for id_ in both if id_ not in answered),
    )


def answers_by_id(items: Sequence[ScoredItem]) -> Answers:
    """The items in groups of one id, in order of appearance."""
    by_id: Answers = {}
    for item in items:
        by_id.setdefault(item.id, []).append(item)
    return by_id


def usual_verdict(answers: Sequence[ScoredItem]) -> str:
    """The most frequent decided verdict of an item, ties going to the worse; NO_VERDICT where none was decided."""
    counts = Counter(item.label for item in answers if item.verdict.decided)
    return max(counts, key=lambda label: (counts[label], -_ORDER[label]), default=NO_VERDICT)

"""What a comparison of two runs comes to, whatever they were asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from eval.intervals import Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One metric of two runs; None where it is undefined."""

    a: float | None
    b: float | None
    difference: float | None
    """b - a."""
    ci: Interval | None
    """95 % interval of the difference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class McNemar:
    """Items by which run was right about them, and the exact two-sided p of "equally often"."""

    both_correct: int
    only_a_correct: int
    only_b_correct: int
    neither_correct: int
    no_verdict: int
    """Items undecided in a run: in none of the other numbers."""
    p: float
    p_holm: float | None = None
    """Corrected for the other runs that were compared with A; None where there are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An item whose verdict differs between the runs, with all answers."""

    id: str
    truth: str
    a_verdict: str
    b_verdict: str
    a_answers: dict[str, int]
    b_answers: dict[str, int]
    """How often each answer was given; "" stands for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What a person calls things."""

    verdict: str
    correct: str
    undecided: str
    rule: str = ""
    """When an item of several questions is right."""


_OPEN = Words(verdict="verdict", correct="correct", undecided="no verdict")
_CLOSED = Words(
    verdict="outcome",
    correct="right",
    undecided="no truth",
    rule="an item of several questions is right where all of them are",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Run B against run A. `comparison_text` is for a person, `to_json` holds everything.

    Each id of either run is in one of `items`, `only_a`, `only_b`, `failed` and `duplicates`.
    """

    protocol: str = "open"
    """How both were asked."""
    items: int
    """Answered in both runs: what all numbers are about."""
    questions: int | None = None
    """Of these items; None for open ones, which may have any number of answers."""
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    failed: tuple[str, ...]
    """In both, but without any answer in at least one."""
    duplicates: tuple[str, ...] = ()
    """In both, and in at least one a copy of an earlier line. Scores of open questions leave none out."""
    metrics: dict[str, Difference]
    mcnemar: McNemar
    transitions: dict[str, dict[str, int]]
    """How many items went from A's verdict (outer key) to B's (inner key); zeros are left out."""
    changed: tuple[Change, ...]

    @property
    def words(self) -> Words:
        """How its parts are called."""
        return _OPEN if self.protocol == "open" else _CLOSED

    @property
    def apart(self) -> dict[str, int]:
        """How many ids are in no number, by the reason."""
        left = {"only in A": self.only_a, "only in B": self.only_b, "failed in either": self.failed}
        if self.protocol != "open":
            left["duplicates in either"] = self.duplicates
        return {why: len(ids) for why, ids in left.items()}

    @property
    def moves(self) -> list[tuple[int, str, str]]:
        """(items, A's verdict, B's) of those that changed, most first."""
        found = ((n, a, b) for a, row in self.transitions.items() for b, n in row.items() if a != b)
        return sorted(found, reverse=True)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return asdict(self)

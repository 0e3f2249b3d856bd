"""Depth-graded reward: a correct answer earns how far down the truth's path it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rewards.group import UNPARSED_REWARD
from rlfg.types import Relation, Verdict

NOMINAL_SPECIFICITY: Mapping[Relation, float] = {
    Relation.MORE_SPECIFIC: 1.0,
    Relation.SPECIFIC: 1.0,
    Relation.LESS_SPECIFIC: 0.75,
    Relation.GENERIC: 0.5,
}
"""Stands in for depth(answer) / depth(truth) where a verdict has a relation but no depth (a judge's)."""


def graded(verdicts: Sequence[Verdict]) -> list[float | None]:
    """The specificity of a correct answer, 0 for WRONG and ABSTAIN, -1 for UNPARSED, None without a verdict.

    The root ("bird" among birds) is correct and earns 0.
    """
    return [_grade(verdict) for verdict in verdicts]


def _grade(verdict: Verdict) -> float | None:
    if verdict.unparsed:
        return UNPARSED_REWARD
    if verdict.relation is None:
        return None
    if not verdict.relation.is_correct:
        return 0.0
    return NOMINAL_SPECIFICITY[verdict.relation] if verdict.specificity is None else verdict.specificity

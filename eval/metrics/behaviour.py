"""How a model answers, whether right or wrong: shares of all answers, and lengths.

- `parse_failure_rate`: no readable answer (UNPARSED).
- `refusal_rate`: declines to answer; by the resolver's status where a taxonomy read the answer, else by its words.
- `list_rate`: names several options; by the resolver's status, else "or", a separator or a line break between two
  parts.
- `hedge_rate`: a word of doubt stands in the answer ("possibly", "looks like", "?").
- `answer_words`: words of the answer, 0 where there is none. `completion_words`, `completion_tokens`: of the whole
  completion, where it (or its `usage`) is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from eval.score import ScoredItem
from eval.table import FloatArray
from rlfg.taxonomy import normalize
from rlfg.taxonomy.resolving.refusals import declines
from rlfg.types import Relation

LENGTHS = ("completion_words", "completion_tokens")
_DOUBT = re.compile(
    r"\b(?:probably|possibly|maybe|perhaps|likely|might|may be|could be|can be|appears? to be|seems?|looks? like"
    r"|resembles?|similar to|presumably|apparently|i (?:think|believe|guess|suspect|assume)"
    r"|not (?:entirely |quite )?(?:sure|certain)|some (?:kind|sort|type) of|a (?:kind|sort) of|or similar)\b"
)
_PARTED = re.compile(r"\w\s*(?:[;,/|\n]|\bor\b|\bvs\b)\s*\w", re.IGNORECASE)


def behaviour_columns(items: Sequence[ScoredItem]) -> dict[str, FloatArray]:
    """1 or 0 of each answer (lengths: a number; NaN where unknown); items that failed have no row."""
    answered = [item for item in items if item.error is None]
    rates = {
        "parse_failure_rate": [item.verdict.unparsed for item in answered],
        "refusal_rate": [_refuses(item) for item in answered],
        "list_rate": [_lists(item) for item in answered],
        "hedge_rate": [hedges(item.answer or "") for item in answered],
        "answer_words": [len((item.answer or "").split()) for item in answered],
    }
    lengths = {name: [item.scores.get(name) for item in answered] for name in LENGTHS}
    columns = {name: np.array(values, dtype=np.float64) for name, values in (rates | lengths).items()}
    return {name: values for name, values in columns.items() if name in rates or not np.isnan(values).all()}


@lru_cache(1 << 14)
def hedges(answer: str) -> bool:
    """Whether a word of doubt stands in it."""
    return "?" in answer or _DOUBT.search(normalize(answer)) is not None


def _refuses(item: ScoredItem) -> bool:
    if item.verdict.status is not None or item.answer is None:
        return item.verdict.relation is Relation.ABSTAIN or item.verdict.status == "abstain"
    return item.verdict.relation is Relation.ABSTAIN or declines(normalize(item.answer))


def _lists(item: ScoredItem) -> bool:
    if item.verdict.status is not None or item.answer is None:
        return item.verdict.status == "several"
    return _PARTED.search(item.answer) is not None

"""The distinct (answer, truth) pairs of a run: models repeat themselves, and each pair is looked at once.

Shape suffixes: N answers, P distinct pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from eval.score import ScoredItem
from eval.table import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairs:
    """Each distinct pair once, and which of them every answer is."""

    answers_P: tuple[str, ...]
    """"" where there was none."""
    truths_P: tuple[str, ...]
    pair_N: IntArray

    @classmethod
    def of(cls, items: Sequence[ScoredItem]) -> Self:
        """Those of all items that did not fail, in their order."""
        index: dict[tuple[str, str], int] = {}
        pair_of = [
            index.setdefault((item.answer or "", item.truth.strip()), len(index))
            for item in items
            if item.error is None
        ]
        answers, truths = zip(*index, strict=True) if index else ((), ())
        return cls(answers_P=answers, truths_P=truths, pair_N=np.array(pair_of, dtype=np.int64))

    @property
    def answered_P(self) -> BoolArray:
        """Which pairs have an answer at all."""
        return np.array([bool(answer) for answer in self.answers_P], dtype=np.bool_)

    def each(self, measure: Callable[[str, str], float]) -> FloatArray:
        """`measure(answer, truth)` of every answer, shape (N,)."""
        values_P = [measure(answer, truth) for answer, truth in zip(self.answers_P, self.truths_P, strict=True)]
        return self.spread(np.array(values_P, dtype=np.float64))

    def spread(self, values_P: FloatArray) -> FloatArray:
        """From pairs to answers."""
        return values_P[self.pair_N]

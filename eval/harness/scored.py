"""A run of open questions, as `rlfg score` judged it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.compare import run_estimates
from eval.harness.layout import Exported, Measured, Record, sample_record, standard_errors
from eval.intervals import SAMPLES
from eval.pairing import answers_by_id
from eval.score import ScoredItem
from eval.summary import split_groups
from eval.table import build_table
from rlfg.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True)
class ScoredRun(Exported):
    """Its pictures, each with one or more answers."""

    items: Sequence[ScoredItem]
    taxonomy: Taxonomy | None = None
    """Adds the metrics over the tree."""
    completions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Whole completions by picture, where they are known; else `resps` holds the answers."""

    def tasks(self) -> dict[str, Measured]:
        """Of all pictures, and of each group."""
        groups = {f"{self.task}_{name}": items for name, items in split_groups(self.items).items()}
        tasks = {self.task: self.items, **groups}
        return {task: _measured(items, self.taxonomy) for task, items in tasks.items()}

    def samples(self) -> list[Record]:
        """A line a picture, with all its answers."""
        return [self._sample(number, items) for number, items in enumerate(answers_by_id(self.items).values())]

    def asked(self) -> Record:
        """Each picture as often as it has answers; what was said is completions or answers."""
        return {
            "output_type": "generate_until",
            "repeats": max((len(items) for items in answers_by_id(self.items).values()), default=1),
            "metadata": {key: self.metrics[key] for key in ("taxonomy", "judge", "parse") if key in self.metrics}
            | {"resps": "completions" if self.completions else "answers"},
        }

    def _sample(self, number: int, items: Sequence[ScoredItem]) -> Record:
        first = items[0]
        answered = [item for item in items if item.error is None]
        answers = [item.answer or "" for item in answered]
        return sample_record(
            number,
            {"id": first.id, "image": first.image, "truth": first.truth, "group": first.group},
            first.truth,
            resps=[list(self.completions.get(first.id, answers))],
            filtered=answers,
            values=_values(answered),
            more={
                "verdicts": [item.label for item in items],
                **({} if first.error is None else {"error": first.error}),
            },
        )


def _measured(items: Sequence[ScoredItem], taxonomy: Taxonomy | None) -> Measured:
    values, draws, resamples = run_estimates(items, taxonomy, SAMPLES, 0)
    pictures = answers_by_id(items).values()
    return Measured(
        values=values,
        errors=standard_errors(draws, resamples),
        original=len(pictures),
        effective=sum(answers[0].error is None for answers in pictures),
    )


def _values(answered: Sequence[ScoredItem]) -> dict[str, float | None]:
    """Means over the answers of one picture; None where none of them is counted."""
    if not answered:
        return {}
    table = build_table(answered)
    decided = table.decided_N
    flags = {
        "correctness": np.where(decided, table.correct_N, np.nan),
        "specificity": np.where(table.correct_N, table.specificity_N, np.nan),
        "specific_share": np.where(decided, table.has("SPECIFIC", "MORE_SPECIFIC"), np.nan),
        "wrong_share": np.where(decided, table.has("WRONG"), np.nan),
    }
    scores = dict.fromkeys(name for item in answered for name in item.scores)
    columns = flags | {name: np.array([i.scores.get(name) for i in answered], dtype=np.float64) for name in scores}
    return {name: None if math.isnan(mean := _mean(values)) else mean for name, values in columns.items()}


def _mean(values: Any) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan

"""A run of closed questions, as `rlfg tally` marked it.

`accuracy` is called `acc`, as the harness calls it. A line's answers to several questions (rotations, ranks) are
several requests, and its `acc` is the share of them that are right. Labels that were ranked by log-probability are the
harness's `multiple_choice`: a request is an option, and the target is the number of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.harness.layout import Exported, Measured, Record, sample_record, standard_errors
from eval.marks import tallied_estimates
from eval.tally import Mark, TalliedItem
from rlfg.types import Prediction

INVALID = "[invalid]"
"""What the harness's filters give where nothing can be read."""
_METADATA = ("protocol", "parse", "chance", "lines", "failed", "duplicates")
_TOOK = ("usage", "logprobs")
"""Keys of a line that say what an answer took, or was."""


@dataclass(frozen=True, kw_only=True)
class TalliedRun(Exported):
    """Its lines, each with the questions it stands for."""

    items: Sequence[TalliedItem]
    lines: Mapping[str, Prediction] = field(default_factory=dict)
    """The predictions they were made of, by id, all of them or none. They add whole completions, log-probabilities,
    and all that was asked."""

    def tasks(self) -> dict[str, Measured]:
        """Of all lines, and of each group."""
        names = dict.fromkeys(item.group for item in self.items if item.group is not None)
        groups = {f"{self.task}_{name}": [item for item in self.items if item.group == name] for name in names}
        return {task: _measured(items) for task, items in {self.task: self.items, **groups}.items()}

    def samples(self) -> list[Record]:
        """A line for each of the tally."""
        return [self._sample(number, item) for number, item in enumerate(self.items)]

    def asked(self) -> Record:
        """Each question once; what was said is completions, answers, or log-probabilities."""
        said = "completions" if any(line.completions for line in self.lines.values()) else "answers"
        return {
            "output_type": "multiple_choice" if self._ranked else "generate_until",
            "repeats": 1,
            "metadata": {key: self.metrics[key] for key in _METADATA if self.metrics.get(key) is not None}
            | {"resps": "logprobs" if self._ranked else said},
        }

    @property
    def _ranked(self) -> bool:
        """Whether there are the log-probabilities of all options."""
        return self.metrics.get("protocol") == "rank" and bool(self.lines)

    def _sample(self, number: int, item: TalliedItem) -> Record:
        line = self.lines.get(item.id)
        resps, filtered = self._requests(item, line)
        return sample_record(
            number,
            self._doc(item, line),
            self._target(item, line),
            resps=resps,
            filtered=filtered,
            values={} if item.mark is None else _values(item.mark),
            more={
                "outcomes": [] if item.mark is None else list(item.mark.outcomes),
                **({} if item.error is None else {"error": item.error}),
                **({} if item.copy_of is None else {"copy_of": item.copy_of}),
            },
        )

    def _doc(self, item: TalliedItem, line: Prediction | None) -> Record:
        told = {} if line is None else {key: value for key, value in line.extra.items() if key not in _TOOK}
        known = {"images": list(item.images), "truth": item.truth, "class": item.class_name, "group": item.group}
        return {"id": item.id, **known, **item.asked, **told}

    def _requests(self, item: TalliedItem, line: Prediction | None) -> tuple[list[Any], list[Any]]:
        """What was said to each request, and what was read of it; nothing of failures and copies."""
        if item.mark is None:
            return [], []
        if self._ranked and line is not None:
            # Pairs, as there: the log-probability, and whether decoding greedily would say so, which is not known.
            scored: list[Any] = [[str(logp), None] for logp in line.extra["logprobs"][0]["sum"]]
            return [[pair] for pair in scored], scored
        said = line.completions if line is not None and line.completions else item.mark.answers or item.mark.said
        return [[text or ""] for text in said], [INVALID if text is None else text for text in item.mark.said]

    def _target(self, item: TalliedItem, line: Prediction | None) -> str:
        if self._ranked and line is not None:
            return str(line.extra["options"].index(line.extra["correct"]))
        return str(item.asked.get("correct", item.truth))


def _measured(items: Sequence[TalliedItem]) -> Measured:
    values, draws, resamples = tallied_estimates(items)
    return Measured(
        values=_named(values),
        errors=_named(standard_errors(draws, resamples)),
        original=len(items),
        effective=sum(item.mark is not None for item in items),
    )


def _values(mark: Mark) -> dict[str, float | None]:
    return {"acc": mark.right / mark.asked if mark.asked else None, **mark.values}


def _named(values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {"acc" if name == "accuracy" else name: value for name, value in values.items()}

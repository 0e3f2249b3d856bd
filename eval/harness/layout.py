"""What both files hold, whatever was asked.

The results file has `results` (task → "metric,filter" and "metric_stderr,filter"), `group_subtasks`, `configs`,
`versions`, `n-shot`, `higher_is_better`, `n-samples`, `config`, `git_hash` and `date`; the samples file a line per
item with `doc_id`, `doc`, `target`, `resps`, `filtered_resps`, `metrics` and each metric by its name. Our filter is
"none". Groups of items become tasks of their own, named task_group, under the task of all.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.intervals import SAMPLES, ClassBootstrap
from eval.table import FloatArray
from rlfg import __version__

Record = dict[str, Any]
LESS_IS_BETTER = (
    "wrong_share", "severity", "tree_induced_error", "hierarchical_distance", "parse_failure_rate", "refusal_rate",
    "list_rate", "hedge_rate", "off_by",
)  # fmt: skip
NEITHER = ("answer_words", "completion_words", "completion_tokens", "says_same")
"""Lengths, and how often one answer is given: `higher_is_better` is null."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The numbers of a task: of all items of a run, or of one group."""

    values: Mapping[str, float | None]
    """By metric; what is None is left out, as the harness has no word for it."""
    errors: Mapping[str, float | None]
    """Standard errors; None, there "N/A", where nothing can vary."""
    original: int
    """Items in the file."""
    effective: int
    """Those of them that the numbers are about."""


@dataclass(frozen=True, kw_only=True)
class Exported(ABC):
    """A run, and what it is called."""

    task: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """`metrics.json`: who decided, from which file, at which commit."""
    model: str = ""
    date: float = 0.0
    """Seconds since 1970 at which the run was scored."""

    @abstractmethod
    def tasks(self) -> dict[str, Measured]:
        """The task of all items by its name, then those of its groups."""

    @abstractmethod
    def samples(self) -> list[Record]:
        """A line per item, in order; one whose model failed has no answer, no metric and its `error`."""

    @abstractmethod
    def asked(self) -> Record:
        """`output_type`, `repeats` and `metadata` of the config."""


def results_record(run: Exported) -> Record:
    """The results file."""
    tasks = run.tasks()
    names = {task: [n for n, value in found.values.items() if value is not None] for task, found in tasks.items()}
    return {
        "results": {task: _results(task, found, names[task]) for task, found in tasks.items()},
        "group_subtasks": {run.task: [task for task in tasks if task != run.task]},
        "configs": {task: _config(task, names[task], run) for task in tasks},
        "versions": dict.fromkeys(tasks, __version__),
        "n-shot": dict.fromkeys(tasks, 0),
        "higher_is_better": {task: {name: higher_is_better(name) for name in names[task]} for task in tasks},
        "n-samples": {t: {"original": found.original, "effective": found.effective} for t, found in tasks.items()},
        "config": {
            "model": "rlfg",
            "model_args": f"pretrained={run.model}",
            "bootstrap_iters": SAMPLES,
            "numpy_seed": 0,
            "limit": None,
        },
        "git_hash": run.metrics.get("revision"),
        "date": run.date,
        "task_hashes": {run.task: _hash("".join(_hashes(record) for record in run.samples()))},
        "model_source": "rlfg",
        "model_name": run.model,
        "model_name_sanitized": run.model.replace("/", "__"),
        "rlfg_version": __version__,
    }


def sample_record(
    number: int,
    doc: Mapping[str, Any],
    target: str,
    *,
    resps: Sequence[Any],
    filtered: Sequence[Any],
    values: Mapping[str, float | None],
    more: Mapping[str, Any],
) -> Record:
    """A line of the samples file.

    Args:
        number: of the line, from 0.
        doc: what was asked.
        target: the right answer.
        resps: what was said, a list for each request.
        filtered: what was read of it.
        values: what the item adds to each metric.
        more: keys of our own.
    """
    return {
        "doc_id": number,
        "doc": doc,
        "target": target,
        "arguments": {},
        "resps": resps,
        "filtered_resps": filtered,
        "filter": "none",
        "metrics": list(values),
        "doc_hash": _hash(json.dumps(doc, ensure_ascii=False)),
        "prompt_hash": _hash(""),
        "target_hash": _hash(target),
        **more,
        **values,
    }


def standard_errors(draws: Mapping[str, FloatArray], resamples: ClassBootstrap) -> dict[str, float | None]:
    """Of each metric, by the bootstrap over classes; None with one class."""
    found: dict[str, float | None] = {}
    for name, draws_B in draws.items():
        known = draws_B[~np.isnan(draws_B)]
        varies = len(known) > 1 and resamples.weights_BC.shape[1] > 1
        found[name] = float(np.std(known, ddof=1)) if varies else None
    return found


def higher_is_better(metric: str) -> bool | None:
    """Of a metric by its name; None where neither is."""
    return None if metric in NEITHER else metric.split("@")[0] not in LESS_IS_BETTER


def _results(task: str, found: Measured, names: Sequence[str]) -> Record:
    record: Record = {"alias": task, "sample_len": found.original}
    for name in names:
        error = found.errors[name]
        record[f"{name},none"] = found.values[name]
        record[f"{name}_stderr,none"] = "N/A" if error is None else error
    return record


def _config(task: str, metrics: Sequence[str], run: Exported) -> Record:
    return {
        "task": task,
        "dataset_path": run.metrics.get("predictions"),
        "num_fewshot": 0,
        "metric_list": [
            {"metric": name, "aggregation": "mean", "higher_is_better": higher_is_better(name)} for name in metrics
        ],
        **run.asked(),
    }


def _hashes(record: Record) -> str:
    return str(record["doc_hash"] + record["prompt_hash"] + record["target_hash"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

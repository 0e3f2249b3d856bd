"""Scored runs in the layout of lm-evaluation-harness 0.4, which lmms-eval took over: a results file and samples.

The results file has `results` (task → "metric,filter" and "metric_stderr,filter"), `group_subtasks`, `configs`,
`versions`, `n-shot`, `higher_is_better`, `n-samples`, `config`, `git_hash` and `date`; the samples file a line per
picture with `doc_id`, `doc`, `target`, `resps`, `filtered_resps`, `metrics` and each metric by its name. Our filter is
"none". Groups of items become tasks of their own, named task_group, under the task of all.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.compare import run_estimates
from eval.intervals import SAMPLES
from eval.pairing import answers_by_id
from eval.score import ScoredItem
from eval.summary import split_groups
from eval.table import build_table
from rlfg import __version__
from rlfg.taxonomy import Taxonomy

Record = dict[str, Any]
LESS_IS_BETTER = (
    "wrong_share", "severity", "tree_induced_error", "hierarchical_distance", "parse_failure_rate", "refusal_rate",
    "list_rate", "hedge_rate",
)  # fmt: skip
NEITHER = ("answer_words", "completion_words", "completion_tokens")
"""Lengths: `higher_is_better` is null."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What is exported, and what it is called."""

    task: str
    items: Sequence[ScoredItem]
    taxonomy: Taxonomy | None = None
    """Adds the metrics over the tree."""
    completions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Whole completions by picture, where they are known; else `resps` holds the answers."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """`metrics.json`: the config of the task."""
    model: str = ""
    revision: str | None = None
    date: float = 0.0
    """Seconds since 1970 at which the run was scored."""


def results_record(run: Exported) -> Record:
    """The results file."""
    groups = {f"{run.task}_{name}": items for name, items in split_groups(run.items).items()}
    tasks = {run.task: list(run.items), **groups}
    found = {task: _task(task, items, run.taxonomy) for task, items in tasks.items()}
    names = {task: [key.split(",")[0] for key in record if key.endswith(",none")] for task, record in found.items()}
    metrics = {task: [name for name in names[task] if not name.endswith("_stderr")] for task in tasks}
    pictures = {task: answers_by_id(items) for task, items in tasks.items()}
    return {
        "results": found,
        "group_subtasks": {run.task: list(groups)},
        "configs": {task: _config(task, metrics[task], run) for task in tasks},
        "versions": dict.fromkeys(tasks, __version__),
        "n-shot": dict.fromkeys(tasks, 0),
        "higher_is_better": {task: {name: higher_is_better(name) for name in metrics[task]} for task in tasks},
        "n-samples": {
            task: {"original": len(by_id), "effective": sum(items[0].error is None for items in by_id.values())}
            for task, by_id in pictures.items()
        },
        "config": {
            "model": "rlfg",
            "model_args": f"pretrained={run.model}",
            "bootstrap_iters": SAMPLES,
            "numpy_seed": 0,
            "limit": None,
        },
        "git_hash": run.revision,
        "date": run.date,
        "task_hashes": {run.task: _hash("".join(_hashes(record) for record in sample_records(run)))},
        "model_source": "rlfg",
        "model_name": run.model,
        "model_name_sanitized": run.model.replace("/", "__"),
        "rlfg_version": __version__,
    }


def sample_records(run: Exported) -> list[Record]:
    """A line per picture, in order; one whose model failed has no answer, no metric and its `error`."""
    return [_sample(number, items, run) for number, items in enumerate(answers_by_id(run.items).values())]


def higher_is_better(metric: str) -> bool | None:
    """Of a metric by its name; None where neither is."""
    return None if metric in NEITHER else metric.split("@")[0] not in LESS_IS_BETTER


def _task(task: str, items: Sequence[ScoredItem], taxonomy: Taxonomy | None) -> Record:
    """Values with bootstrap standard errors, clustered by class: "N/A" where nothing can vary, as there."""
    values, draws, resamples = run_estimates(items, taxonomy, SAMPLES, 0)
    record: Record = {"alias": task, "sample_len": len(answers_by_id(items))}
    for name, value in values.items():
        if value is None:
            continue  # undefined: the harness has no word for it
        known = draws[name][~np.isnan(draws[name])]
        varies = len(known) > 1 and resamples.weights_BC.shape[1] > 1
        record[f"{name},none"] = value
        record[f"{name}_stderr,none"] = float(np.std(known, ddof=1)) if varies else "N/A"
    return record


def _config(task: str, metrics: Sequence[str], run: Exported) -> Record:
    return {
        "task": task,
        "dataset_path": run.metrics.get("predictions"),
        "output_type": "generate_until",
        "repeats": max((len(items) for items in answers_by_id(run.items).values()), default=1),
        "num_fewshot": 0,
        "metric_list": [
            {"metric": name, "aggregation": "mean", "higher_is_better": higher_is_better(name)} for name in metrics
        ],
        "metadata": {key: run.metrics[key] for key in ("taxonomy", "judge", "parse") if key in run.metrics}
        | {"resps": "completions" if run.completions else "answers"},
    }


def _sample(number: int, items: Sequence[ScoredItem], run: Exported) -> Record:
    first = items[0]
    answered = [item for item in items if item.error is None]
    answers = [item.answer or "" for item in answered]
    doc = {"id": first.id, "image": first.image, "truth": first.truth, "group": first.group}
    values = _values(answered)
    return {
        "doc_id": number,
        "doc": doc,
        "target": first.truth,
        "arguments": {},
        "resps": [list(run.completions.get(first.id, answers))],
        "filtered_resps": answers,
        "filter": "none",
        "metrics": list(values),
        "doc_hash": _hash(json.dumps(doc, ensure_ascii=False)),
        "prompt_hash": _hash(""),
        "target_hash": _hash(first.truth),
        "verdicts": [item.label for item in items],
        **({} if first.error is None else {"error": first.error}),
        **values,
    }


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


def _hashes(record: Record) -> str:
    return str(record["doc_hash"] + record["prompt_hash"] + record["target_hash"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

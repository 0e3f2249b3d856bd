"""Every answer of every run, packed into the page: columns of numbers that point into one list of texts.

The page unpacks them itself (gzip in base64, about 60 bytes an answer), so that filters work on all answers and not
only on those whose pictures are embedded.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.report.agreement import agreement
from eval.report.audit import is_nameless, status_of, truth_row
from eval.report.mistakes import Partings, rank_name
from eval.report.ranks import Levels
from eval.sampled import Sampled
from eval.score import FAILED, ScoredItem
from eval.table import NO_NODE, FloatArray
from rlfg.taxonomy import Taxonomy
from rlfg.types import VERDICT_LABELS

LABELS = (*VERDICT_LABELS, FAILED)
Thoughts = Mapping[tuple[str, int], str]
"""(id, sample) → what the model wrote before its answer."""
Column = list[int] | list[float | None]


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """A run's answers, and where they stand in the taxonomy; the facts have a row for each answer that did not fail."""

    items: Sequence[ScoredItem]
    partings: Partings | None = None
    levels: Levels | None = None
    thoughts: Thoughts | None = None
    columns: Mapping[str, FloatArray] = field(default_factory=dict)
    """What each answer that did not fail adds to a metric, beside the items' own scores; NaN is not counted."""
    sampled: Sampled | None = None
    """What the answers to each picture come to, where there are several."""

    @property
    def scores(self) -> dict[str, None]:
        """Names of all values of single answers."""
        return dict.fromkeys([*self.columns, *(name for item in self.items for name in item.scores)])


def pack_rows(
    runs: Mapping[str, RunFacts], ids: Sequence[str], pictures: Mapping[str, int], taxonomy: Taxonomy | None
) -> str:
    """Base64 of the gzipped JSON.

    Args:
        runs: in the order to show.
        ids: all pictures, in the order of the gallery.
        pictures: which of the embedded pictures an id has, for those that have one.
        taxonomy: for lineages and names of taxa.
    """
    texts = _Pool()
    place = {id_: row for row, id_ in enumerate(ids)}
    first: dict[str, ScoredItem] = {}
    for facts in runs.values():
        for item in facts.items:
            if item.id not in first or (first[item.id].error is not None and item.error is None):
                first[item.id] = item
    lineages = _Lineages(taxonomy, texts)
    data = {
        "labels": LABELS,
        "pictures": {
            "id": [texts.of(id_) for id_ in ids],
            "truth": [texts.of(first[id_].truth) for id_ in ids],
            "lineage": [lineages.of(first[id_]) for id_ in ids],
            "group": [texts.of(first[id_].group) for id_ in ids],
            "file": [texts.of(first[id_].image) for id_ in ids],
            "embedded": [pictures.get(id_, -1) for id_ in ids],
        },
        "runs": [
            {"name": name, **_columns(facts, place, texts), **_agreement(facts, taxonomy, place, texts)}
            for name, facts in runs.items()
        ],
        "ranks": next((facts.levels.names for facts in runs.values() if facts.levels is not None), ()),
        "nodes": _nodes(runs.values(), taxonomy),
        "texts": texts.texts,
    }
    raw = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(raw, 5, mtime=0)).decode()


class _Pool:
    """Texts by number; nothing is 0."""

    def __init__(self) -> None:
        self.texts, self.numbers = [""], {"": 0}

    def of(self, text: str | None) -> int:
        if not text:
            return 0
        number = self.numbers.setdefault(text, len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number


class _Lineages:
    """The taxa above a truth, without the root, as one text."""

    def __init__(self, taxonomy: Taxonomy | None, texts: _Pool) -> None:
        self.taxonomy, self.texts, self.known = taxonomy, texts, dict[int, int]()

    def of(self, item: ScoredItem) -> int:
        node, taxonomy = item.verdict.truth_node, self.taxonomy
        if taxonomy is None or node is None:
            return self.texts.of(item.truth_taxon or "not in the taxonomy")
        if node not in self.known:
            above = taxonomy.lineage(node)[1:-1]
            self.known[node] = self.texts.of(" › ".join(taxonomy.node_name(one) for one in above))
        return self.known[node]


def _columns(facts: RunFacts, place: Mapping[str, int], texts: _Pool) -> dict[str, Any]:
    items, traces = facts.items, dict[tuple[str, ...], int]()
    label = {name: number for number, name in enumerate(LABELS)}
    answered = np.array([item.error is None for item in items], dtype=np.bool_)
    thoughts = facts.thoughts or {}
    columns: dict[str, Any] = {
        "picture": [place[item.id] for item in items],
        "answer": [texts.of(item.answer) for item in items],
        "label": [label[item.label] for item in items],
        "status": [0 if item.error is not None else texts.of(status_of(item)) for item in items],
        "taxon": [texts.of(item.verdict.answer_taxon) for item in items],
        "truths": [0 if item.error is not None else texts.of(truth_row(item)) for item in items],
        "flags": [is_nameless(item) + 2 * item.verdict.truth_assisted for item in items],
        "trace": [traces.setdefault(item.trace or (item.verdict.reason,), len(traces)) for item in items],
        "traces": [[texts.of(step) for step in trace] for trace in traces],
        "thoughts": [texts.of(thoughts.get((item.id, item.sample))) for item in items] if thoughts else [],
    }
    if facts.partings is not None:
        for name in ("at", "truth", "answer"):
            columns[f"{name}_node"] = _spread(answered, getattr(facts.partings, f"{name}_N"), NO_NODE)
    if facts.levels is not None:
        for name in ("right", "missed", "short"):
            columns[name] = _spread(answered, _bits(getattr(facts.levels, f"{name}_NL")), 0)
    return columns | {"scores": _scores(facts, answered)}


def _agreement(
    facts: RunFacts, taxonomy: Taxonomy | None, place: Mapping[str, int], texts: _Pool
) -> dict[str, dict[str, Any]]:
    if facts.sampled is None or taxonomy is None:
        return {}
    return {"sampled": agreement(facts.sampled, taxonomy, place, texts.of)}


def _spread(answered: Any, values_N: Any, otherwise: int) -> list[int]:
    """A row for each item, failed ones too."""
    found = np.full(len(answered), otherwise, dtype=np.int64)
    found[answered] = values_N
    rows: list[int] = found.tolist()
    return rows


def _bits(flags_NL: Any) -> Any:
    """Each row as one number, level k its bit k; of at most 31 levels, which is what JavaScript shifts."""
    shown = flags_NL[:, :31]
    return shown.astype(np.int64) @ (1 << np.arange(shown.shape[1], dtype=np.int64))


def _scores(facts: RunFacts, answered: Any) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for name in facts.scores:
        if name in facts.columns:
            column = np.full(len(answered), np.nan)
            column[answered] = facts.columns[name]
            values: list[float | None] = column.tolist()
        else:
            values = [item.scores.get(name) for item in facts.items]
        found[name] = [_short(value) for value in values]
    return found


def _short(value: float | None) -> float | None:
    """Four decimals, and no point where there is nothing behind it."""
    if value is None or value != value:
        return None
    return int(value) if value == int(value) else round(value, 4)


def _nodes(runs: Iterable[RunFacts], taxonomy: Taxonomy | None) -> dict[int, tuple[str, str]]:
    """Name and rank of the taxa at which answers part from truths, and of their children."""
    if taxonomy is None:
        return {}
    columns = [
        column
        for f in runs
        if f.partings is not None
        for column in (f.partings.at_N, f.partings.truth_N, f.partings.answer_N)
    ]
    nodes = np.unique(np.concatenate(columns)) if columns else np.array([], dtype=np.int64)
    return {node: (taxonomy.node_name(node), rank_name(node, taxonomy)) for node in nodes.tolist() if node != NO_NODE}

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
from functools import cached_property
from typing import Any

import numpy as np

from eval.report.agreement import agreement
from eval.report.audit import is_nameless, status_of, truth_row
from eval.report.cards import Card, Key
from eval.report.closed import OUTCOME_MEANINGS, ClosedRun
from eval.report.closed_rows import COPY, closed_columns
from eval.report.mistakes import Partings, rank_name
from eval.report.ranks import Levels
from eval.sampled import Sampled
from eval.score import FAILED, ScoredItem
from eval.table import NO_NODE, FloatArray
from rlfg.taxonomy import Taxonomy
from rlfg.types import VERDICT_LABELS

LABELS = tuple(dict.fromkeys(["RIGHT", *VERDICT_LABELS, FAILED, *map(str.upper, OUTCOME_MEANINGS), COPY]))
"""Verdicts of open answers and outcomes of closed questions; WRONG is one of both."""
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

    @cached_property
    def scores(self) -> dict[str, None]:
        """Names of all values of single answers."""
        return dict.fromkeys([*self.columns, *(name for item in self.items for name in item.scores)])


def pack_rows(
    runs: Mapping[str, RunFacts],
    closed: Mapping[str, ClosedRun],
    cards: Mapping[Key, Card],
    pictures: Mapping[Key, int],
    taxonomy: Taxonomy | None,
) -> str:
    """Base64 of the gzipped JSON.

    Args:
        runs: in the order to show.
        closed: tallies, after them.
        cards: of the gallery, in its order.
        pictures: which of the embedded pictures a card has, for those that have one.
        taxonomy: for names of taxa.
    """
    texts = _Pool()
    place = {key: row for row, key in enumerate(cards)}
    of_id = {key: row for key, row in place.items() if isinstance(key, str)}
    label = {name: number for number, name in enumerate(LABELS)}
    data = {
        "labels": LABELS,
        "pictures": {
            "id": [texts.of(card.id) for card in cards.values()],
            "truth": [texts.of(card.truth) for card in cards.values()],
            "lineage": [texts.of(card.above) for card in cards.values()],
            "group": [texts.of(card.group) for card in cards.values()],
            "file": [texts.of(" ".join(card.files)) for card in cards.values()],
            "embedded": [pictures.get(key, -1) for key in cards],
        },
        "runs": [
            *(
                {"name": name, **_columns(facts, of_id, label, texts), **_agreement(facts, taxonomy, of_id, texts)}
                for name, facts in runs.items()
            ),
            *({"name": name, **closed_columns(run, cards, place, label, texts.of)} for name, run in closed.items()),
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


def _columns(facts: RunFacts, place: Mapping[str, int], label: Mapping[str, int], texts: _Pool) -> dict[str, Any]:
    items, traces = facts.items, dict[tuple[str, ...], int]()
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

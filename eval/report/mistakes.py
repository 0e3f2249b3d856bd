"""Where wrong answers go astray: the lowest taxon that still holds both the answer and the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.metrics.tree import heights, lowest_common_ancestors
from eval.score import ScoredItem
from eval.table import NO_NODE
from rlfg.taxonomy import Taxonomy

_ROWS = 30
_PAIRS = 2
NOWHERE = "names no taxon"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fork:
    """A taxon under which answers and truths part."""

    name: str
    rank: str
    depth: int
    counts: tuple[int, ...]
    """Wrong answers of each run."""
    pairs: tuple[tuple[str, str, int], ...]
    """The last run's most frequent (truth, answer, count) that part here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistakes:
    """All wrong answers of all runs, each in exactly one fork, in `rest` or in `nowhere`."""

    runs: tuple[str, ...]
    totals: tuple[int, ...]
    forks: tuple[Fork, ...]
    """In tree order."""
    rest: tuple[int, ...]
    """At taxa beyond the most frequent ones."""
    rest_taxa: int
    nowhere: tuple[int, ...]
    """Answers that name no taxon of the tree, or several."""
    levels: tuple[tuple[str, tuple[int, ...]], ...]
    """(rank where they part, count of each run), from the mildest to the worst."""
    most: int
    """The largest count of a fork: full bar width."""


def find_mistakes(runs: Mapping[str, Sequence[ScoredItem]], taxonomy: Taxonomy, *, rows: int = _ROWS) -> Mistakes:
    """Count the WRONG answers by the lowest common ancestor of answer and truth."""
    wrong = {name: [item for item in items if item.label == "WRONG"] for name, items in runs.items()}
    placed = {name: _ancestors(items, taxonomy) for name, items in wrong.items()}
    counts = {name: Counter(node for node in nodes if node != NO_NODE) for name, nodes in placed.items()}
    every = sorted(set().union(*counts.values()), key=lambda node: -max(c[node] for c in counts.values()))
    kept = sorted(every[:rows])
    last = next(reversed(wrong), None)
    pairs = {} if last is None else _pairs(wrong[last], placed[last])
    return Mistakes(
        runs=tuple(runs),
        totals=tuple(len(items) for items in wrong.values()),
        forks=tuple(_fork(node, counts, pairs.get(node, Counter()), taxonomy) for node in kept),
        rest=tuple(sum(c[node] for node in every[rows:]) for c in counts.values()),
        rest_taxa=len(every[rows:]),
        nowhere=tuple(nodes.count(NO_NODE) for nodes in placed.values()),
        levels=_levels(counts, taxonomy),
        most=max((max(c[node] for c in counts.values()) for node in kept), default=0),
    )


def _ancestors(items: Sequence[ScoredItem], taxonomy: Taxonomy) -> list[int]:
    """LCA of each item's answer and truth; `NO_NODE` where the answer has no taxon."""
    answers = [NO_NODE if i.verdict.answer_node is None else i.verdict.answer_node for i in items]
    truths = [NO_NODE if i.verdict.truth_node is None else i.verdict.truth_node for i in items]
    found = lowest_common_ancestors(taxonomy, np.array(answers, dtype=np.int64), np.array(truths, dtype=np.int64))
    return [int(node) for node in found]


def _pairs(items: Sequence[ScoredItem], nodes: Sequence[int]) -> dict[int, Counter[tuple[str, str]]]:
    pairs: dict[int, Counter[tuple[str, str]]] = {}
    for item, node in zip(items, nodes, strict=True):
        pairs.setdefault(node, Counter())[item.truth, item.answer or ""] += 1
    return pairs


def _fork(node: int, counts: Mapping[str, Counter[int]], pairs: Counter[tuple[str, str]], taxonomy: Taxonomy) -> Fork:
    return Fork(
        name=taxonomy.node_name(node),
        rank=_rank(node, taxonomy),
        depth=int(taxonomy.depth[node]),
        counts=tuple(of_run[node] for of_run in counts.values()),
        pairs=tuple((truth, answer, count) for (truth, answer), count in pairs.most_common(_PAIRS)),
    )


def _levels(counts: Mapping[str, Counter[int]], taxonomy: Taxonomy) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Counts by rank of the common taxon, lowest (a near miss) first."""
    height = heights(taxonomy)
    names: dict[str, int] = {}
    for node in set().union(*counts.values()):
        rank = _rank(node, taxonomy)
        names[rank] = max(names.get(rank, 0), int(height[node]))
    totals = {
        rank: tuple(sum(n for node, n in c.items() if _rank(node, taxonomy) == rank) for c in counts.values())
        for rank in names
    }
    return tuple((rank, totals[rank]) for rank in sorted(names, key=lambda rank: names[rank]))


def _rank(node: int, taxonomy: Taxonomy) -> str:
    if node == 0:
        return "root"
    return taxonomy.ranks[node] or f"level {int(taxonomy.depth[node])}"

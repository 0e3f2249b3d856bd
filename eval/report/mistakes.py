"""Where wrong answers go astray: a tree of the lowest taxa that still hold both the answer and the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.metrics.tree import heights, lowest_common_ancestors
from eval.report.links import link
from eval.score import ScoredItem
from eval.table import NO_NODE, IntArray
from rlfg.taxonomy import Taxonomy

_PAIRS, _REST = 8, 200
"""Pairs of siblings that a fork shows, and those it has folded away; still others are counted."""
_WORST = 15
Key = tuple[int, int, int]
"""Common taxon, its child towards the truth, its child towards the answer; or the taxon itself where one ends there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Partings:
    """Where the answers of a run part from the truth: a row for each that did not fail, `NO_NODE` where not WRONG."""

    at_N: IntArray
    truth_N: IntArray
    """The child of `at` on the way to the truth."""
    answer_N: IntArray
    wrong: int
    nowhere: int
    """WRONG answers that name no taxon, or several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two children of a taxon, of which one is taken for the other."""

    under: str
    truth: str
    answer: str
    counts: tuple[int, ...]
    """Of each run."""
    hrefs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fork:
    """A taxon at or below which answers and truths part. `own` and the children's totals add up to `total`."""

    name: str
    """With the names of those above it where nothing parts or branches off."""
    rank: str
    total: tuple[int, ...]
    own: tuple[int, ...]
    under_hrefs: tuple[str, ...]
    own_hrefs: tuple[str, ...]
    pairs: tuple[Pair, ...]
    rest: tuple[Pair, ...]
    """Less frequent ones."""
    more: tuple[int, ...]
    """Own mistakes of each run in pairs beyond those."""
    children: tuple[Fork, ...]

    def walk(self) -> Iterator[Fork]:
        """This one and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistakes:
    """All WRONG answers of all runs: each is in `nowhere` or in exactly one fork's `own`."""

    runs: tuple[str, ...]
    totals: tuple[int, ...]
    root: Fork | None
    """None where no wrong answer names a taxon."""
    nowhere: tuple[int, ...]
    levels: tuple[tuple[str, tuple[int, ...]], ...]
    """(rank where they part, count of each run), from the mildest to the worst."""
    worst: tuple[Pair, ...]
    """The most frequent pairs, by the last run."""


def partings(items: Sequence[ScoredItem], taxonomy: Taxonomy) -> Partings:
    """Of the answers that did not fail, in order."""
    answered = [item for item in items if item.error is None]
    wrong_N = np.array([item.label == "WRONG" for item in answered], dtype=np.bool_)
    nodes = [(i.verdict.truth_node, i.verdict.answer_node) for i in answered]
    both = np.array([[NO_NODE if n is None else n for n in pair] for pair in nodes], dtype=np.int64).reshape(-1, 2)
    both[~wrong_N] = NO_NODE
    at_N = lowest_common_ancestors(taxonomy, both[:, 0], both[:, 1])
    return Partings(
        at_N=at_N,
        truth_N=_child_towards(taxonomy, at_N, both[:, 0]),
        answer_N=_child_towards(taxonomy, at_N, both[:, 1]),
        wrong=int(wrong_N.sum()),
        nowhere=int((wrong_N & (at_N == NO_NODE)).sum()),
    )


def find_mistakes(runs: Mapping[str, Partings], taxonomy: Taxonomy) -> Mistakes:
    """Count the WRONG answers by the lowest common ancestor of answer and truth."""
    counts = {name: _keys(found) for name, found in runs.items()}
    every = sorted(set().union(*counts.values()))
    tree = _Tree(taxonomy, counts, every)
    return Mistakes(
        runs=tuple(runs),
        totals=tuple(found.wrong for found in runs.values()),
        root=tree.fork(0) if every else None,
        nowhere=tuple(found.nowhere for found in runs.values()),
        levels=tree.levels(),
        worst=tuple(tree.pair(key) for key in sorted(every, key=tree.order)[:_WORST]),
    )


def _keys(found: Partings) -> Counter[Key]:
    parted = found.at_N != NO_NODE
    columns = (found.at_N[parted], found.truth_N[parted], found.answer_N[parted])
    return Counter(zip(*(column.tolist() for column in columns), strict=True))


def _child_towards(taxonomy: Taxonomy, above_N: IntArray, below_N: IntArray) -> IntArray:
    """The child of `above` that holds `below`; `below` itself where they are one."""
    current = below_N.copy()
    while (higher := (above_N != NO_NODE) & (current != above_N) & (taxonomy.parent[current] != above_N)).any():
        current[higher] = taxonomy.parent[current[higher]]
    return np.where(above_N == NO_NODE, NO_NODE, current)


class _Tree:
    """Makes forks and pairs out of counted keys."""

    def __init__(self, taxonomy: Taxonomy, counts: Mapping[str, Counter[Key]], every: Sequence[Key]) -> None:
        self.taxonomy, self.runs, self.counts = taxonomy, tuple(counts), tuple(counts.values())
        self.keys: dict[int, list[Key]] = {}
        for key in every:
            self.keys.setdefault(key[0], []).append(key)
        self.children: dict[int, set[int]] = {}
        for node in self.keys:
            while node and node not in self.children.get(parent := int(taxonomy.parent[node]), ()):
                self.children.setdefault(parent, set()).add(node)
                node = parent

    def fork(self, node: int) -> Fork:
        """The fork of a node, its chain of lone children without mistakes of their own folded into one."""
        names, at = [self.taxonomy.node_name(node)], node
        while at not in self.keys and len(self.children.get(at, ())) == 1:
            (at,) = self.children[at]
            names.append(self.taxonomy.node_name(at))
        children = tuple(self.fork(child) for child in self.children.get(at, ()))
        keys = sorted(self.keys.get(at, ()), key=self.order)
        own = self._counts(keys)
        total = tuple(map(sum, zip(own, *(child.total for child in children), strict=True)))
        last = int(self.taxonomy.ends[at]) - 1
        return Fork(
            name=" › ".join(names[-3:]),
            rank=rank_name(at, self.taxonomy),
            total=total,
            own=own,
            under_hrefs=tuple(link(run=run, under=f"{at}-{last}") for run in self.runs),
            own_hrefs=tuple(link(run=run, at=at) for run in self.runs),
            pairs=tuple(self.pair(key) for key in keys[:_PAIRS]),
            rest=tuple(self.pair(key) for key in keys[_PAIRS:_REST]),
            more=self._counts(keys[_REST:]),
            children=tuple(sorted(children, key=lambda child: (-child.total[-1], -sum(child.total)))),
        )

    def pair(self, key: Key) -> Pair:
        """A pair in words."""
        at, truth, answer = key
        under, to, said = (self.taxonomy.node_name(node) for node in key)
        return Pair(
            under=under,
            truth=to,
            answer=said,
            counts=tuple(count[key] for count in self.counts),
            hrefs=tuple(link(run=run, at=at, to=truth, said=answer) for run in self.runs),
        )

    def order(self, key: Key) -> tuple[int, int, Key]:
        """The last run's most frequent first."""
        return -self.counts[-1][key], -sum(count[key] for count in self.counts), key

    def levels(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Counts by rank of the common taxon, lowest (a near miss) first."""
        height = heights(self.taxonomy)
        highest: dict[str, int] = {}
        totals: dict[str, list[Key]] = {}
        for node, keys in self.keys.items():
            rank = rank_name(node, self.taxonomy)
            highest[rank] = max(highest.get(rank, 0), int(height[node]))
            totals.setdefault(rank, []).extend(keys)
        return tuple((rank, self._counts(totals[rank])) for rank in sorted(highest, key=lambda rank: highest[rank]))

    def _counts(self, keys: Sequence[Key]) -> tuple[int, ...]:
        return tuple(sum(count[key] for key in keys) for count in self.counts)


def rank_name(node: int, taxonomy: Taxonomy) -> str:
    """The rank of a node, "root", or its level in an unranked tree."""
    if node == 0:
        return "root"
    return taxonomy.ranks[node] or f"level {int(taxonomy.depth[node])}"

"""The tree of taxa: immutable, its nodes numbered depth first, so that a subtree is a range of ids."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from rlfg.taxonomy.ledger import Provenance
from rlfg.taxonomy.names import normalize

NameKind = Literal["name", "synonym", "vernacular"]
"""How a text names a taxon: by the name it stands under, by another scientific or formal name, by a common name."""
UNNAMED_ROOT = "(root)"
"""Name of the root that joins several top taxa where none was declared; no text resolves to it."""


@final
@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Taxonomy:
    """A rooted tree whose nodes are ids, never names; made by `build_taxonomy` or `load_taxonomy`.

    Ids run from 0, the root, depth first with siblings in alphabetical order, so that the same content
    gives the same ids whatever the order of the file. Below, N is the number of nodes.
    """

    parent: NDArray[np.int32]
    """(N,) the parent of each node; -1 for the root. Parents come before their children."""
    names: tuple[str, ...]
    ranks: tuple[str | None, ...]
    vernaculars: tuple[tuple[str, ...], ...]
    """Common names of each node."""
    synonyms: tuple[tuple[str, ...], ...]
    """Other names of each node, such as a binomial no longer in use."""
    main_ranks: tuple[str, ...] = ()
    """The ranks that depth counts, top to bottom; empty where it counts edges."""
    source: str = ""
    """Where it was read from."""
    ids: tuple[tuple[str, ...], ...] = ()
    """Identifiers that the source gives each node, those of merged taxa and synonyms included; empty without any."""
    provenance: Provenance | None = None
    """Format, file hash and counts, where it was loaded from a file."""
    depth: NDArray[np.int32] = field(init=False)
    """(N,) main-rank steps below the root; a node of no main rank, or of one that is not below its parent's, has
    its parent's. Edges if unranked."""
    leaf_count: NDArray[np.int32] = field(init=False)
    """(N,) leaves at or below each node."""
    hash: str = field(init=False)
    """SHA-256 of names, their kinds, ranks, main ranks and edges; the order of the file does not matter."""
    _end: list[int] = field(init=False)
    """One past the last id of each node's subtree."""
    _index: dict[str, tuple[int, ...]] = field(init=False)
    """Normalised name or alias → candidates."""
    _by_id: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Derive depth, leaf counts, the look-up table and the hash."""
        _set = object.__setattr__
        _set(self, "_end", _subtree_ends(self.parent))
        _set(self, "depth", _depths(self.parent, self.ranks, self.main_ranks))
        _set(self, "leaf_count", self._count_leaves())
        _set(self, "_index", self._build_index())
        _set(self, "_by_id", {key: node for node in reversed(range(len(self.ids))) for key in self.ids[node]})
        _set(self, "hash", self._digest())
        for array in (self.parent, self.depth, self.leaf_count):
            array.setflags(write=False)

    @property
    def n(self) -> int:
        """Number of nodes, the root included."""
        return len(self.names)

    def __repr__(self) -> str:
        """Root, size and provenance."""
        return f"Taxonomy({self.names[0]!r}, n={self.n}, source={self.source!r})"

    def lookup(self, text: str) -> tuple[int, ...]:
        """The taxa that `text` names exactly, after normalisation, in ascending order.

        A name shared along one lineage means the deepest node that bears it; one shared by two lineages
        gives a candidate in each.
        """
        return self._index.get(normalize(text), ())

    def find_id(self, key: str) -> int | None:
        """The taxon that the source knows by this identifier; None if it knows none."""
        return self._by_id.get(key)

    def lineage(self, node: int) -> tuple[int, ...]:
        """The path from the root down to `node`, both included."""
        path = [node]
        while node:
            node = int(self.parent[node])
            path.append(node)
        return tuple(reversed(path))

    def is_ancestor(self, a: int, b: int) -> bool:
        """Whether `a` stands strictly above `b`."""
        return a < b < self._end[a]

    def lca(self, a: int, b: int) -> int:
        """The lowest node at or above both."""
        while a != b:
            a, b = min(a, b), max(a, b)
            b = int(self.parent[b])
        return a

    def children(self, node: int) -> tuple[int, ...]:
        """Direct children, in ascending order."""
        found = []
        child = node + 1
        while child < self._end[node]:
            found.append(child)
            child = self._end[child]
        return tuple(found)

    def leaves(self) -> tuple[int, ...]:
        """Nodes without children, in ascending order."""
        return tuple(node for node in range(self.n) if self._end[node] == node + 1)

    def node_name(self, node: int) -> str:
        """The name of a node as the file spells it."""
        return self.names[node]

    def other_names(self, node: int) -> tuple[str, ...]:
        """Common names, then synonyms, of a node."""
        return self.vernaculars[node] + self.synonyms[node]

    def name_kind(self, node: int, text: str) -> NameKind:
        """How `text`, which `lookup` finds the node by, names it."""
        key = normalize(text)
        if key == normalize(self.names[node]):
            return "name"
        return "vernacular" if key in map(normalize, self.vernaculars[node]) else "synonym"

    def describe(self, node: int) -> str:
        """Rank and name, such as "genus Larus"; only the name of an unranked node."""
        rank = self.ranks[node]
        return self.names[node] if rank is None else f"{rank} {self.names[node]}"

    def _count_leaves(self) -> NDArray[np.int32]:
        ends = np.asarray(self._end)
        is_leaf = ends == np.arange(1, self.n + 1)
        before = np.concatenate([[0], np.cumsum(is_leaf)])
        return np.asarray(before[ends] - before[:-1], dtype=np.int32)

    def _build_index(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, list[int]] = {}
        for node, name in enumerate(self.names):
            primary = () if node == 0 and name == UNNAMED_ROOT else (name,)
            for key in {normalize(text) for text in (*primary, *self.other_names(node))} - {""}:
                found.setdefault(key, []).append(node)
        return {key: self._deepest(nodes) for key, nodes in found.items()}

    def _deepest(self, nodes: Sequence[int]) -> tuple[int, ...]:
        """Leave out nodes that have another of them below; in depth-first order that is the next one."""
        following = (*nodes[1:], self.n)
        return tuple(node for node, after in zip(nodes, following, strict=True) if after >= self._end[node])

    def _digest(self) -> str:
        lines = [repr(self.main_ranks)]
        for node in range(self.n):
            others = [sorted(set(names)) for names in (self.vernaculars[node], self.synonyms[node])]
            lines.append(repr((int(self.parent[node]), self.names[node], self.ranks[node], *others)))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _subtree_ends(parent: NDArray[np.int32]) -> list[int]:
    ends = list(range(1, len(parent) + 1))
    for node in range(len(parent) - 1, 0, -1):
        above = int(parent[node])
        ends[above] = max(ends[above], ends[node])
    return ends


def _depths(parent: NDArray[np.int32], ranks: Sequence[str | None], main_ranks: Sequence[str]) -> NDArray[np.int32]:
    """Places of the ranks rather than ranked nodes, so that a missing rank in between still counts."""
    place = {rank: index for index, rank in enumerate(main_ranks)}
    depth = np.zeros(len(parent), dtype=np.int32)
    top = place.get(ranks[0] or "", -1)
    for node in range(1, len(parent)):
        above = depth[parent[node]]
        if not main_ranks:
            depth[node] = above + 1
        else:
            rank = ranks[node]
            depth[node] = max(above, place[rank] - top) if rank in place else above
    return depth

"""The tree of taxa: immutable, its nodes numbered depth first, so that a subtree is a range of ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache, partial
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from rlfg.taxonomy.keytable import KeyTable
from rlfg.taxonomy.ledger import Provenance
from rlfg.taxonomy.names import fold, normalize
from rlfg.taxonomy.packed import Array, Labels, Lists, Texts

NameKind = Literal["name", "synonym", "vernacular"]
"""How a text names a taxon: by the name it stands under, by another scientific or formal name, by a common name."""
UNNAMED_ROOT = "(root)"
"""Name of the root that joins several top taxa where none was declared; no text resolves to it."""

_REMEMBERED = 1 << 14


@final
@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Taxonomy:
    """A rooted tree whose nodes are ids, never names; made by `build_taxonomy` or `load_taxonomy`.

    Ids run from 0, the root, depth first with siblings in alphabetical order, so that the same content
    gives the same ids whatever the order of the file. Below, N is the number of nodes. The arrays, and those
    that names and keys are read from, are in memory or mapped from a built file.
    """

    parent: NDArray[np.int32]
    """(N,) the parent of each node; -1 for the root. Parents come before their children."""
    names: Texts
    ranks: Labels
    vernaculars: Lists
    """Common names of each node."""
    synonyms: Lists
    """Other names of each node, such as a binomial no longer in use."""
    ids: Lists
    """Identifiers that the source gives each node, those of merged taxa and synonyms included; empty without any."""
    main_ranks: tuple[str, ...]
    """The ranks that depth counts, top to bottom; empty where it counts edges."""
    source: str
    """Where it was read from."""
    provenance: Provenance | None
    """Format, file hash and counts, where it was loaded from a file."""
    ends: NDArray[np.int32]
    """(N,) one past the last id of each node's subtree."""
    depth: NDArray[np.int32]
    """(N,) main-rank steps below the root; a node of no main rank, or of one that is not below its parent's, has
    its parent's. Edges if unranked."""
    leaf_count: NDArray[np.int32]
    """(N,) leaves at or below each node."""
    by_name: KeyTable
    """Normalised name or alias → candidates."""
    by_id: KeyTable
    hash: str
    """SHA-256 of names, their kinds, ranks, main ranks and edges; the order of the file does not matter."""
    index: Mapping[str, Array] = field(default_factory=dict)
    """What the resolver needs besides, where it is in the built file this was opened from; else it is made at need."""
    _find: Callable[[str], tuple[int, ...]] = field(init=False)
    """What `lookup` finds, remembered for the last texts: groups of rollouts repeat their answers."""
    _parents: memoryview[int] = field(init=False)
    """`parent` and `ends` again, quicker to take one integer from."""
    _ends: memoryview[int] = field(init=False)

    def __post_init__(self) -> None:
        """Views of the arrays, which become read-only."""
        for array in (self.parent, self.ends, self.depth, self.leaf_count):
            array.setflags(write=False)
        find = self.by_name.find
        object.__setattr__(self, "_find", lru_cache(_REMEMBERED)(lambda text: find(fold(text))))
        object.__setattr__(self, "_parents", self.parent.data)
        object.__setattr__(self, "_ends", self.ends.data)

    def __reduce__(self) -> tuple[partial[Taxonomy], tuple[()]]:
        return partial(Taxonomy, **{f.name: getattr(self, f.name) for f in fields(self) if f.init}), ()

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
        return self._find(text)

    def find_id(self, key: str) -> int | None:
        """The taxon that the source knows by this identifier; None if it knows none."""
        found = self.by_id.find(key)
        return found[0] if found else None

    def lineage(self, node: int) -> tuple[int, ...]:
        """The path from the root down to `node`, both included."""
        path = [node]
        while node:
            node = self._parents[node]
            path.append(node)
        return tuple(reversed(path))

    def is_ancestor(self, a: int, b: int) -> bool:
        """Whether `a` stands strictly above `b`."""
        return a < b < self._ends[a]

    def lca(self, a: int, b: int) -> int:
        """The lowest node at or above both."""
        while a != b:
            a, b = min(a, b), max(a, b)
            b = self._parents[b]
        return a

    def children(self, node: int) -> tuple[int, ...]:
        """Direct children, in ascending order."""
        found = []
        child = node + 1
        while child < self._ends[node]:
            found.append(child)
            child = self._ends[child]
        return tuple(found)

    def leaves(self) -> tuple[int, ...]:
        """Nodes without children, in ascending order."""
        return tuple(np.flatnonzero(self.ends == np.arange(1, self.n + 1)).tolist())

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


def topmost(taxonomy: Taxonomy, nodes: Iterable[int]) -> tuple[int, ...]:
    """The distinct nodes that have none of the others above them, in ascending order."""
    kept: list[int] = []
    for node in sorted(set(nodes)):  # depth first: what stands above comes before
        if not kept or not taxonomy.is_ancestor(kept[-1], node):
            kept.append(node)
    return tuple(kept)

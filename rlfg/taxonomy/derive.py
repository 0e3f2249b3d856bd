"""All of a `Taxonomy` that follows from its nodes: subtrees, depths, leaves, look-up tables, hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rlfg.taxonomy.keytable import KeyTable, KeyWriter, first, lowest
from rlfg.taxonomy.ledger import Provenance
from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.packed import Labels, Lists, Texts
from rlfg.taxonomy.tree import UNNAMED_ROOT, Taxonomy


def derive(
    *,
    parent: NDArray[np.int32],
    names: Texts,
    ranks: Labels,
    vernaculars: Lists,
    synonyms: Lists,
    ids: Lists,
    main_ranks: tuple[str, ...],
    source: str,
    provenance: Provenance | None,
) -> Taxonomy:
    """A taxonomy from its nodes, which are numbered as `Taxonomy` has it; see its fields."""
    ends = _subtree_ends(parent)
    return Taxonomy(
        parent=parent,
        names=names,
        ranks=ranks,
        vernaculars=vernaculars,
        synonyms=synonyms,
        ids=ids,
        main_ranks=main_ranks,
        source=source,
        provenance=provenance,
        ends=ends,
        depth=_depths(parent, ranks, main_ranks),
        leaf_count=_leaf_counts(ends),
        by_name=_by_name(names, vernaculars, synonyms, ends),
        by_id=_by_id(ids),
        hash=content_hash(parent, names, ranks, vernaculars, synonyms, main_ranks),
    )


def content_hash(
    parent: NDArray[np.int32],
    names: Texts,
    ranks: Labels,
    vernaculars: Lists,
    synonyms: Lists,
    main_ranks: tuple[str, ...],
) -> str:
    """SHA-256 of what tells two taxonomies apart."""
    digest = hashlib.sha256(repr(main_ranks).encode())
    for above, name, rank, common, other in zip(parent.data, names, ranks, vernaculars, synonyms, strict=True):
        digest.update(f"\n{(above, name, rank, sorted(set(common)), sorted(set(other)))!r}".encode())
    return digest.hexdigest()


def _by_name(names: Texts, vernaculars: Lists, synonyms: Lists, ends: NDArray[np.int32]) -> KeyTable:
    writer = KeyWriter()
    nodes = enumerate(zip(names, vernaculars, synonyms, strict=True))
    for node, (name, common, other) in _without_unnamed_root(nodes):
        keys = dict.fromkeys(map(normalize, (name, *common, *other)))
        keys.pop("", None)
        writer.add(node, keys)
    return writer.done(lowest(ends))


_Named = tuple[int, tuple[str, tuple[str, ...], tuple[str, ...]]]


def _without_unnamed_root(nodes: Iterator[_Named]) -> Iterator[_Named]:
    for node, (name, common, other) in nodes:
        yield node, ("" if node == 0 and name == UNNAMED_ROOT else name, common, other)
        break
    yield from nodes


def _by_id(ids: Lists) -> KeyTable:
    writer = KeyWriter()
    for node, keys in enumerate(ids):
        writer.add(node, keys)
    return writer.done(first)


def _subtree_ends(parent: NDArray[np.int32]) -> NDArray[np.int32]:
    above = parent.tolist()
    ends = list(range(1, len(above) + 1))
    for node in range(len(above) - 1, 0, -1):
        if ends[node] > ends[above[node]]:
            ends[above[node]] = ends[node]
    return np.array(ends, dtype=np.int32)


def _leaf_counts(ends: NDArray[np.int32]) -> NDArray[np.int32]:
    before = np.concatenate([[0], np.cumsum(ends == np.arange(1, len(ends) + 1))])
    return np.asarray(before[ends] - before[:-1], dtype=np.int32)


def _depths(parent: NDArray[np.int32], ranks: Labels, main_ranks: Sequence[str]) -> NDArray[np.int32]:
    """Places of the ranks rather than ranked nodes, so that a missing rank in between still counts."""
    place = {rank: index for index, rank in enumerate(main_ranks)}
    top = place.get(ranks[0] or "", -1)
    steps = np.array([*(place.get(label, -1) - top for label in ranks.labels), -1], dtype=np.int32)[ranks.codes]
    depth = [0]
    for above, step in zip(parent[1:].tolist(), steps[1:].tolist(), strict=True):
        reached = depth[above]
        depth.append(reached + 1 if not main_ranks else max(reached, step))
    return np.array(depth, dtype=np.int32)

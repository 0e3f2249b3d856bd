"""All of a `Taxonomy` that follows from its nodes: subtrees, depths, leaves, look-up tables, hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlfg.taxonomy.keytable import KeyTable, first, key_table, lowest
from rlfg.taxonomy.ledger import Provenance
from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.packed import Labels, Lists, Texts
from rlfg.taxonomy.packing import ListWriter
from rlfg.taxonomy.tree import UNNAMED_ROOT, Taxonomy


def derive(
    *,
    parent: NDArray[np.int32],
    names: Texts,
    ranks: Labels,
    vernaculars: Lists,
    synonyms: Lists,
    ids: Lists,
    keys: Lists,
    main_ranks: tuple[str, ...],
    source: str,
    provenance: Provenance | None,
) -> Taxonomy:
    """A taxonomy from its nodes, which are numbered as `Taxonomy` has it; see its fields, and `keys_of`."""
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
        by_name=_by_name(names[0], keys, ends),
        by_id=key_table(ids.texts, _owners(ids), first),
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


def keys_of(names: Texts, vernaculars: Lists, synonyms: Lists) -> Lists:
    """The names of each node, normalised and distinct, first that it stands under."""
    writer = ListWriter()
    for name, common, other in zip(names, vernaculars, synonyms, strict=True):
        writer.append(dict.fromkeys(map(normalize, (name, *common, *other))))
    return writer.done()


def _by_name(root: str, keys: Lists, ends: NDArray[np.int32]) -> KeyTable:
    """Without empty keys, and without the name of a root that has none."""
    meant = np.diff(keys.texts.starts) > 0
    if root == UNNAMED_ROOT:
        meant[0] = False
    return key_table(keys.texts.take(np.flatnonzero(meant)), _owners(keys)[meant], lowest(ends))


def _owners(lists: Lists) -> NDArray[np.int32]:
    """The number of the tuple that each text is in."""
    return np.repeat(np.arange(len(lists), dtype=np.int32), np.diff(lists.starts))


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

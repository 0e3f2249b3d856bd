"""From records, each naming its parent, to a checked `Taxonomy`: what every reader ends in."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import numpy as np

from rlfg.errors import RlfgError
from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.tree import UNNAMED_ROOT, Taxonomy

_ROOT_PARENT = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxonRecord:
    """One taxon as a file gives it."""

    id: Hashable
    """Unique within the file; never a name."""
    parent: Hashable | None
    """The parent's `id`; None for a top taxon."""
    name: str
    rank: str | None = None
    vernaculars: tuple[str, ...] = ()
    """Common names."""
    synonyms: tuple[str, ...] = ()
    where: str
    """File and line, or label: the start of every error message about it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Node:
    """A taxon under its final id's parent."""

    parent: int
    name: str
    rank: str | None
    vernaculars: tuple[str, ...]
    synonyms: tuple[str, ...]


def build_taxonomy(
    records: Sequence[TaxonRecord],
    *,
    source: str,
    main_ranks: Sequence[str] = (),
    root: str | None = None,
    root_aliases: Sequence[str] = (),
) -> Taxonomy:
    """Check the records and number them.

    A single top taxon is the root, and `root` and `root_aliases` become aliases of it. Several are
    joined under a synthetic root of that name and those aliases; without `root` no text names it.

    Args:
        records: in any order.
        source: where they come from; starts the messages about the whole.
        main_ranks: the ranks that depth counts, top to bottom; empty to count edges.
        root: what the whole tree is called, for example "bird".
        root_aliases: other names of it, for example "birds".

    Raises:
        RlfgError: no record; a name without a letter or digit; an id or a sibling's name twice; an
            unknown parent; a cycle; a main rank that is not below the one above it.
    """
    if not records:
        raise RlfgError(f"{source}: there are no taxa in this file")
    by_id = _by_id(records)
    _check_parents(by_id)
    children = _children(records)
    _check_siblings(children)
    _check_ranks(by_id, main_ranks)
    nodes = _number(children, root, root_aliases)
    return Taxonomy(
        parent=np.array([node.parent for node in nodes], dtype=np.int32),
        names=tuple(node.name for node in nodes),
        ranks=tuple(node.rank for node in nodes),
        vernaculars=tuple(node.vernaculars for node in nodes),
        synonyms=tuple(node.synonyms for node in nodes),
        main_ranks=tuple(main_ranks),
        source=source,
    )


def find_cycle(above: Mapping[Hashable, Iterable[Hashable]]) -> list[Hashable] | None:
    """One cycle of "x is below y" steps as `[x, y, ..., x]`, or None."""
    try:
        TopologicalSorter(above).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return None


def _by_id(records: Sequence[TaxonRecord]) -> dict[Hashable, TaxonRecord]:
    by_id: dict[Hashable, TaxonRecord] = {}
    for record in records:
        if not normalize(record.name):
            raise RlfgError(f'{record.where}: the name "{record.name}" has no letter or digit to be found by')
        if record.id in by_id:
            raise RlfgError(f'{record.where}: id "{record.id}" was already used at {by_id[record.id].where}')
        by_id[record.id] = record
    return by_id


def _check_parents(by_id: Mapping[Hashable, TaxonRecord]) -> None:
    """Every chain of parents must end in a top taxon."""
    for record in by_id.values():
        if record.parent is not None and record.parent not in by_id:
            raise RlfgError(
                f'{record.where}: "{record.name}" cannot be reached: its parent "{record.parent}" is not in'
                " the file; add that taxon or leave the parent empty"
            )
    cycle = find_cycle({r.id: () if r.parent is None else (r.parent,) for r in by_id.values()})
    if cycle is not None:
        path = " is below ".join(f'"{by_id[key].name}" (id {key})' for key in cycle)
        raise RlfgError(f"{by_id[cycle[0]].where}: the taxonomy has a cycle: {path}; correct one parent")


def _children(records: Sequence[TaxonRecord]) -> dict[Hashable | None, list[TaxonRecord]]:
    """Children of each id in their final order; the top taxa under None."""
    children: dict[Hashable | None, list[TaxonRecord]] = {}
    for record in sorted(records, key=lambda r: (r.name, r.rank or "")):
        children.setdefault(record.parent, []).append(record)
    return children


def _check_siblings(children: Mapping[Hashable | None, Sequence[TaxonRecord]]) -> None:
    for siblings in children.values():
        seen: dict[tuple[str, str | None], TaxonRecord] = {}
        for record in siblings:
            twin = seen.setdefault((normalize(record.name), record.rank), record)
            if twin is not record:
                raise RlfgError(
                    f'{record.where}: "{record.name}" stands twice under the same parent, also at'
                    f" {twin.where}; merge the two"
                )


def _check_ranks(by_id: Mapping[Hashable, TaxonRecord], main_ranks: Sequence[str]) -> None:
    """Going up from a taxon of a main rank, the next one of a main rank must be of a higher one."""
    place = {rank: index for index, rank in enumerate(main_ranks)}
    for record in by_id.values():
        if record.rank not in place:
            continue
        above = by_id.get(record.parent)
        while above is not None and above.rank not in place:
            above = by_id.get(above.parent)
        if above is not None and place[above.rank or ""] >= place[record.rank]:
            raise RlfgError(
                f'{record.where}: {record.rank} "{record.name}" stands below {above.rank} "{above.name}"'
                f" ({above.where}); ranks go {' > '.join(main_ranks)}"
            )


def _number(
    children: Mapping[Hashable | None, Sequence[TaxonRecord]], root: str | None, root_aliases: Sequence[str]
) -> list[_Node]:
    """Depth first; the root's names join the single top taxon or make the synthetic root."""
    top = children[None]
    declared = (*(() if root is None else (root,)), *root_aliases)
    nodes: list[_Node] = []
    if len(top) > 1:
        name = root or UNNAMED_ROOT
        vernaculars = _others(name, declared)
        nodes.append(_Node(parent=_ROOT_PARENT, name=name, rank=None, vernaculars=vernaculars, synonyms=()))
        declared = ()
    pending = [(len(nodes) - 1, record) for record in reversed(top)]
    while pending:
        parent, record = pending.pop()
        vernaculars = _others(record.name, (*record.vernaculars, *(declared if parent < 0 else ())))
        synonyms = _others(record.name, record.synonyms, known=vernaculars)
        pending += [(len(nodes), child) for child in reversed(children.get(record.id, ()))]
        nodes.append(
            _Node(parent=parent, name=record.name, rank=record.rank, vernaculars=vernaculars, synonyms=synonyms)
        )
    return nodes


def _others(name: str, texts: Iterable[str], known: Iterable[str] = ()) -> tuple[str, ...]:
    """Without those that normalise to nothing, to the name, to a known or to an earlier one."""
    taken = {"", normalize(name), *map(normalize, known)}
    found: dict[str, str] = {}
    for text in texts:
        if normalize(text) not in taken:
            found.setdefault(normalize(text), text.strip())
    return tuple(found.values())

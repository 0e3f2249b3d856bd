"""From records, each naming its parent, to a checked `Taxonomy`: what every reader ends in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Literal

import numpy as np

from rlfg.errors import RlfgError
from rlfg.taxonomy.ledger import Ledger, Provenance
from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.ranks import main_ranks_among
from rlfg.taxonomy.tree import UNNAMED_ROOT, Taxonomy

Siblings = Literal["distinct", "merge"]
"""Children of one parent with the same name and rank: an error, or joined into one taxon. With "merge" a main rank
that is not below the one above it, and a name that nothing can find, are noted rather than errors too."""
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
    ids: tuple[str, ...] = ()
    """Identifiers by which a person may ask for it: the source's, and those that now mean this taxon."""
    where: str
    """File and line, or label: the start of every error message about it."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A taxon under its final id's parent."""

    parent: int
    name: str
    rank: str | None
    vernaculars: tuple[str, ...]
    synonyms: tuple[str, ...]
    ids: tuple[str, ...]


def build_taxonomy(
    records: Iterable[TaxonRecord],
    *,
    source: str,
    main_ranks: Sequence[str] | None = (),
    root: str | None = None,
    root_aliases: Sequence[str] = (),
    siblings: Siblings = "distinct",
    ledger: Ledger | None = None,
    provenance: Callable[[], Provenance] | None = None,
) -> Taxonomy:
    """Check the records and number them.

    A single top taxon is the root, and `root` and `root_aliases` become aliases of it. Several are
    joined under a synthetic root of that name and those aliases; without `root` no text names it.

    Args:
        records: in any order.
        source: where they come from; starts the messages about the whole.
        main_ranks: the ranks that depth counts, top to bottom; empty to count edges, None for those of
            kingdom … species that occur.
        root: what the whole tree is called, for example "bird".
        root_aliases: other names of it, for example "birds".
        siblings: what to do with children of one parent that share name and rank.
        ledger: gets what was merged and noted.
        provenance: asked for once the records are read and merged.

    Raises:
        RlfgError: no record; an id twice; an unknown parent; a cycle; unless siblings are merged, also a
            name without a letter or digit, a sibling's name twice, and a main rank that is not below
            the one above it.
    """
    ledger = Ledger() if ledger is None else ledger
    by_id = _by_id(records)
    if not by_id:
        raise RlfgError(f"{source}: there are no taxa in this file")
    _check_parents(by_id)
    if main_ranks is None:
        main_ranks = main_ranks_among({record.rank for record in by_id.values()})
    children = _children(by_id.values())
    if siblings == "merge":
        _merge_siblings(children, ledger)
        _note(by_id, main_ranks, ledger)
    else:
        for message in (*_unnamed(by_id), *_twins(children), *rank_inversions(by_id, main_ranks)):
            raise RlfgError(message)
    nodes = _number(children, root, root_aliases)
    return Taxonomy(
        parent=np.array([node.parent for node in nodes], dtype=np.int32),
        names=tuple(node.name for node in nodes),
        ranks=tuple(node.rank for node in nodes),
        vernaculars=tuple(node.vernaculars for node in nodes),
        synonyms=tuple(node.synonyms for node in nodes),
        main_ranks=tuple(main_ranks),
        source=source,
        ids=tuple(node.ids for node in nodes) if any(node.ids for node in nodes) else (),
        provenance=None if provenance is None else provenance(),
    )


def find_cycle(above: Mapping[Hashable, Iterable[Hashable]]) -> list[Hashable] | None:
    """One cycle of "x is below y" steps as `[x, y, ..., x]`, or None."""
    try:
        TopologicalSorter(above).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return None


def parent_cycles(by_id: Mapping[Hashable, TaxonRecord]) -> Iterator[list[TaxonRecord]]:
    """Every cycle of parents once, as the taxa on it, each below the next."""
    done: set[Hashable] = set()
    for start in by_id:
        path: dict[Hashable, None] = {}
        key: Hashable | None = start
        while key in by_id and key not in done and key not in path:
            path[key] = None
            key = by_id[key].parent
        if key in path:
            steps = list(path)
            yield [by_id[step] for step in steps[steps.index(key) :]]
        done.update(path)


def cycle_message(cycle: Sequence[TaxonRecord]) -> str:
    """What is wrong with taxa that are each below the next."""
    path = " is below ".join(f'"{record.name}" (id {record.id})' for record in (*cycle, cycle[0]))
    return f"{cycle[0].where}: the taxonomy has a cycle: {path}; correct one parent"


def orphan_message(record: TaxonRecord) -> str:
    """What is wrong with a taxon whose parent is unknown."""
    return (
        f'{record.where}: "{record.name}" cannot be reached: its parent "{record.parent}" is not in'
        " the file; add that taxon or leave the parent empty"
    )


def unnamed_message(record: TaxonRecord) -> str:
    """What is wrong with a name that normalises to nothing."""
    return f'{record.where}: the name "{record.name}" has no letter or digit to be found by'


def twin_message(record: TaxonRecord, twin: TaxonRecord) -> str:
    """What is wrong with two siblings of one name."""
    return f'{record.where}: "{record.name}" stands twice under the same parent, also at {twin.where}; merge the two'


def rank_inversions(by_id: Mapping[Hashable, TaxonRecord], main_ranks: Sequence[str]) -> Iterator[str]:
    """Going up from a taxon of a main rank, the next one of a main rank must be of a higher one."""
    place = {rank: index for index, rank in enumerate(main_ranks)}
    for record in by_id.values():
        if record.rank not in place:
            continue
        above = by_id.get(record.parent)
        while above is not None and above.rank not in place:
            above = by_id.get(above.parent)
        if above is not None and place[above.rank or ""] >= place[record.rank]:
            yield (
                f'{record.where}: {record.rank} "{record.name}" stands below {above.rank} "{above.name}"'
                f" ({above.where}); ranks go {' > '.join(main_ranks)}"
            )


def _by_id(records: Iterable[TaxonRecord]) -> dict[Hashable, TaxonRecord]:
    by_id: dict[Hashable, TaxonRecord] = {}
    for record in records:
        if by_id.setdefault(record.id, record) is not record:
            raise RlfgError(f'{record.where}: id "{record.id}" was already used at {by_id[record.id].where}')
    return by_id


def _check_parents(by_id: Mapping[Hashable, TaxonRecord]) -> None:
    """Every chain of parents must end in a top taxon."""
    for record in by_id.values():
        if record.parent is not None and record.parent not in by_id:
            raise RlfgError(orphan_message(record))
    for cycle in parent_cycles(by_id):
        raise RlfgError(cycle_message(cycle))


def _children(records: Iterable[TaxonRecord]) -> dict[Hashable | None, list[TaxonRecord]]:
    """Children of each id in their final order; the top taxa under None."""
    children: dict[Hashable | None, list[TaxonRecord]] = {}
    for record in sorted(records, key=_order):
        children.setdefault(record.parent, []).append(record)
    return children


def _order(record: TaxonRecord) -> tuple[str, str]:
    return record.name, record.rank or ""


def _unnamed(by_id: Mapping[Hashable, TaxonRecord]) -> Iterator[str]:
    return (unnamed_message(record) for record in by_id.values() if not normalize(record.name))


def _twins(children: Mapping[Hashable | None, Sequence[TaxonRecord]]) -> Iterator[str]:
    for siblings in children.values():
        seen: dict[tuple[str, str | None], TaxonRecord] = {}
        for record in siblings:
            twin = seen.setdefault((normalize(record.name), record.rank), record)
            if twin is not record:
                yield twin_message(record, twin)


def _merge_siblings(children: dict[Hashable | None, list[TaxonRecord]], ledger: Ledger) -> None:
    """Join children of one parent that share name and rank, from the top down: their children meet then."""
    pending: list[Hashable | None] = [None]
    while pending:
        parent = pending.pop()
        kept: dict[tuple[str, str | None], TaxonRecord] = {}
        for record in children.get(parent, ()):
            key = (normalize(record.name), record.rank)
            twin = kept.get(key)
            if twin is None or not key[0]:
                kept[key if key[0] else (record.name, str(record.id))] = record
                continue
            kept[key] = _joined(twin, record)
            if moved := children.pop(record.id, None):
                children[twin.id] = sorted([*children.get(twin.id, ()), *moved], key=_order)
            ledger.used["taxon"] -= 1
            ledger.used["merged with a sibling of the same name"] += 1
        children[parent] = list(kept.values())
        pending += [record.id for record in kept.values() if record.id in children]


def _joined(kept: TaxonRecord, twin: TaxonRecord) -> TaxonRecord:
    return replace(
        kept,
        vernaculars=kept.vernaculars + twin.vernaculars,
        synonyms=kept.synonyms + twin.synonyms,
        ids=kept.ids + twin.ids,
    )


def _note(by_id: Mapping[Hashable, TaxonRecord], main_ranks: Sequence[str], ledger: Ledger) -> None:
    counts = Counter(
        {
            "rank not below that of its parent": sum(1 for _ in rank_inversions(by_id, main_ranks)),
            "name without a letter or digit": sum(1 for _ in _unnamed(by_id)),
        }
    )
    ledger.notes.update(+counts)


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
        nodes.append(_Node(_ROOT_PARENT, name, None, vernaculars, synonyms=(), ids=()))
        declared = ()
    pending = [(len(nodes) - 1, record) for record in reversed(top)]
    while pending:
        parent, record = pending.pop()
        vernaculars = _others(record.name, (*record.vernaculars, *(declared if parent < 0 else ())))
        synonyms = _others(record.name, record.synonyms, known=vernaculars)
        pending += [(len(nodes), child) for child in reversed(children.get(record.id, ()))]
        ids = tuple(dict.fromkeys(record.ids))
        nodes.append(_Node(parent, record.name, record.rank, vernaculars, synonyms, ids))
    return nodes


def _others(name: str, texts: Iterable[str], known: Iterable[str] = ()) -> tuple[str, ...]:
    """Without those that normalise to nothing, to the name, to a known or to an earlier one."""
    taken = {"", normalize(name), *map(normalize, known)}
    found: dict[str, str] = {}
    for text in texts:
        if normalize(text) not in taken:
            found.setdefault(normalize(text), text.strip())
    return tuple(found.values())

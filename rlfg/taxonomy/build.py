"""From records, each naming its parent, to a checked `Taxonomy`: what every reader ends in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from rlfg.errors import RlfgError
from rlfg.taxonomy.derive import derive
from rlfg.taxonomy.ledger import Ledger, Provenance
from rlfg.taxonomy.packed import Labels
from rlfg.taxonomy.ranks import main_ranks_among
from rlfg.taxonomy.rows import TOP, Rows
from rlfg.taxonomy.siblings import Children, children_of, find_twins, join_roots, merge_siblings, number
from rlfg.taxonomy.tree import Taxonomy

_Key = TypeVar("_Key", bound=Hashable)
Siblings = Literal["distinct", "merge"]
"""Children of one parent with the same name and rank: an error, or joined into one taxon. With "merge" a main rank
that is not below the one above it, and a name that nothing can find, are noted rather than errors too."""


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
    rows = Rows()
    rows.read(records)
    if not rows.row_of:
        raise RlfgError(f"{source}: there are no taxa in this file")
    _check_parents(rows)
    if main_ranks is None:
        main_ranks = main_ranks_among(rows.ranks().labels)
    children = children_of(rows)
    inversions = _inversions(rows.parents(), rows.ranks(), main_ranks)
    if siblings == "merge":
        merge_siblings(rows, children, ledger)
        _note(ledger, len(inversions), len(rows.unnamed()))
    else:
        for message in _faults(rows, children, inversions, main_ranks):
            raise RlfgError(message)
    parent, order = number(children, join_roots(rows, children, root, root_aliases))
    del children
    return derive(
        parent=parent,
        names=rows.names.done().take(order),
        ranks=rows.ranks().take(order),
        vernaculars=rows.vernaculars.done().take(order),
        synonyms=rows.synonyms.done().take(order),
        ids=rows.ids.done().take(order),
        keys=rows.keys.done().take(order),
        main_ranks=tuple(main_ranks),
        source=source,
        provenance=None if provenance is None else provenance(),
    )


def find_cycle(above: Mapping[Hashable, Iterable[Hashable]]) -> list[Hashable] | None:
    """One cycle of "x is below y" steps as `[x, y, ..., x]`, or None."""
    try:
        TopologicalSorter(above).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return None


def parent_cycles(parent: Mapping[_Key, _Key | None]) -> Iterator[list[_Key]]:
    """Every cycle of parents once, as the taxa on it, each below the next.

    Args:
        parent: of each taxon; None, or one that is not a taxon here, ends the walk up.
    """
    done: set[_Key] = set()
    for start in parent:
        path: dict[_Key, None] = {}
        key: _Key | None = start
        while key is not None and key in parent and key not in done and key not in path:
            path[key] = None
            key = parent[key]
        if key is not None and key in path:
            steps = list(path)
            yield steps[steps.index(key) :]
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
    records = list(by_id.values())
    row_of = {key: row for row, key in enumerate(by_id)}
    parent = np.array([row_of.get(record.parent, TOP) for record in records], dtype=np.int32)
    labels = list(dict.fromkeys(record.rank for record in records if record.rank is not None))
    code_of = {label: code for code, label in enumerate(labels)}
    codes = np.array([code_of.get(record.rank or "", -1) for record in records], dtype=np.int32)
    for row, above in _inversions(parent, Labels(codes, labels), main_ranks):
        yield _inversion_message(records[row], records[above], main_ranks)


def _inversion_message(record: TaxonRecord, above: TaxonRecord, main_ranks: Sequence[str]) -> str:
    return (
        f'{record.where}: {record.rank} "{record.name}" stands below {above.rank} "{above.name}"'
        f" ({above.where}); ranks go {' > '.join(main_ranks)}"
    )


def _inversions(parent: NDArray[np.int32], ranks: Labels, main_ranks: Sequence[str]) -> list[tuple[int, int]]:
    """Rows of a main rank, and for each the next one of a main rank above it, where that is not higher."""
    place_of = {rank: index for index, rank in enumerate(main_ranks)}
    places = np.array([*(place_of.get(label, -1) for label in ranks.labels), -1], dtype=np.int32)[ranks.codes]
    lower = np.flatnonzero(places >= 0)
    above = parent[lower]
    climbing = np.flatnonzero(above >= 0)
    while len(climbing := climbing[places[above[climbing]] < 0]):
        above[climbing] = parent[above[climbing]]
        climbing = climbing[above[climbing] >= 0]
    wrong = (above >= 0) & (places[above] >= places[lower])
    return list(zip(lower[wrong].tolist(), above[wrong].tolist(), strict=True))


def _check_parents(rows: Rows) -> None:
    """Every chain of parents must end in a top taxon."""
    orphan = rows.orphan()
    if orphan is not None:
        raise RlfgError(orphan_message(_record(rows, orphan)))
    parent = rows.parents()
    endless = _endless(parent)
    for cycle in parent_cycles({row: int(parent[row]) for row in endless.tolist()}):
        raise RlfgError(cycle_message([_record(rows, row) for row in cycle]))


def _endless(parent: NDArray[np.int32]) -> NDArray[np.int64]:
    """Rows from which no way up ends: after k steps of this loop a row points 2^k taxa up."""
    end = len(parent)
    up = np.append(np.where(parent < 0, end, parent), end)
    for _ in range(end.bit_length()):
        if (up == end).all():
            break
        up = up[up]
    return np.flatnonzero(up != end)


def _faults(
    rows: Rows, children: Children, inversions: Sequence[tuple[int, int]], main_ranks: Sequence[str]
) -> Iterator[str]:
    """What hand-made files must not have."""
    for row in rows.unnamed():
        yield unnamed_message(_record(rows, row))
    for row, twin in find_twins(rows, children):
        yield twin_message(_record(rows, row), _record(rows, twin))
    for row, above in inversions:
        yield _inversion_message(_record(rows, row), _record(rows, above), main_ranks)


def _record(rows: Rows, row: int) -> TaxonRecord:
    """What a message needs of a row."""
    key, parent, name, where = rows.place(row)
    return TaxonRecord(id=key, parent=parent, name=name, rank=rows.rank(row), where=where)


def _note(ledger: Ledger, inversions: int, unnamed: int) -> None:
    counts = {"rank not below that of its parent": inversions, "name without a letter or digit": unnamed}
    ledger.notes.update({what: count for what, count in counts.items() if count})

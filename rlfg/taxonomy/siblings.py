"""Rows under their parents: in order, without twins, and numbered depth first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.rows import TOP, Rows
from rlfg.taxonomy.tree import UNNAMED_ROOT

Children = dict[int, list[int]]
"""The rows under each row in their final order; the top taxa under `TOP`."""


def children_of(rows: Rows) -> Children:
    """Children by name, then rank, then as they were read."""
    parent = rows.parents()
    order = np.argsort(parent, kind="stable")
    borders = np.flatnonzero(np.diff(parent[order], prepend=TOP - 1)).tolist()
    above = parent[order[borders]].tolist()
    children: Children = {}
    for row, start, stop in zip(above, borders, [*borders[1:], len(order)], strict=True):
        children[row] = sorted(order[start:stop].tolist(), key=rows.order)
    return children


def find_twins(rows: Rows, children: Children) -> Iterator[tuple[int, int]]:
    """Rows with a name and rank of an earlier sibling, and that sibling; by the first name among the siblings."""
    found = {above: list(_twins(rows, siblings)) for above, siblings in children.items() if len(siblings) > 1}
    firsts = ((*rows.order(children[above][0]), children[above][0], above) for above in found if found[above])
    for *_, above in sorted(firsts):
        yield from found[above]


def _twins(rows: Rows, siblings: Sequence[int]) -> Iterator[tuple[int, int]]:
    seen: dict[tuple[bytes, str | None], int] = {}
    for row in siblings:
        twin = seen.setdefault((rows.key(row), rows.rank(row)), row)
        if twin != row:
            yield row, twin


def merge_siblings(rows: Rows, children: Children, ledger: Ledger) -> None:
    """Join children of one parent that share name and rank, from the top down: their children meet then.

    A joined taxon is a row of its own. Taxa whose name says nothing are not joined.
    """
    pending = [TOP]
    while pending:
        above = pending.pop()
        siblings = children[above]
        twins = [(row, twin) for row, twin in _twins(rows, siblings) if rows.key(row)]
        joined: dict[int, list[int]] = {}
        for row, twin in twins:
            joined.setdefault(twin, []).append(row)
            if moved := children.pop(row, None):
                children[twin] = sorted([*children.get(twin, ()), *moved], key=rows.order)
        if twins:
            ledger.used["taxon"] -= len(twins)
            ledger.used["merged with a sibling of the same name"] += len(twins)
            gone = {row for row, _ in twins}
            siblings = [_joined(rows, children, row, joined.get(row)) for row in siblings if row not in gone]
            children[above] = siblings
        pending += [row for row in siblings if row in children]


def _joined(rows: Rows, children: Children, kept: int, twins: Sequence[int] | None) -> int:
    """A new row with the names and identifiers of all, which has the children of the one that was kept."""
    if not twins:
        return kept
    every = (kept, *twins)
    row = rows.add(
        rows.names[kept],
        rows.rank(kept),
        [text for one in every for text in rows.vernaculars[one]],
        [text for one in every for text in rows.synonyms[one]],
        [key for one in every for key in rows.ids[one]],
    )
    if below := children.pop(kept, None):
        children[row] = below
    return row


def join_roots(rows: Rows, children: Children, root: str | None, aliases: Sequence[str]) -> int:
    """The row of the root: the single top taxon with the declared names, or a new one above several."""
    declared = (*(() if root is None else (root,)), *aliases)
    top = children.pop(TOP)
    if len(top) > 1:
        row = rows.add(root or UNNAMED_ROOT, None, declared)
        children[row] = top
        return row
    (only,) = top
    if not declared:
        return only
    common = (*rows.vernaculars[only], *declared)
    row = rows.add(rows.names[only], rows.rank(only), common, rows.synonyms[only], rows.ids[only])
    if below := children.pop(only, None):
        children[row] = below
    return row


def number(children: Children, root: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Depth first.

    Returns:
        The parent of each node, -1 for the root; and its row.
    """
    parent: list[int] = []
    order: list[int] = []
    pending = [(-1, root)]
    while pending:
        above, row = pending.pop()
        node = len(order)
        parent.append(above)
        order.append(row)
        if below := children.get(row):
            pending += [(node, child) for child in reversed(below)]
    return np.array(parent, dtype=np.int32), np.array(order, dtype=np.int32)

"""What `build_taxonomy` and `Taxonomy.lookup` do, written plainly: what the packed ones must equal."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from rlfg.errors import RlfgError
from rlfg.taxonomy import TaxonRecord, normalize
from rlfg.taxonomy.ranks import main_ranks_among

Children = dict[Hashable | None, list[TaxonRecord]]


@dataclass
class Plain:
    """A taxonomy as lists; see `Taxonomy` for what each holds."""

    main_ranks: tuple[str, ...]
    parent: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    ranks: list[str | None] = field(default_factory=list)
    vernaculars: list[tuple[str, ...]] = field(default_factory=list)
    synonyms: list[tuple[str, ...]] = field(default_factory=list)
    ids: list[tuple[str, ...]] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def below(self, node: int) -> list[int]:
        return [other for other in range(len(self.names)) if node in self.lineage(other)[1:]]

    def lineage(self, node: int) -> list[int]:
        """From the node up."""
        return [node] if node == 0 else [node, *self.lineage(self.parent[node])]

    def keys(self, node: int) -> set[str]:
        unnamed = node == 0 and self.names[0] == "(root)"
        texts = (*(() if unnamed else (self.names[node],)), *self.vernaculars[node], *self.synonyms[node])
        return set(map(normalize, texts)) - {""}

    def lookup(self, text: str) -> tuple[int, ...]:
        found = [node for node in range(len(self.names)) if normalize(text) in self.keys(node)]
        return tuple(node for node in found if not set(self.below(node)) & set(found))

    def depth(self) -> list[int]:
        place = {rank: index for index, rank in enumerate(self.main_ranks)}
        top = place.get(self.ranks[0] or "", -1)
        depth = [0]
        for above, rank in zip(self.parent[1:], self.ranks[1:], strict=True):
            if not self.main_ranks:
                depth.append(depth[above] + 1)
            else:
                depth.append(max(depth[above], place[rank] - top) if rank in place else depth[above])
        return depth

    def leaf_count(self) -> list[int]:
        leaves = set(range(len(self.names))) - set(self.parent)
        return [len({node, *self.below(node)} & leaves) for node in range(len(self.names))]

    def hash(self) -> str:
        lines = [repr(self.main_ranks)]
        for node in range(len(self.names)):
            others = [sorted(set(names)) for names in (self.vernaculars[node], self.synonyms[node])]
            lines.append(repr((self.parent[node], self.names[node], self.ranks[node], *others)))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def plain_build(
    records: Iterable[TaxonRecord],
    *,
    main_ranks: Sequence[str] | None,
    root: str | None,
    root_aliases: Sequence[str],
    merge: bool,
) -> Plain:
    """`build_taxonomy` with the source "t" and `siblings="merge"` or "distinct".

    Raises:
        RlfgError: the same message.
    """
    by_id: dict[Hashable, TaxonRecord] = {}
    for record in records:
        if by_id.setdefault(record.id, record) is not record:
            raise RlfgError(f'{record.where}: id "{record.id}" was already used at {by_id[record.id].where}')
    if not by_id:
        raise RlfgError("t: there are no taxa in this file")
    _check_parents(by_id)
    if main_ranks is None:
        main_ranks = main_ranks_among({record.rank for record in by_id.values()})
    children: Children = {}
    for record in sorted(by_id.values(), key=_order):
        children.setdefault(record.parent, []).append(record)
    found = Plain(main_ranks=tuple(main_ranks))
    unnamed = [
        f'{r.where}: the name "{r.name}" has no letter or digit to be found by'
        for r in by_id.values()
        if not normalize(r.name)
    ]
    inversions = _inversions(by_id, main_ranks)
    if merge:
        _merge(children, found.used)
        counts = {"rank not below that of its parent": inversions, "name without a letter or digit": unnamed}
        found.notes.update({what: len(messages) for what, messages in counts.items() if messages})
    else:
        for message in (*unnamed, *_twins(children), *inversions):
            raise RlfgError(message)
    _number(found, children, root, root_aliases)
    return found


def _order(record: TaxonRecord) -> tuple[str, str]:
    return record.name, record.rank or ""


def _check_parents(by_id: dict[Hashable, TaxonRecord]) -> None:
    for r in by_id.values():
        if r.parent is not None and r.parent not in by_id:
            raise RlfgError(
                f'{r.where}: "{r.name}" cannot be reached: its parent "{r.parent}" is not in the file; '
                "add that taxon or leave the parent empty"
            )
    for start in by_id:
        path: list[Hashable | None] = [start]
        while path[-1] is not None and path[-1] not in path[:-1]:
            path.append(by_id[path[-1]].parent)
        if path[-1] is not None:
            cycle = [by_id[key] for key in path[path.index(path[-1]) :]]
            steps = " is below ".join(f'"{r.name}" (id {r.id})' for r in cycle)
            raise RlfgError(f"{cycle[0].where}: the taxonomy has a cycle: {steps}; correct one parent")


def _twins(children: Children) -> list[str]:
    messages = []
    for siblings in children.values():
        seen: dict[tuple[str, str | None], TaxonRecord] = {}
        for r in siblings:
            twin = seen.setdefault((normalize(r.name), r.rank), r)
            if twin is not r:
                messages.append(
                    f'{r.where}: "{r.name}" stands twice under the same parent, also at {twin.where}; merge the two'
                )
    return messages


def _inversions(by_id: dict[Hashable, TaxonRecord], main_ranks: Sequence[str]) -> list[str]:
    messages = []
    for r in by_id.values():
        above = by_id.get(r.parent)
        while above is not None and above.rank not in main_ranks:
            above = by_id.get(above.parent)
        if r.rank not in main_ranks or above is None or above.rank is None:
            continue
        if main_ranks.index(above.rank) >= main_ranks.index(r.rank):
            messages.append(
                f'{r.where}: {r.rank} "{r.name}" stands below {above.rank} "{above.name}" ({above.where});'
                f" ranks go {' > '.join(main_ranks)}"
            )
    return messages


def _merge(children: Children, used: Counter[str]) -> None:
    pending: list[Hashable | None] = [None]
    while pending:
        parent = pending.pop()
        kept: dict[object, TaxonRecord] = {}
        for record in children.get(parent, ()):
            key = (normalize(record.name), record.rank)
            twin = kept.get(key)
            if twin is None or not key[0]:
                kept[key if key[0] else (record.name, record.id)] = record
                continue
            kept[key] = replace(
                twin,
                vernaculars=twin.vernaculars + record.vernaculars,
                synonyms=twin.synonyms + record.synonyms,
                ids=twin.ids + record.ids,
            )
            if moved := children.pop(record.id, None):
                children[twin.id] = sorted([*children.get(twin.id, ()), *moved], key=_order)
            used["taxon"] -= 1
            used["merged with a sibling of the same name"] += 1
        children[parent] = list(kept.values())
        pending += [record.id for record in kept.values() if record.id in children]


def _number(found: Plain, children: Children, root: str | None, root_aliases: Sequence[str]) -> None:
    declared = (*(() if root is None else (root,)), *root_aliases)

    def add(parent: int, record: TaxonRecord) -> None:
        node = len(found.names)
        vernaculars = _others(record.name, (*record.vernaculars, *(declared if parent < 0 else ())))
        found.parent.append(parent)
        found.names.append(record.name)
        found.ranks.append(record.rank)
        found.vernaculars.append(vernaculars)
        found.synonyms.append(_others(record.name, record.synonyms, known=vernaculars))
        found.ids.append(tuple(dict.fromkeys(record.ids)))
        for child in children.get(record.id, ()):
            add(node, child)

    top = children[None]
    if len(top) == 1:
        add(-1, top[0])
        return
    key = object()
    children[key] = top
    add(-1, TaxonRecord(id=key, parent=None, name=root or "(root)", where="t"))


def _others(name: str, texts: Iterable[str], known: Iterable[str] = ()) -> tuple[str, ...]:
    taken = {"", normalize(name), *map(normalize, known)}
    found: dict[str, str] = {}
    for text in texts:
        if normalize(text) not in taken:
            found.setdefault(normalize(text), text.strip())
    return tuple(found.values())


def outcome(call: Callable[[], object]) -> object:
    """What a call gives, or the message of its error."""
    try:
        return call()
    except RlfgError as error:
        return str(error)

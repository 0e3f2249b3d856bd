"""Records as a forest in which every walk up ends, however bad the source: what lint looks at."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import final

from rlfg.taxonomy.build import TaxonRecord, parent_cycles
from rlfg.taxonomy.names import normalize


@final
class Forest:
    """The records of a source, with cycles and unknown parents cut and siblings of one name taken together."""

    def __init__(self, records: Iterable[TaxonRecord]) -> None:
        """Index the records."""
        self.records: dict[Hashable, TaxonRecord] = {}
        self.repeated: list[TaxonRecord] = []
        """Records whose id was taken; they are left out."""
        for record in records:
            if self.records.setdefault(record.id, record) is not record:
                self.repeated.append(record)
        parent = {key: record.parent for key, record in self.records.items()}
        self.cycles = [[self.records[key] for key in cycle] for cycle in parent_cycles(parent)]
        self.orphans = [r for r in self.records.values() if r.parent is not None and r.parent not in self.records]
        cut = {record.id for cycle in self.cycles for record in cycle} | {record.id for record in self.orphans}
        self._parent = {r.id: None if r.id in cut else r.parent for r in self.records.values()}
        self.twins: list[tuple[TaxonRecord, TaxonRecord]] = []
        """Siblings with name and rank of an earlier one, which stands for both from here on."""
        self._same = self._find_twins()
        self.taxa: list[TaxonRecord] = [r for r in self.records.values() if self._same[r.id] == r.id]
        self.named = self._index(lambda record: (record.name,))
        """Normalised name → the taxa under it."""
        self.synonyms = self._index(lambda record: record.synonyms)
        self.vernaculars = self._index(lambda record: record.vernaculars)

    def parent(self, record: TaxonRecord) -> TaxonRecord | None:
        """The taxon above, or None at the top and where the source is cut."""
        above = self._parent[self._same[record.id]]
        return None if above is None else self.records[self._same[above]]

    def ancestors(self, record: TaxonRecord) -> Iterator[TaxonRecord]:
        """From the parent up."""
        above = self.parent(record)
        while above is not None:
            yield above
            above = self.parent(above)

    def deepest(self, taxa: Iterable[TaxonRecord]) -> list[TaxonRecord]:
        """Those that have no other of them below: what a look-up of their common name finds."""
        distinct = list({record.id: record for record in taxa}.values())
        if len(distinct) < 2:
            return distinct
        above = {upper.id for record in distinct for upper in self.ancestors(record)}
        return [record for record in distinct if record.id not in above]

    def lookup(self, text: str) -> list[TaxonRecord]:
        """The taxa that a text names, by any of their names."""
        key = normalize(text)
        return self.deepest(r for index in (self.named, self.synonyms, self.vernaculars) for r in index.get(key, ()))

    def path(self, record: TaxonRecord) -> str:
        """Names from the top down."""
        return " > ".join(r.name for r in (*reversed([*self.ancestors(record)]), record))

    def _find_twins(self) -> dict[Hashable, Hashable]:
        """Id → the id that stands for it; parents first, since children of twins are siblings."""
        same: dict[Hashable, Hashable] = {}
        seen: dict[tuple[Hashable | None, str, str | None], TaxonRecord] = {}
        for start in self.records:
            pending = [start]
            while (above := self._parent[pending[-1]]) is not None and above not in same:
                pending.append(above)
            for key in reversed(pending):
                if key in same:
                    continue
                record = self.records[key]
                above = self._parent[key]
                place = (None if above is None else same[above], normalize(record.name), record.rank)
                first = seen.setdefault(place, record) if place[1] else record
                same[key] = first.id
                if first is not record:
                    self.twins.append((record, first))
        return same

    def _index(self, names: Callable[[TaxonRecord], tuple[str, ...]]) -> dict[str, list[TaxonRecord]]:
        found: dict[str, list[TaxonRecord]] = {}
        for record in self.taxa:
            for key in dict.fromkeys(map(normalize, names(record))):
                if key:
                    found.setdefault(key, []).append(record)
        return found


def places(taxa: Sequence[TaxonRecord], limit: int = 4) -> str:
    """Where some taxa stand, for a message."""
    shown = ", ".join(record.where for record in taxa[:limit])
    return shown + (f" and {len(taxa) - limit} more" if len(taxa) > limit else "")

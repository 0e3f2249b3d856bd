"""Merging lineages, each from the top taxon down to a label, into one set of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rlfg.errors import RlfgError
from rlfg.taxonomy.build import TaxonRecord, find_cycle
from rlfg.taxonomy.names import normalize


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One taxon of a lineage."""

    name: str
    rank: str | None = None
    vernaculars: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class _Taxon:
    parent: int | None
    rank: str | None
    where: str
    names: set[str] = field(default_factory=set)
    """Its spellings; they differ at most in what `normalize` folds."""
    vernaculars: dict[str, None] = field(default_factory=dict)
    synonyms: dict[str, None] = field(default_factory=dict)


class LineageMerger:
    """Collects lineages; two steps are the same taxon if the whole path to them is the same.

    So one name under two parents makes two taxa, and a child that bears its parent's name stays a taxon
    of its own.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._taxa: list[_Taxon] = []
        self._ids: dict[tuple[int | None, str | None, str], int] = {}
        self._above: dict[str, set[str]] = {}
        self._label_where: dict[str, str] = {}

    def add(self, steps: Sequence[Step], *, where: str) -> None:
        """Add a lineage, top taxon first; its last step is the label it is about."""
        parent: int | None = None
        for step in steps:
            key = (parent, step.rank, normalize(step.name))
            if key not in self._ids:
                self._ids[key] = len(self._taxa)
                self._taxa.append(_Taxon(parent=parent, rank=step.rank, where=where))
            parent = self._ids[key]
            self._taxa[parent].names.add(step.name)
            self._taxa[parent].vernaculars |= dict.fromkeys(step.vernaculars)
            self._taxa[parent].synonyms |= dict.fromkeys(step.synonyms)
        label = steps[-1].name
        self._above.setdefault(label, set()).update({step.name for step in steps} - {label})
        self._label_where.setdefault(label, where)

    def records(self) -> list[TaxonRecord]:
        """The merged taxa.

        Raises:
            RlfgError: the lineages of labels contradict each other: A is listed below B, and B below A.
        """
        self._check_cycle()
        return [
            TaxonRecord(
                id=index,
                parent=taxon.parent,
                name=min(taxon.names),
                rank=taxon.rank,
                vernaculars=tuple(taxon.vernaculars),
                synonyms=tuple(taxon.synonyms),
                where=taxon.where,
            )
            for index, taxon in enumerate(self._taxa)
        ]

    def _check_cycle(self) -> None:
        # Sorted, so that the cycle that is reported does not depend on hash seeds.
        cycle = find_cycle({label: sorted(above) for label, above in self._above.items()})
        if cycle is not None:
            path = " is below ".join(f'"{label}"' for label in cycle)
            places = ", ".join(self._label_where[str(label)] for label in cycle[:-1])
            raise RlfgError(f"{places}: the taxonomy has a cycle: {path}; correct one of these lineages")

"""Merging lineages, each from the top taxon down to a label, into one set of records."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from rlfg.taxonomy.build import TaxonRecord, find_cycle
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.names import normalize


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One taxon of a lineage."""

    name: str
    rank: str | None = None
    vernaculars: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class _Taxon:
    parent: int | None
    rank: str | None
    where: str
    names: set[str] = field(default_factory=set)
    """Its spellings; they differ at most in what `normalize` folds."""
    vernaculars: dict[str, None] = field(default_factory=dict)
    synonyms: dict[str, None] = field(default_factory=dict)
    ids: dict[str, None] = field(default_factory=dict)


class LineageMerger:
    """Collects lineages; two steps are the same taxon if the whole path to them is the same.

    So one name under two parents makes two taxa, and a child that bears its parent's name stays a taxon
    of its own.
    """

    def __init__(self, *, contradictions: bool = True) -> None:
        """Start without any.

        Args:
            contradictions: whether A below B in one lineage and B below A in another is an error. Say no
                where a level's rank or place tells namesakes apart; it also saves memory.
        """
        self._contradictions = contradictions
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
            self._taxa[parent].ids |= dict.fromkeys(step.ids)
        if not self._contradictions:
            return
        label = steps[-1].name
        self._above.setdefault(label, set()).update({step.name for step in steps} - {label})
        self._label_where.setdefault(label, where)

    def records(self, ledger: Ledger) -> Iterator[TaxonRecord]:
        """The merged taxa.

        Raises:
            RlfgError: the lineages of labels contradict each other: A is listed below B, and B below A.
        """
        self._check_cycles(ledger)
        for index, taxon in enumerate(self._taxa):
            yield TaxonRecord(
                id=index,
                parent=taxon.parent,
                name=min(taxon.names),
                rank=taxon.rank,
                vernaculars=tuple(taxon.vernaculars),
                synonyms=tuple(taxon.synonyms),
                ids=tuple(taxon.ids),
                where=taxon.where,
            )

    def _check_cycles(self, ledger: Ledger) -> None:
        """Every label is on one reported cycle at most."""
        # Sorted, so that the cycle that is reported does not depend on hash seeds.
        graph: dict[Hashable, list[str]] = {label: sorted(above) for label, above in self._above.items()}
        while (cycle := find_cycle(graph)) is not None:
            path = " is below ".join(f'"{label}"' for label in cycle)
            places = ", ".join(self._label_where[str(label)] for label in cycle[:-1])
            message = f"{places}: the taxonomy has a cycle: {path}; correct one of these lineages"
            ledger.contradiction(message)
            graph = {
                label: [a for a in above if a not in cycle] for label, above in graph.items() if label not in cycle
            }

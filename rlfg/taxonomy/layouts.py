"""Tables of ranks as published datasets lay them out: known by their header, or described by the caller.

    kingdom,phylum,class,order,family,genus,specific_epithet,name,common_name      iNaturalist
    kingdom,phylum,class,order,family,genus,species,common                         TreeOfLife
    phylum,class,order,family,subfamily,tribe,genus,species,dna_bin                BIOSCAN

Other columns (pictures, splits, barcodes) are ignored, and so are rows that repeat a lineage or name no taxon.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from rlfg.errors import RlfgError
from rlfg.taxonomy.authors import names_in
from rlfg.taxonomy.lineages import Step
from rlfg.taxonomy.ranks import MAIN_RANKS, check_rank_order
from rlfg.taxonomy.reading import ReadOptions
from rlfg.taxonomy.text import split_names

COMMON_COLUMNS = ("common_name", "common", "vernacular_name")
NOT_KNOWN = frozenset({"", "nan", "not_classified", "unclassified"})
"""Cells, case-folded, that published tables write for "no taxon here"."""
_BIOSCAN = ("kingdom", "phylum", "class", "order", "family", "subfamily", "tribe", "genus", "species", "subspecies")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which columns of a table say what."""

    columns: Mapping[str, str]
    """Rank → its column, top to bottom."""
    main_ranks: tuple[str, ...]
    common: str | None = None
    """Column of common names of the row's lowest taxon."""
    epithets: bool = False
    """Whether the species column may hold the epithet alone, to be put behind the genus."""
    full_name: str | None = None
    """Column of the lowest taxon's whole scientific name."""

    def cells(self, row: Mapping[str, str]) -> tuple[str, ...]:
        """All of a row that this layout looks at."""
        extra = (column for column in (self.common, self.full_name) if column)
        return tuple(row[column] for column in chain(self.columns.values(), extra))

    def steps(self, row: Mapping[str, str]) -> list[Step]:
        """The row's lineage; empty if it names no taxon."""
        named = {rank: row[column] for rank, column in self.columns.items() if row[column].casefold() not in NOT_KNOWN}
        if self.epithets and "species" in named:
            named["species"] = binomial(named.get("genus", ""), named["species"])
        steps = [_named(cell, rank) for rank, cell in named.items()]
        if self.full_name and steps and steps[-1].rank == "species":
            steps[-1:] = _under_full_name(steps[-1], row[self.full_name])
        if self.common and steps:
            last = steps[-1]
            steps[-1] = Step(
                name=last.name, rank=last.rank, synonyms=last.synonyms, vernaculars=tuple(split_names(row[self.common]))
            )
        return steps


def _named(cell: str, rank: str) -> Step:
    name, authored = names_in(cell)
    return Step(name=name, rank=rank, synonyms=authored)


def binomial(genus: str, species: str) -> str:
    """The species' name with its genus in front, where only the epithet was given."""
    if not genus or not species[:1].islower() or species.casefold().startswith(f"{genus.casefold()} "):
        return species
    return f"{genus} {species}"


def known_layout(header: Collection[str]) -> Layout | None:
    """The published layout that a header is in."""
    common = next((column for column in COMMON_COLUMNS if column in header), None)
    if {"genus", "specific_epithet"} <= {*header}:
        columns = {rank: rank for rank in MAIN_RANKS[:-1] if rank in header} | {"species": "specific_epithet"}
        full_name = "name" if "name" in header else None
        return _layout(columns, common=common, epithets=True, full_name=full_name)
    if {"dna_bin", "species"} <= {*header}:
        return _layout({rank: rank for rank in _BIOSCAN if rank in header}, common=common)
    if {*MAIN_RANKS} <= {*header} and common:
        return _layout({rank: rank for rank in MAIN_RANKS}, common=common, epithets=True)
    return None


def described_layout(header: Collection[str], options: ReadOptions, where: str) -> Layout:
    """The layout that the caller describes; all its ranks are main ranks.

    Raises:
        RlfgError: a column that is not in the header, or ranks the wrong way round.
    """
    columns = tuple(_column(name, header, where) for name in options.rank_columns)
    check_rank_order(columns, where)
    common = options.common_column and _column(options.common_column, header, where)
    return Layout(columns={column: column for column in columns}, main_ranks=columns, common=common)


def _column(name: str, header: Collection[str], where: str) -> str:
    key = name.casefold().replace(" ", "_")
    if key not in header:
        raise RlfgError(f'{where}: there is no column "{name}"; the columns are {", ".join(header)}')
    return key


def _layout(
    columns: dict[str, str], *, common: str | None, epithets: bool = False, full_name: str | None = None
) -> Layout:
    main_ranks = tuple(rank for rank in MAIN_RANKS if rank in columns)
    return Layout(columns=columns, main_ranks=main_ranks, common=common, epithets=epithets, full_name=full_name)


def _under_full_name(species: Step, full_name: str) -> Iterator[Step]:
    """A longer full name is a subspecies of the species; another one is its name, and the binomial a synonym."""
    if full_name.casefold() in (*NOT_KNOWN, species.name.casefold()):
        yield species
    elif full_name.casefold().startswith(f"{species.name.casefold()} "):
        yield species
        yield Step(name=full_name, rank="subspecies")
    else:
        yield Step(name=full_name, rank="species", synonyms=(species.name,))

"""Rank tables: one row a lineage, one column a rank, in CSV, TSV or Parquet.

    order,family,genus,genus_common,species,species_common,species_synonyms
    Charadriiformes,Laridae,Larus,gull,Larus argentatus,Herring Gull,Larus smithsonianus;silver gull

Columns of ranks stand top to bottom under any names. `<rank>_common` and `<rank>_synonyms` hold other
names of that row's taxon, separated by ";". A scientific name may have its authors behind, which make it
a synonym of the bare name. Lower ranks may be empty (the row then is about the genus, say), and so may ranks
in between; rows may repeat a taxon and add names to it. Tables of published datasets, which hold other
columns too, are in `rlfg.taxonomy.layouts`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.authors import names_in
from rlfg.taxonomy.build import TaxonRecord, build_taxonomy
from rlfg.taxonomy.layouts import Layout, described_layout, known_layout
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.lineages import LineageMerger, Step
from rlfg.taxonomy.ranks import check_rank_order
from rlfg.taxonomy.reading import Reading, ReadOptions
from rlfg.taxonomy.text import delimiter_of, open_table, split_names
from rlfg.taxonomy.tree import Taxonomy

NAME_SUFFIXES = ("_common", "_synonyms")
_NOT_RANKS = {
    *("", "id", "index", "uuid", "name", "scientific_name", "label", "split"),
    *("common", "common_name", "synonym", "synonyms", "alias", "aliases"),
}
_Rows = Iterable[tuple[str, Mapping[str, str]]]


def read_rank_table(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read a rank table, in whichever layout its header or the options say.

    Raises:
        RlfgError: naming the file and line of a table that does not hold to the format.
    """
    header, rows = open_table(path, ledger)
    if options.common_column and not options.rank_columns:
        raise RlfgError(f"{path}: a column of common names needs the rank columns beside it")
    layout = described_layout(header, options, f"{path}:1") if options.rank_columns else known_layout(header)
    if layout is not None:
        return Reading(records=layout_records(rows, layout, ledger), main_ranks=layout.main_ranks)
    ranks = _rank_columns(header, f"{path}:1")
    return Reading(records=_records(rows, ranks, ledger), main_ranks=ranks)


def read_rank_csv(path: str | Path, *, root: str | None = None, root_aliases: Sequence[str] = ()) -> Taxonomy:
    """The taxonomy of a rank table, without provenance; `load_taxonomy` gives it with."""
    reading = read_rank_table(Path(path), ReadOptions(), Ledger())
    return build_taxonomy(
        reading.records, source=str(path), main_ranks=reading.main_ranks, root=root, root_aliases=root_aliases
    )


def layout_records(rows: _Rows, layout: Layout, ledger: Ledger) -> Iterator[TaxonRecord]:
    """The taxa of a published table; its rows may repeat a lineage any number of times."""
    merger = LineageMerger(contradictions=False)
    seen: set[tuple[str, ...]] = set()
    for where, row in rows:
        cells = layout.cells(row)
        if cells in seen:
            ledger.used["repeated row"] += 1
        elif steps := layout.steps(row):
            merger.add(steps, where=where)
            ledger.used["lineage"] += 1
            seen.add(cells)
        else:
            ledger.skipped["row without a taxon"] += 1
    yield from merger.records(ledger)


def _records(rows: _Rows, ranks: Sequence[str], ledger: Ledger) -> Iterator[TaxonRecord]:
    merger = LineageMerger()
    for where, row in rows:
        try:
            steps = list(_steps(row, ranks, where))
            if not steps:
                raise RlfgError(f"{where}: no taxon in this row; fill in at least one of {', '.join(ranks)}")
        except RlfgError as error:
            ledger.bad(error)
            continue
        merger.add(steps, where=where)
        ledger.used["lineage"] += 1
    yield from merger.records(ledger)


def write_rank_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write a rank table; a column that a row lacks is left empty.

    Args:
        path: the delimiter goes by its extension, as in reading.
        columns: ranks top to bottom, each followed by its `_common` and `_synonyms` where there are any.
        rows: column → cell.
    """
    _rank_columns(columns, str(path))
    delimiter = delimiter_of(path)
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _rank_columns(header: Sequence[str], where: str) -> tuple[str, ...]:
    """The columns that are ranks, checked against the columns of names that refer to them."""
    ranks = tuple(column for column in header if not column.endswith(NAME_SUFFIXES))
    for column in header:
        rank = next((column.removesuffix(s) for s in NAME_SUFFIXES if column.endswith(s)), column)
        if rank not in ranks:
            raise RlfgError(f'{where}: column "{column}" belongs to no rank: there is no column "{rank}"')
    for rank in ranks:
        if rank in _NOT_RANKS:
            raise RlfgError(
                f'{where}: column "{rank}" is not a rank; every column is a rank, <rank>_common or'
                " <rank>_synonyms (else say which are, with rank columns and common column; a table of ids"
                " needs the columns id and parent_id)"
            )
    if not ranks:
        raise RlfgError(f"{where}: there is no rank column")
    check_rank_order(ranks, where)
    return ranks


def _steps(row: Mapping[str, str], ranks: Sequence[str], where: str) -> Iterator[Step]:
    for rank in ranks:
        vernaculars, synonyms = (tuple(split_names(row.get(rank + suffix, ""))) for suffix in NAME_SUFFIXES)
        if row[rank]:
            name, authored = names_in(row[rank])
            yield Step(name=name, rank=rank, vernaculars=vernaculars, synonyms=authored + synonyms)
        elif others := vernaculars + synonyms:
            raise RlfgError(f'{where}: "{others[0]}" is another name of the {rank}, but "{rank}" is empty')

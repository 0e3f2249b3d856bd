"""Parent tables: one row a taxon, with the id of its parent, in CSV, TSV or Parquet.

    id,parent_id,name,rank,common,synonyms
    1,,Aves,class,bird;birds,
    2,1,Laridae,family,gull,

`rank`, `common` and `synonyms` (names separated by ";") are optional, and so is `aliases`, which counts
as `synonyms`; an empty `parent_id` makes a top taxon.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.ranks import check_rank_order
from rlfg.taxonomy.reading import Reading, ReadOptions
from rlfg.taxonomy.text import delimiter_of, open_table, split_names
from rlfg.taxonomy.tree import UNNAMED_ROOT, Taxonomy

REQUIRED = ("id", "parent_id", "name")
OPTIONAL = ("rank", "common", "synonyms", "aliases")


def read_parent_table(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read a parent table.

    Its main ranks are `options.ranks`; by default kingdom … species, as far as they occur. All other
    ranks are clades in between. Where fewer than two occur, depth counts edges.

    Raises:
        RlfgError: naming the file and line of a table that does not hold to the format.
    """
    header, rows = open_table(path, ledger)
    _check_columns(header, f"{path}:1")
    check_rank_order(options.ranks, str(path))
    return Reading(records=_records(path, rows, options.ranks, ledger), main_ranks=options.ranks or None)


def write_parent_table(taxonomy: Taxonomy, path: str | Path) -> None:
    """Write a taxonomy as a table that a person can edit; ids are its node numbers.

    Reading it gives the same content back, with `ranks` where the main ranks are not those of biology.

    Raises:
        RlfgError: it cannot be written, or a name holds the ";" that separates names.
    """
    unnamed_root = taxonomy.names[0] == UNNAMED_ROOT
    rows = []
    for node in range(int(unnamed_root), taxonomy.n):
        above = int(taxonomy.parent[node])
        others = (taxonomy.vernaculars[node], taxonomy.synonyms[node])
        for name in (name for names in others for name in names if ";" in name):
            raise RlfgError(f'{path}: "{name}" holds a ";", which separates names in a table; write a .tax file')
        parent = "" if above < 0 or (above == 0 and unnamed_root) else above
        rows.append([node, parent, taxonomy.names[node], taxonomy.ranks[node] or "", *map(";".join, others)])
    try:
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter_of(path), lineterminator="\n")
            writer.writerows([[*REQUIRED, *OPTIONAL[:3]], *rows])
    except OSError as error:
        raise RlfgError(f"{path}: cannot write the taxonomy: {error.strerror}") from error


def _records(
    path: Path, rows: Iterable[tuple[str, Mapping[str, str]]], ranks: Sequence[str], ledger: Ledger
) -> Iterator[TaxonRecord]:
    unused = set(ranks)
    for where, row in rows:
        if not row["id"]:
            ledger.bad(f'{where}: "{row["name"]}" has no id')
            continue
        record = _record(row, where)
        unused.discard(record.rank or "")
        ledger.used["taxon"] += 1
        yield record
    if unused:
        first = next(rank for rank in ranks if rank in unused)
        raise RlfgError(f'{path}: no taxon has the declared rank "{first}"')


def _check_columns(header: Sequence[str], where: str) -> None:
    for column in REQUIRED:
        if column not in header:
            raise RlfgError(f'{where}: there is no column "{column}"; a parent table needs {", ".join(REQUIRED)}')
    for column in header:
        if column not in (*REQUIRED, *OPTIONAL):
            raise RlfgError(f'{where}: unknown column "{column}"; known are {", ".join((*REQUIRED, *OPTIONAL))}')


def _record(row: Mapping[str, str], where: str) -> TaxonRecord:
    return TaxonRecord(
        id=row["id"],
        ids=(row["id"],),
        parent=row["parent_id"] or None,
        name=row["name"],
        rank=row.get("rank", "").casefold() or None,
        vernaculars=tuple(split_names(row.get("common", ""))),
        synonyms=tuple(name for column in ("synonyms", "aliases") for name in split_names(row.get(column, ""))),
        where=where,
    )

"""Parent tables: one row a taxon, with the id of its parent, in CSV or TSV.

    id,parent_id,name,rank,common,synonyms
    1,,Aves,class,bird;birds,
    2,1,Laridae,family,gull,

`rank`, `common` and `synonyms` (names separated by ";") are optional, and so is `aliases`, which counts
as `synonyms`; an empty `parent_id` makes a top taxon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.build import TaxonRecord, build_taxonomy
from rlfg.taxonomy.ranks import check_rank_order, main_ranks_among
from rlfg.taxonomy.text import read_table, split_names
from rlfg.taxonomy.tree import Taxonomy

REQUIRED = ("id", "parent_id", "name")
OPTIONAL = ("rank", "common", "synonyms", "aliases")


def read_parent_table(
    path: str | Path,
    *,
    ranks: Sequence[str] = (),
    root: str | None = None,
    root_aliases: Sequence[str] = (),
) -> Taxonomy:
    """Read a parent table.

    Args:
        path: the table.
        ranks: the main ranks, top to bottom. By default kingdom … species, as far as they occur; all
            other ranks are clades in between. Where fewer than two occur, depth counts edges.
        root: name of the root; see `build_taxonomy`.
        root_aliases: other names of it.

    Raises:
        RlfgError: naming the file and line of a table that does not hold to the format.
    """
    header, rows = read_table(path)
    _check_columns(header, f"{path}:1")
    check_rank_order(ranks, str(path))
    records = [_record(row, where) for where, row in rows]
    used = {record.rank for record in records}
    unused = [rank for rank in ranks if rank not in used]
    if unused:
        raise RlfgError(f'{path}: no taxon has the declared rank "{unused[0]}"')
    return build_taxonomy(
        records,
        source=str(path),
        main_ranks=ranks or main_ranks_among(used),
        root=root,
        root_aliases=root_aliases,
    )


def _check_columns(header: Sequence[str], where: str) -> None:
    for column in REQUIRED:
        if column not in header:
            raise RlfgError(f'{where}: there is no column "{column}"; a parent table needs {", ".join(REQUIRED)}')
    for column in header:
        if column not in (*REQUIRED, *OPTIONAL):
            raise RlfgError(f'{where}: unknown column "{column}"; known are {", ".join((*REQUIRED, *OPTIONAL))}')


def _record(row: Mapping[str, str], where: str) -> TaxonRecord:
    if not row["id"]:
        raise RlfgError(f'{where}: "{row["name"]}" has no id')
    return TaxonRecord(
        id=row["id"],
        parent=row["parent_id"] or None,
        name=row["name"],
        rank=row.get("rank", "").casefold() or None,
        vernaculars=tuple(split_names(row.get("common", ""))),
        synonyms=tuple(name for column in ("synonyms", "aliases") for name in split_names(row.get(column, ""))),
        where=where,
    )

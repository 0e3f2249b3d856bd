"""Reading taxonomy files as text: encoding, delimiter and line numbers, with an error for each."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import file_lines
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.parquet import open_parquet

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def read_text(path: str | Path) -> str:
    """The file's text, without a byte order mark; .gz is unpacked.

    Raises:
        RlfgError: it cannot be read, or is not UTF-8.
    """
    return "".join(file_lines(path))


def open_table(path: str | Path, ledger: Ledger) -> tuple[list[str], Iterator[tuple[str, dict[str, str]]]]:
    """Header and rows of a table: text, whose delimiter goes by the extension and the header, or Parquet.

    Column names are lower-cased, with "_" for spaces; cells are stripped. Blank lines are passed over,
    and a row may be shorter than the header. Rows are read as they are asked for, and counted.

    Returns:
        The header, and for each row its place ("file:line") and column → cell.
    """
    if Path(path).suffix.lower() == ".parquet":
        columns, rows = open_parquet(path)
        header = [_column(name) for name in columns]
        _check_header(header, str(path))
    else:
        rows = _cells(path)
        where, first = next(rows, (str(path), []))
        if not first:
            raise RlfgError(f"{path}: the file is empty; its first line must name the columns")
        header = [_column(cell) for cell in first]
        _check_header(header, where)
    return header, _rows(header, rows, ledger)


def read_table(path: str | Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of any table of text as they stand, each with the number of its last line.

    Raises:
        RlfgError: it cannot be read, is not UTF-8, or a row has another number of cells than the header.
    """
    lines = file_lines(path)
    header = next(lines, "")
    delimiter = delimiter_in(header, DELIMITERS.get(suffix_of(path), ","))
    rows = csv.DictReader(chain([header], lines), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            if None in row or None in row.values():
                raise RlfgError(f"{path}:{rows.line_num}: this line has another number of cells than the header")
            yield rows.line_num, row
    except csv.Error as error:
        raise RlfgError(f"{path}:{rows.line_num}: not a readable table: {error}") from error


def _rows(
    header: Sequence[str], rows: Iterator[tuple[str, list[str]]], ledger: Ledger
) -> Iterator[tuple[str, dict[str, str]]]:
    for where, cells in rows:
        ledger.entries["rows"] += 1
        if any(cells[len(header) :]):
            ledger.bad(f"{where}: {len(cells)} cells, but the first line names {len(header)} columns")
            continue
        yield where, dict(zip(header, [*cells, *[""] * len(header)], strict=False))


def _column(name: str) -> str:
    return name.casefold().replace(" ", "_")


def split_names(cell: str) -> list[str]:
    """The names in a cell, separated by ";"."""
    return [name.strip() for name in cell.split(";") if name.strip()]


def delimiter_of(path: str | Path) -> str:
    """The delimiter of a table, by its extension, before a .gz.

    Raises:
        RlfgError: the extension is none of `DELIMITERS`.
    """
    suffix = suffix_of(path)
    if suffix not in DELIMITERS:
        raise RlfgError(f"{path}: not a table; name it {', '.join(DELIMITERS)}")
    return DELIMITERS[suffix]


def delimiter_in(header: str, usual: str) -> str:
    """What parts a table's columns: the usual mark, or, where its first line has none, the one that it has.

    Spreadsheets write ";" into a .csv where the decimal mark is a comma.
    """
    return next((mark for mark in (usual, ";", "\t", ",") if mark in header), usual)


def suffix_of(path: str | Path) -> str:
    """The lower-case extension, before a .gz."""
    name = Path(path).name.lower()
    return Path(name.removesuffix(".gz")).suffix


def _cells(path: str | Path) -> Iterator[tuple[str, list[str]]]:
    lines = file_lines(path)
    header = next(lines, "")
    reader = csv.reader(chain([header], lines), delimiter=delimiter_in(header, delimiter_of(path)), strict=True)
    start = 1
    try:
        for cells in reader:
            stripped = [" ".join(cell.split()) for cell in cells]
            if stripped:
                yield f"{path}:{start}", stripped
            start = reader.line_num + 1
    except csv.Error as error:
        raise RlfgError(f"{path}:{start}: not a readable table: {error}") from error


def _check_header(header: Sequence[str], where: str) -> None:
    for column in header:
        if header.count(column) > 1:
            raise RlfgError(f'{where}: column "{column}" stands twice')

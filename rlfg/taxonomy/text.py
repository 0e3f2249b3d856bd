"""Reading taxonomy files as text: encoding, delimiter and line numbers, with an error for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from rlfg.errors import RlfgError

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def read_text(path: str | Path) -> str:
    """The file's text, without a byte order mark.

    Raises:
        RlfgError: it cannot be read, or is not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RlfgError(f"{path}: cannot read the taxonomy: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RlfgError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def read_table(path: str | Path) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """Header and rows of a table whose delimiter goes by the extension.

    Column names are lower-cased, with "_" for spaces; cells are stripped. Blank lines are passed over,
    and a row may be shorter than the header.

    Returns:
        The header, and for each row its place ("file:line") and column → cell.
    """
    lines = list(_cells(path))
    if not lines:
        raise RlfgError(f"{path}: the file is empty; its first line must name the columns")
    (where, first), *rest = lines
    header = [cell.casefold().replace(" ", "_") for cell in first]
    _check_header(header, where)
    return header, [(place, _row(header, cells, place)) for place, cells in rest]


def split_names(cell: str) -> list[str]:
    """The names in a cell, separated by ";"."""
    return [name.strip() for name in cell.split(";") if name.strip()]


def delimiter_of(path: str | Path) -> str:
    """The delimiter of a table, by its extension.

    Raises:
        RlfgError: the extension is none of `DELIMITERS`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in DELIMITERS:
        raise RlfgError(f"{path}: not a table; name it {', '.join(DELIMITERS)}")
    return DELIMITERS[suffix]


def _cells(path: str | Path) -> list[tuple[str, list[str]]]:
    source = io.StringIO(read_text(path), newline="")
    reader = csv.reader(source, delimiter=delimiter_of(path), strict=True)
    lines: list[tuple[str, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            stripped = [" ".join(cell.split()) for cell in cells]
            if stripped:
                lines.append((f"{path}:{start}", stripped))
            start = reader.line_num + 1
    except csv.Error as error:
        raise RlfgError(f"{path}:{start}: not a readable table: {error}") from error
    return lines


def _check_header(header: Sequence[str], where: str) -> None:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t,"):
        raise RlfgError(f"{where}: only one column; use commas in a .csv file and tabs in a .tsv file")
    for column in header:
        if header.count(column) > 1:
            raise RlfgError(f'{where}: column "{column}" stands twice')


def _row(header: Sequence[str], cells: Sequence[str], where: str) -> dict[str, str]:
    if any(cells[len(header) :]):
        raise RlfgError(f"{where}: {len(cells)} cells, but the first line names {len(header)} columns")
    padded = [*cells, *[""] * len(header)]
    return dict(zip(header, padded, strict=False))

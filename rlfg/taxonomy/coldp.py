"""Catalogue of Life Data Packages (ColDP): .zip or folder of .tsv, .csv or .txt files.

    NameUsage.tsv          col:ID, col:parentID, col:status, col:scientificName, col:authorship, col:rank
    VernacularName.tsv     col:taxonID, col:name, col:language

or, in place of NameUsage, Name (ID, scientificName, authorship, rank), Taxon (ID, nameID, parentID) and
Synonym (taxonID, nameID). The "col:" is optional; a synonym's parentID is its accepted taxon.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import Archive
from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.languages import wanted_language
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.reading import Reading, ReadOptions
from rlfg.taxonomy.usages import Usage, usage_records, without_author

_EXTENSIONS = (".tsv", ".csv", ".txt", ".tab")
_Row = Mapping[str, str]


def find_entity(archive: Archive, entity: str) -> str | None:
    """The file of an entity ("NameUsage"), which may be written name-usage or name_usage, too."""
    spelled = "".join(f"-{c}" if c.isupper() and i else c for i, c in enumerate(entity))
    variants = (entity, spelled, spelled.replace("-", "_"))
    return archive.find(*(f"{name}{extension}" for name in variants for extension in _EXTENSIONS))


def is_coldp(archive: Archive) -> bool:
    """Whether an archive has the files that make a tree."""
    return bool(find_entity(archive, "NameUsage") or (find_entity(archive, "Name") and find_entity(archive, "Taxon")))


def read_coldp(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read a package; of names, only synonyms and, where Name is a file of its own, all are held in memory.

    Raises:
        RlfgError: files or columns are missing, or a row that lacks columns.
    """
    archive = Archive(path)
    if not is_coldp(archive):
        found = ", ".join(archive.names[:8])
        raise RlfgError(f"{path}: a ColDP package needs NameUsage.tsv, or Name.tsv and Taxon.tsv; found {found}")

    def records() -> Iterator[TaxonRecord]:
        vernaculars = _vernaculars(archive, options, ledger)
        whole = find_entity(archive, "NameUsage")
        usages = _whole(archive, whole) if whole else _joined(archive, ledger)
        yield from usage_records(usages, vernaculars, ledger)

    return Reading(records=records(), main_ranks=options.ranks or None, siblings="merge")


def _whole(archive: Archive, file: str) -> Callable[[Ledger], Iterator[Usage]]:
    """Passes over NameUsage."""

    def usages(ledger: Ledger) -> Iterator[Usage]:
        for where, row in _rows(archive, file, ("id", "scientificname"), ledger):
            status, above = _status(row), row.get("parentid", "")
            parent, accepted = ("", above) if "synonym" in status else (above, "")
            yield _usage(row, row, where, status, parent=parent, accepted=accepted)

    return usages


def _joined(archive: Archive, ledger: Ledger) -> Callable[[Ledger], Iterator[Usage]]:
    """Passes over Taxon and Synonym, with the names they refer to, which are counted."""
    name_file, taxon_file, synonym_file = (find_entity(archive, entity) for entity in ("Name", "Taxon", "Synonym"))
    assert name_file and taxon_file, "is_coldp looked"
    names: dict[str, _Row] = {}
    for _, row in _rows(archive, name_file, ("id", "scientificname"), ledger):
        ledger.skipped["name that nothing refers to"] += 1
        names[row["id"]] = row

    def usages(counted: Ledger) -> Iterator[Usage]:
        for where, row in _rows(archive, taxon_file, ("id", "nameid"), counted):
            yield _usage(named(row), row, where, "", parent=row.get("parentid", ""), accepted="")
        for where, row in _rows(archive, synonym_file, ("taxonid", "nameid"), counted) if synonym_file else ():
            own = {"id": row.get("id") or f"synonym {row['nameid']} of {row['taxonid']}"}
            yield _usage(named(row), own, where, _status(row) or "synonym", parent="", accepted=row["taxonid"])

    referred: set[str] = set()

    def named(row: _Row) -> _Row:
        key = row["nameid"]
        if key in names and key not in referred:
            referred.add(key)
            ledger.used["name"] += 1
            ledger.skipped["name that nothing refers to"] -= 1
        return names.get(key, {})

    return usages


def _usage(name: _Row, row: _Row, where: str, status: str, *, parent: str, accepted: str) -> Usage:
    author = name.get("authorship", "")
    bare = without_author(name.get("scientificname", ""), author)
    return Usage(
        id=row.get("id", ""),
        parent=parent,
        accepted=accepted,
        name=bare,
        other_names=(f"{bare} {author}",) if author and bare else (),
        rank=name.get("rank", "").casefold(),
        status=status,
        where=where,
        key=row.get("id", ""),
    )


def _status(row: _Row) -> str:
    return row.get("status", "").casefold().replace("_", " ")


def _vernaculars(archive: Archive, options: ReadOptions, ledger: Ledger) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    file = find_entity(archive, "VernacularName")
    if file is None:
        return found
    for _, row in _rows(archive, file, ("taxonid", "name"), ledger):
        if not row["name"]:
            ledger.skipped["common name that is empty"] += 1
        elif not wanted_language(row.get("language", ""), options.languages):
            ledger.skipped["common name in another language"] += 1
        else:
            found.setdefault(row["taxonid"], []).append(row["name"])
    return found


def _rows(archive: Archive, file: str, required: tuple[str, ...], ledger: Ledger) -> Iterator[tuple[str, _Row]]:
    """Rows by lower-case column, without "col:". Tabs are never quoted, commas may be."""
    lines = archive.lines(file)
    place = archive.where(file)
    first = next(lines, "")
    tabs = "\t" in first or not file.lower().endswith(".csv")
    form: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if tabs else {"delimiter": ","}
    header = [cell.strip().casefold().removeprefix("col:") for cell in next(csv.reader([first], **form), [])]
    missing = [column for column in required if column not in header]
    if missing:
        raise RlfgError(f'{place}:1: there is no column "{missing[0]}"; the columns are {", ".join(header)}')
    reader = csv.reader(lines, **form)
    start = 2
    try:
        for cells in reader:
            where, start = f"{place}:{start}", reader.line_num + 2
            if not any(cells):
                continue
            ledger.entries[file] += 1
            if len(cells) != len(header):
                ledger.bad(f"{where}: {len(cells)} cells, but the first line names {len(header)} columns")
                continue
            yield where, {column: " ".join(cell.split()) for column, cell in zip(header, cells, strict=True)}
    except csv.Error as error:
        raise RlfgError(f"{place}:{start}: not a readable table: {error}") from error

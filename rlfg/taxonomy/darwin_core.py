"""Darwin Core Archives of taxa, such as the GBIF backbone and the Catalogue of Life: .zip or folder.

    meta.xml               which file is the core (rowType …/Taxon), its delimiters, and each column's term
    Taxon.tsv              taxonID, parentNameUsageID, acceptedNameUsageID, scientificName, taxonRank, …
    VernacularName.tsv     the extension of common names, with language

A taxon's name is `canonicalName` where there is one, else `scientificName` without its authorship; the name
with author is kept as a synonym.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import Archive
from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.languages import wanted_language
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.reading import Reading, ReadOptions
from rlfg.taxonomy.usages import Usage, usage_records, without_author

META = "meta.xml"
_ID = "(id)"
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", '\\"': '"'}


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A file of the archive as meta.xml describes it."""

    file: str
    columns: Mapping[str, int]
    """Last part of a term → column; the core's id or an extension's reference to it is `_ID`."""
    defaults: Mapping[str, str]
    delimiter: str
    quote: str
    header_lines: int
    encoding: str


def read_darwin_core(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read an archive, its core twice: synonyms first.

    Raises:
        RlfgError: no or no readable meta.xml, a core that is not of taxa, or a row that lacks columns.
    """
    archive = Archive(path)
    tables = _tables(archive)
    core = tables["Taxon"]

    def usages(counted: Ledger) -> Iterator[Usage]:
        return (_usage(row, where) for where, row in _rows(archive, core, counted))

    def records() -> Iterator[TaxonRecord]:
        vernaculars = _vernaculars(archive, tables.get("VernacularName"), options, ledger)
        yield from usage_records(usages, vernaculars, ledger)

    return Reading(records=records(), main_ranks=options.ranks or None, siblings="merge")


def _usage(row: Mapping[str, str], where: str) -> Usage:
    key = row.get(_ID, "")
    scientific, author = row.get("scientificName", ""), row.get("scientificNameAuthorship", "")
    name = row.get("canonicalName") or without_author(scientific, author)
    full = scientific if author and author in scientific else f"{scientific} {author}".strip()
    return Usage(
        id=row.get("taxonID") or key,
        parent=row.get("parentNameUsageID", ""),
        accepted=row.get("acceptedNameUsageID", ""),
        name=name,
        other_names=(full,) if full != name else (),
        rank=row.get("taxonRank", "").casefold(),
        status=row.get("taxonomicStatus", "").casefold().replace("_", " "),
        where=where,
        key=key or row.get("taxonID", ""),
    )


def _vernaculars(archive: Archive, table: _Table | None, options: ReadOptions, ledger: Ledger) -> dict[str, list[str]]:
    """Key of the core → common names."""
    found: dict[str, list[str]] = {}
    if table is None:
        return found
    for _, row in _rows(archive, table, ledger):
        if not row.get("vernacularName"):
            ledger.skipped["common name that is empty"] += 1
        elif not wanted_language(row.get("language", ""), options.languages):
            ledger.skipped["common name in another language"] += 1
        else:
            found.setdefault(row.get(_ID, ""), []).append(row["vernacularName"])
    return found


def _rows(archive: Archive, table: _Table, ledger: Ledger) -> Iterator[tuple[str, dict[str, str]]]:
    lines = archive.lines(table.file, table.encoding)
    if table.quote:
        reader = csv.reader(lines, delimiter=table.delimiter, quotechar=table.quote)
    else:
        reader = csv.reader(lines, delimiter=table.delimiter, quoting=csv.QUOTE_NONE)
    place, start = archive.where(table.file), 1
    last = max(table.columns.values())
    try:
        for number, cells in enumerate(reader):
            where, start = f"{place}:{start}", reader.line_num + 1
            if number < table.header_lines or not any(cells):
                continue
            ledger.entries[table.file] += 1
            if len(cells) <= last:
                ledger.bad(f"{where}: {len(cells)} columns, but {META} speaks of {last + 1}")
                continue
            values = {term: " ".join(cells[column].split()) for term, column in table.columns.items()}
            yield where, {**table.defaults, **{term: value for term, value in values.items() if value}}
    except csv.Error as error:
        raise RlfgError(f"{place}:{start}: not a readable table: {error}") from error


def _tables(archive: Archive) -> dict[str, _Table]:
    """The tables by the last part of their row type.

    Raises:
        RlfgError: meta.xml is missing, broken, or describes no core of taxa.
    """
    meta = archive.find(META)
    if meta is None:
        raise RlfgError(f"{archive.path}: a Darwin Core Archive needs {META}; found {', '.join(archive.names[:8])}")
    where = archive.where(meta)
    try:
        root = ElementTree.fromstring("".join(archive.lines(meta)))
    except ElementTree.ParseError as error:
        raise RlfgError(f"{where}: not readable XML: {error}") from error
    elements = [element for element in root if _bare(element.tag) in ("core", "extension")]
    tables = {_bare(element.get("rowType", "")): _table(element, where) for element in reversed(elements)}
    if "Taxon" not in tables or _bare(elements[0].get("rowType", "")) != "Taxon":
        kinds = ", ".join(map(str, tables)) or "none"
        raise RlfgError(f"{where}: the core must be of rowType Taxon; this archive has {kinds}")
    if "scientificName" not in tables["Taxon"].columns and "canonicalName" not in tables["Taxon"].columns:
        raise RlfgError(f"{where}: the core has no column for scientificName")
    return tables


def _table(element: ElementTree.Element, where: str) -> _Table:
    columns: dict[str, int] = {}
    defaults: dict[str, str] = {}
    location = ""
    for part in element.iter():
        tag, index = _bare(part.tag), part.get("index")
        if tag == "location":
            location = Path((part.text or "").strip()).name
        elif tag in ("id", "coreid") and index is not None:
            columns[_ID] = int(index)
        elif tag == "field" and index is not None:
            columns[_bare(part.get("term", ""))] = int(index)
        if tag == "field" and part.get("default"):
            defaults[_bare(part.get("term", ""))] = part.get("default", "")
    if not location or not columns:
        raise RlfgError(f"{where}: a {_bare(element.tag)} without a file location or columns")
    encoding = element.get("encoding") or "UTF-8"
    return _Table(
        file=location,
        columns=columns,
        defaults=defaults,
        delimiter=_unescaped(element.get("fieldsTerminatedBy", ",")) or ",",
        quote=_unescaped(element.get("fieldsEnclosedBy", '"')),
        header_lines=int(element.get("ignoreHeaderLines") or 0),
        encoding="utf-8-sig" if encoding.casefold() in ("utf-8", "utf8") else encoding,
    )


def _bare(term: str) -> str:
    """The last part of a URI, or of a name with a namespace."""
    return term.replace("}", "/").rstrip("/").rpartition("/")[2]


def _unescaped(text: str) -> str:
    return _ESCAPES.get(text, text)

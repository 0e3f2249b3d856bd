"""NCBI's taxdump: a folder, .tar.gz or .zip with nodes.dmp and names.dmp, and merged.dmp and delnodes.dmp if there.

    562	|	561	|	species	|	…          nodes.dmp: id, parent, rank
    562	|	Escherichia coli	|		|	scientific name	|          names.dmp: id, name, unique name, class
    12	|	74109	|          merged.dmp: old id, new id

Old ids find the taxon they were merged into, and deleted ones are counted. Siblings with one name and rank
become one taxon. "no rank" is no rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import Archive
from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.reading import Reading, ReadOptions

VERNACULAR_CLASSES = {"common name", "genbank common name", "blast name"}
SKIPPED_CLASSES = {"in-part", "misnomer", "type material"}
"""Names of a part of the taxon or of something wider, wrong uses of a name, and strain codes."""
_NO_RANK = {"no rank", "unranked", ""}
_END = "\t|"


@dataclass(slots=True)
class _Names:
    name: str = ""
    vernaculars: list[str] = field(default_factory=list)
    synonyms: list[str] = field(default_factory=list)


def read_ncbi(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read a taxdump.

    nodes.dmp and names.dmp are read side by side; as both are sorted by id, little waits in memory.

    Raises:
        RlfgError: a file is missing or cut off, a line has too few fields, or a taxon no scientific name.
    """
    archive = Archive(path)
    files = [archive.find(name) for name in ("nodes.dmp", "names.dmp")]
    if None in files:
        raise RlfgError(f"{path}: a taxdump needs nodes.dmp and names.dmp; found {', '.join(archive.names)}")
    return Reading(records=_records(archive, ledger), main_ranks=options.ranks or None, siblings="merge")


def _records(archive: Archive, ledger: Ledger) -> Iterator[TaxonRecord]:
    old_ids = _merged(archive, ledger)
    names = _names(archive, ledger)
    waiting: dict[str, _Names] = {}
    for where, (key, parent, rank, *_) in _rows(archive, "nodes.dmp", 3, ledger):
        found = waiting.pop(key, None)
        while found is None:
            other, of_other = next(names, (key, _Names()))
            if other == key:
                found = of_other
            else:
                waiting[other] = of_other
        if not found.name:
            ledger.bad(f"{where}: id {key} has no scientific name in names.dmp, or its names do not stand together")
            continue
        ledger.used["taxon"] += 1
        old = old_ids.pop(key, ())
        ledger.used["old id"] += len(old)
        yield TaxonRecord(
            id=int(key),
            parent=None if parent == key else int(parent),
            name=found.name,
            rank=None if rank in _NO_RANK else rank,
            vernaculars=tuple(found.vernaculars),
            synonyms=tuple(found.synonyms),
            ids=(key, *old),
            where=where,
        )
    _count_rest(waiting, names, old_ids, ledger)


def _names(archive: Archive, ledger: Ledger) -> Iterator[tuple[str, _Names]]:
    """The names of one id after another; a name counts as used before its taxon is known."""
    for key, rows in groupby(_rows(archive, "names.dmp", 4, ledger), key=lambda row: row[1][0]):
        found = _Names()
        for _, (_, text, _, kind, *_) in rows:
            name = text.replace('\\"', '"')
            if kind in SKIPPED_CLASSES:
                ledger.skipped[f"name of class {kind}"] += 1
            elif kind == "scientific name" and not found.name:
                found.name = name
                ledger.used["name"] += 1
            elif kind in VERNACULAR_CLASSES:
                found.vernaculars.append(name)
                ledger.used["vernacular"] += 1
            else:
                found.synonyms.append(name)
                ledger.used["synonym"] += 1
        yield key, found


def _merged(archive: Archive, ledger: Ledger) -> dict[str, list[str]]:
    """New id → old ids; deleted ids are only counted."""
    old_ids: dict[str, list[str]] = {}
    if archive.find("merged.dmp"):
        for _, (old, new, *_) in _rows(archive, "merged.dmp", 2, ledger):
            old_ids.setdefault(new, []).append(old)
    if archive.find("delnodes.dmp"):
        for _ in _rows(archive, "delnodes.dmp", 1, ledger):
            ledger.skipped["deleted id"] += 1
    return old_ids


def _rows(archive: Archive, file: str, fields: int, ledger: Ledger) -> Iterator[tuple[str, list[str]]]:
    name = archive.find(file)
    assert name is not None, "read_ncbi and _merged look first"
    place = archive.where(name)
    for number, line in enumerate(archive.lines(name), start=1):
        if not line.strip():
            continue
        ledger.entries[file] += 1
        cells = line.rstrip("\r\n").removesuffix(_END).split("\t|\t")
        if len(cells) < fields or not all(
            cell.strip().isdecimal() for cell in cells[: 1 if file == "names.dmp" else 2]
        ):
            ledger.bad(f'{place}:{number}: expected {fields} fields or more between "<tab>|<tab>", ids first')
            continue
        yield f"{place}:{number}", [cell.strip() for cell in cells]


def _count_rest(
    waiting: dict[str, _Names], names: Iterator[tuple[str, _Names]], old_ids: dict[str, list[str]], ledger: Ledger
) -> None:
    for found in (*waiting.values(), *(of_other for _, of_other in names)):
        for kind, count in (
            ("name", bool(found.name)),
            ("vernacular", len(found.vernaculars)),
            ("synonym", len(found.synonyms)),
        ):
            ledger.used[kind] -= int(count)
            ledger.skipped["name of an id that is not in nodes.dmp"] += int(count)
    ledger.skipped["old id of a taxon that is not in nodes.dmp"] += sum(map(len, old_ids.values()))
    ledger.drop_zeros()

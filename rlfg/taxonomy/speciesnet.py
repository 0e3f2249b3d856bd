"""SpeciesNet's label list: one taxon a line, lower case, the epithet alone in the species field.

    <uuid>;mammalia;carnivora;canidae;vulpes;vulpes;red fox
    <uuid>;aves;;;;;bird
    <uuid>;;;;;;blank

Names get their capital back and species their genus; a two-word epithet is a subspecies below its
species. Lines without any taxon are the detector's own classes: "animal" names the root, and the others
(blank, vehicle, no cv result, unknown) are skipped. Human is a species like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rlfg.taxonomy.archive import file_lines
from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.lineages import LineageMerger, Step
from rlfg.taxonomy.reading import Reading, ReadOptions

RANKS = ("class", "order", "family", "genus", "species")
ROOT = "animal"
LINE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(;[^;]*){6}\s*", re.IGNORECASE)


def read_speciesnet(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read a label list."""
    return Reading(records=_records(path, ledger), main_ranks=RANKS, root_names=(ROOT,))


def _records(path: Path, ledger: Ledger) -> Iterator[TaxonRecord]:
    merger = LineageMerger(contradictions=False)
    for number, line in enumerate(file_lines(path), start=1):
        if not line.strip():
            continue
        ledger.entries["labels"] += 1
        where = f"{path}:{number}"
        if not LINE.fullmatch(line):
            ledger.bad(f"{where}: expected uuid;class;order;family;genus;species;common name")
            continue
        uuid, *taxa, common = (" ".join(field.split()) for field in line.split(";"))
        steps = _steps(uuid, taxa, common)
        if steps:
            merger.add(steps, where=where)
            ledger.used["lineage"] += 1
        elif common == ROOT:
            ledger.used["name of the root"] += 1
        else:
            ledger.skipped[f"no taxon: {common or 'no name'}"] += 1
    yield from merger.records(ledger)


def _steps(uuid: str, taxa: list[str], common: str) -> list[Step]:
    """The line's lineage; empty if none of its fields is a taxon."""
    *above, epithet = ["" if taxon == common and taxa.count(taxon) > 1 else taxon for taxon in taxa]
    named = [(rank, name.capitalize()) for rank, name in zip(RANKS, above, strict=False) if name]
    if epithet:
        genus = above[-1].capitalize()
        first, *rest = epithet.split()
        named.append(("species", f"{genus} {first}".strip()))
        named += [("subspecies", f"{genus} {epithet}".strip())] if rest else []
    steps = [Step(name=name, rank=rank) for rank, name in named]
    if steps:
        vernaculars = (common,) if common else ()
        steps[-1] = Step(name=steps[-1].name, rank=steps[-1].rank, vernaculars=vernaculars, ids=(uuid,))
    return steps

"""GTDB lineages, one a line, with or without the accession of a genome in front.

    RS_GCF_000005845.2<tab>d__Bacteria;p__Pseudomonadota;…;g__Escherichia;s__Escherichia coli

An empty level ("s__") ends nothing: it is left out. Many genomes share a species; their accessions are
not kept, and such lines count as repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import file_lines
from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.lineages import LineageMerger, Step
from rlfg.taxonomy.reading import Reading, ReadOptions

RANKS = {"d": "domain", "p": "phylum", "c": "class", "o": "order", "f": "family", "g": "genus", "s": "species"}
LINE = re.compile(r"(?:[^\t,]*[\t,])?\s*\"?(d__[^\t\";]*(?:;\s*[pcofgs]__[^\t\";]*)*)\"?\s*")


def read_gtdb(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read a file of lineages; a first line that holds none is its header.

    Raises:
        RlfgError: a line that is not a lineage, or whose levels are not in order.
    """
    return Reading(records=_records(path, ledger), main_ranks=tuple(RANKS.values()))


def _records(path: Path, ledger: Ledger) -> Iterator[TaxonRecord]:
    merger = LineageMerger(contradictions=False)
    seen: set[str] = set()
    for number, line in enumerate(file_lines(path), start=1):
        where = f"{path}:{number}"
        found = LINE.fullmatch(line)
        if not line.strip() or (found is None and number == 1 and "__" not in line):
            continue
        ledger.entries["lines"] += 1
        try:
            if found is None:
                raise RlfgError(f"{where}: expected d__…;p__…;c__…;o__…;f__…;g__…;s__…, after an accession and a tab")
            if found[1] in seen:
                ledger.used["repeated lineage"] += 1
                continue
            steps = _steps(found[1], where)
        except RlfgError as error:
            ledger.bad(error)
            continue
        merger.add(steps, where=where)
        seen.add(found[1])
        ledger.used["lineage"] += 1
    yield from merger.records(ledger)


def _steps(lineage: str, where: str) -> list[Step]:
    levels = [level.strip().partition("__") for level in lineage.split(";")]
    order = [list(RANKS).index(letter) for letter, _, _ in levels]
    if order != sorted(set(order)):
        raise RlfgError(f"{where}: the levels are not in the order d__, p__, c__, o__, f__, g__, s__")
    steps = [Step(name=" ".join(name.split()), rank=RANKS[letter]) for letter, _, name in levels if name.strip()]
    if not steps:
        raise RlfgError(f"{where}: every level of this lineage is empty")
    return steps

"""Lists of paths, one category a line, as product taxonomies are published.

    # Google_Product_Taxonomy_Version: 2021-09-21
    1 - Animals & Pet Supplies
    3237 - Animals & Pet Supplies > Live Animals

The identifier in front is optional, lines that start with "#" are comments, and depth counts edges. The
same name may stand at several places, also above itself in one path and below in another.
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

SEPARATOR = re.compile(r"(?<!\S)>(?!\S)")
_ID = re.compile(r"(\d+)\s+-\s+(.*)")


def read_paths(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read a list of paths.

    Raises:
        RlfgError: a path with an empty step.
    """
    return Reading(records=_records(path, ledger), main_ranks=())


def _records(path: Path, ledger: Ledger) -> Iterator[TaxonRecord]:
    merger = LineageMerger(contradictions=False)
    seen: set[str] = set()
    for number, line in enumerate(file_lines(path), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        ledger.entries["paths"] += 1
        where = f"{path}:{number}"
        found = _ID.fullmatch(text)
        key, whole = (found[1], found[2]) if found else ("", text)
        names = [" ".join(name.split()) for name in SEPARATOR.split(whole)]
        if not all(names):
            ledger.bad(f'{where}: a step of this path has no name; write "A > B > C"')
        elif text in seen:
            ledger.used["repeated path"] += 1
        else:
            steps = [Step(name=name) for name in names]
            steps[-1] = Step(name=names[-1], ids=(key,) if key else ())
            merger.add(steps, where=where)
            seen.add(text)
            ledger.used["lineage"] += 1
    yield from merger.records(ledger)

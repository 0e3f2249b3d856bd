"""Categories of an iNaturalist competition: JSON with a list `categories` whose entries carry the ranks.

    {"categories": [{"id": 0, "name": "Lumbricus terrestris", "common_name": "Common Earthworm",
     "kingdom": "Animalia", …, "genus": "Lumbricus", "specific_epithet": "terrestris"}]}

The list alone will do. Entries are read as rows of the table layout of the same columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import file_lines
from rlfg.taxonomy.layouts import known_layout
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.rank_csv import layout_records
from rlfg.taxonomy.reading import Reading, ReadOptions
from rlfg.taxonomy.text import read_text


def is_inat_json(path: Path) -> bool:
    """Whether a JSON file speaks of epithets."""
    return any('"specific_epithet"' in line for line in file_lines(path))


def read_inat_json(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read the categories.

    Raises:
        RlfgError: not JSON, or no categories with genus and specific_epithet.
    """
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise RlfgError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
    entries = content.get("categories") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RlfgError(f'{path}: expected "categories", a list of objects with genus and specific_epithet')
    header = list(entries[0]) if entries else []
    layout = known_layout(header)
    if layout is None:
        raise RlfgError(f"{path}: its categories lack genus and specific_epithet; they have {', '.join(header)}")
    rows = _rows(path, entries, ledger)
    return Reading(records=layout_records(rows, layout, ledger), main_ranks=layout.main_ranks)


def _rows(path: Path, entries: Iterable[Mapping[str, Any]], ledger: Ledger) -> Iterator[tuple[str, Mapping[str, str]]]:
    for index, entry in enumerate(entries):
        ledger.entries["categories"] += 1
        row = {key: " ".join(str(value or "").split()) for key, value in entry.items()}
        yield f'{path}: category {row.get("id") or index} "{row.get("name", "")}"', row

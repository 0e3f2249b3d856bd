"""Folders of scored or tallied runs, compared as what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eval.compare.comparison import Comparison
from eval.compare.paired import holm_corrected
from eval.compare.scored import compare_many
from eval.compare.tallied import compare_tallies
from eval.folders import WRITERS, read_metrics
from eval.predictions import read_json_lines
from eval.score import read_items
from eval.tally import read_tallied
from rlfg.errors import RlfgError

OPEN = "open"


def compare_folders(a: Path, others: Mapping[str, Path]) -> dict[str, Comparison]:
    """Each of several runs, by its name, against the one in folder `a`.

    Raises:
        RlfgError: They were not asked by one protocol, or cannot be compared item by item.
    """
    protocol = protocol_of_folder(a)
    for folder in others.values():
        if (other := protocol_of_folder(folder)) != protocol:
            raise RlfgError(f"{a}: {_kind(protocol)}, but {folder}: {_kind(other)}; compare runs that were asked alike")
    if protocol == OPEN:
        return compare_many(read_items(_items(a)), {name: read_items(_items(f)) for name, f in others.items()})
    first = read_tallied(_items(a))
    found = {name: compare_tallies(protocol, first, read_tallied(_items(f))) for name, f in others.items()}
    return holm_corrected(found)


def protocol_of_folder(folder: Path) -> str:
    """How its items were asked: "open" where `rlfg score` gave them verdicts, else as `rlfg tally` says.

    Raises:
        RlfgError: Neither wrote this folder.
    """
    lines = read_json_lines(_items(folder), most=1)
    if lines and "verdict" in lines[0][1]:
        return OPEN
    protocol = read_metrics(folder).get("protocol") if lines else None
    if not isinstance(protocol, str):
        raise RlfgError(f"{folder}: holds no scores; give a folder that {WRITERS} wrote")
    return protocol


def _items(folder: Path) -> Path:
    return folder / "items.jsonl"


def _kind(protocol: str) -> str:
    return (
        "open questions (rlfg score)" if protocol == OPEN else f"closed questions of protocol {protocol} (rlfg tally)"
    )

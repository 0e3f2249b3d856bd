"""Folders of scored or tallied runs, compared as what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eval.compare.comparison import Comparison
from eval.compare.paired import holm_corrected
from eval.compare.scored import compare_many
from eval.compare.tallied import compare_tallies
from eval.folders import OPEN, common_protocol, items_of
from eval.score import read_items
from eval.tally import read_tallied
from rlfg.taxonomy import Taxonomy


def compare_folders(a: Path, others: Mapping[str, Path], taxonomy: Taxonomy | None = None) -> dict[str, Comparison]:
    """Each of several runs, by its name, against the one in folder `a`.

    Args:
        a: the first run.
        others: the others by name.
        taxonomy: that of open answers; adds the hierarchical metrics and the severity.

    Raises:
        RlfgError: They were not asked by one protocol, or cannot be compared item by item.
    """
    protocol = common_protocol([a, *others.values()])
    if protocol == OPEN:
        runs = {name: read_items(items_of(folder)) for name, folder in others.items()}
        return compare_many(read_items(items_of(a)), runs, taxonomy)
    first = read_tallied(items_of(a))
    found = {name: compare_tallies(protocol, first, read_tallied(items_of(f))) for name, f in others.items()}
    return holm_corrected(found)

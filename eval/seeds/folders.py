"""Folders of scored or tallied runs of several seeds, combined as what they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.folders import OPEN, common_protocol, folder_names, items_of
from eval.score import read_items
from eval.seeds.over import Seeds
from eval.seeds.runs import over_seeds, tallies_over_seeds
from eval.tally import read_tallied
from rlfg.taxonomy import Taxonomy


def seeds_of_folders(folders: Sequence[Path], taxonomy: Taxonomy | None = None) -> Seeds:
    """Each metric over the runs, which are called by their folders.

    Args:
        folders: one a seed.
        taxonomy: that of open answers; adds the hierarchical metrics and the severity.

    Raises:
        RlfgError: A folder is given twice, or they were not asked the same questions by one protocol.
    """
    named = dict(zip(folder_names(folders), folders, strict=True))
    protocol = common_protocol(folders)
    if protocol == OPEN:
        return over_seeds({name: read_items(items_of(folder)) for name, folder in named.items()}, taxonomy)
    return tallies_over_seeds(protocol, {name: read_tallied(items_of(folder)) for name, folder in named.items()})

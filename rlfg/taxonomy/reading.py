"""What every reader takes and gives: one interface for loading and for lint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rlfg.taxonomy.build import Siblings, TaxonRecord

Hypernym = Literal["first", "shortest", "longest"]
"""Which parent a WordNet synset with several keeps: the first listed, or that on the shortest or longest way up."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a caller may say about a source; each format names those it takes."""

    ranks: tuple[str, ...] = ()
    """Main ranks, top to bottom: of a lineage file's levels, or those that count in a table of parents."""
    rank_columns: tuple[str, ...] = ()
    """Columns of a table that are ranks, top to bottom, where its header is not a known one."""
    common_column: str | None = None
    """Column with common names of a row's lowest taxon, separated by ";"."""
    languages: tuple[str, ...] = ()
    """Languages of the common names to keep, such as "en"; empty for all."""
    hypernym: Hypernym = "first"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A source being read."""

    records: Iterable[TaxonRecord]
    """To be gone through once; nothing is read before."""
    main_ranks: tuple[str, ...] | None = None
    """Ranks that depth counts; None for those of kingdom … species that occur."""
    siblings: Siblings = "distinct"
    root_names: tuple[str, ...] = ()
    """What the source itself calls the whole."""

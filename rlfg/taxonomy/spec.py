"""What a configuration says of a taxonomy."""

from __future__ import annotations

from dataclasses import dataclass

from rlfg.taxonomy.load import load_taxonomy
from rlfg.taxonomy.tree import Taxonomy


@dataclass(frozen=True, kw_only=True)
class TaxonomySpec:
    """Which tree, and how it is read."""

    path: str
    """Built, or any source of docs/taxonomies.md."""
    root: str | None = None
    """Name of the root, where the file has several top taxa ("bird" for CUB)."""
    root_aliases: tuple[str, ...] = ()
    """Other names of the root ("birds")."""
    ranks: tuple[str, ...] = ()
    """Names of a lineage file's levels, from the top."""

    def load(self) -> Taxonomy:
        """The tree."""
        return load_taxonomy(self.path, root=self.root, root_aliases=self.root_aliases, ranks=self.ranks)

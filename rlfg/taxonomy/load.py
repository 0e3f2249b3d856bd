"""Loading a taxonomy file, whichever of the formats it is in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.hierarchies import BUILTIN, locate
from rlfg.taxonomy.lineage_json import read_lineage_json
from rlfg.taxonomy.parent_table import read_parent_table
from rlfg.taxonomy.rank_csv import read_rank_csv
from rlfg.taxonomy.text import DELIMITERS, read_table
from rlfg.taxonomy.tree import Taxonomy


def load_taxonomy(
    path: str | Path,
    *,
    root: str | None = None,
    root_aliases: Sequence[str] = (),
    ranks: Sequence[str] = (),
) -> Taxonomy:
    """Read a rank table or a parent table (.csv, .tsv) or a lineage file (.json).

    Args:
        path: the file; a table with a column `parent_id` is a parent table. "builtin:cub200" is the
            project's own hierarchy of that name (`rlfg.taxonomy.hierarchies.available`).
        root: what the whole tree is called ("bird"). Several top taxa are joined under a root of this
            name; a single one keeps its name and gets this as an alias.
        root_aliases: other names of the root ("birds").
        ranks: main ranks, top to bottom: of a lineage file's levels, or of a parent table that uses
            others than kingdom … species. A rank table declares its own.

    Raises:
        RlfgError: naming the file, the line or label, and the fix.
    """
    path = Path(path)
    if isinstance(root_aliases, str) or isinstance(ranks, str):
        raise RlfgError(f"{path}: root_aliases and ranks are lists of names, not one text")
    if str(path).startswith(BUILTIN):
        path, root, root_aliases = locate(str(path).removeprefix(BUILTIN), root, root_aliases)
    suffix = path.suffix.lower()
    if suffix == ".json":
        return read_lineage_json(path, ranks=ranks, root=root, root_aliases=root_aliases)
    if suffix not in DELIMITERS:
        raise RlfgError(f"{path}: unknown kind of taxonomy; use a .csv or .tsv table or a .json lineage file")
    if "parent_id" in read_table(path)[0]:
        return read_parent_table(path, ranks=ranks, root=root, root_aliases=root_aliases)
    if ranks:
        raise RlfgError(f"{path}: a rank table's columns are its ranks; drop the ranks given beside it")
    return read_rank_csv(path, root=root, root_aliases=root_aliases)

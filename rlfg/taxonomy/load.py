"""Loading a taxonomy, whichever of the formats it is in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import sha256_of
from rlfg.taxonomy.build import build_taxonomy
from rlfg.taxonomy.formats import open_source
from rlfg.taxonomy.hierarchies import BUILTIN, locate
from rlfg.taxonomy.ledger import Ledger, Provenance
from rlfg.taxonomy.reading import Hypernym, Reading, ReadOptions
from rlfg.taxonomy.store import is_saved, open_saved
from rlfg.taxonomy.tree import Taxonomy

SAVED = "saved"
"""Name of the format that `rlfg taxonomy build` writes."""


def load_taxonomy(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002  the word a caller expects
    root: str | None = None,
    root_aliases: Sequence[str] = (),
    ranks: Sequence[str] = (),
    rank_columns: Sequence[str] = (),
    common_column: str | None = None,
    languages: Sequence[str] = (),
    hypernym: Hypernym = "first",
) -> Taxonomy:
    """Read a taxonomy from a file, folder or archive.

    Args:
        path: a built taxonomy, or a source; docs/taxonomies.md lists the formats. "builtin:cub200" is the
            project's own hierarchy of that name (`rlfg.taxonomy.hierarchies.available`).
        format: name of the format; by default that which extension and content speak for.
        root: what the whole tree is called ("bird"). Several top taxa are joined under a root of this
            name; a single one keeps its name and gets this as an alias.
        root_aliases: other names of the root ("birds").
        ranks: main ranks, top to bottom: of a lineage file's levels, or of a source that uses others
            than kingdom … species. A rank table declares its own.
        rank_columns: which columns of a table are ranks, top to bottom, if its header is not a known one.
        common_column: which column then holds the common names of a row's lowest taxon.
        languages: languages of the common names to keep, where the source tells them; by default all.
        hypernym: which parent a WordNet synset with several keeps.

    Raises:
        RlfgError: naming the file, the line or label, and the fix.
    """
    path = Path(path)
    if any(isinstance(names, str) for names in (root_aliases, ranks, rank_columns, languages)):
        raise RlfgError(f"{path}: root_aliases and ranks are lists of names, not one text")
    path, root, root_aliases = located(path, root, root_aliases)
    options = ReadOptions(
        ranks=tuple(ranks),
        rank_columns=tuple(rank_columns),
        common_column=common_column,
        languages=tuple(languages),
        hypernym=hypernym,
    )
    if format in (None, SAVED) and (format == SAVED or is_saved(path)):
        return _saved(path, options, root, root_aliases)
    ledger = Ledger()
    name, reading = open_source(path, format, options, ledger)
    return _built(path, name, reading, ledger, root, root_aliases)


def located(path: Path, root: str | None, root_aliases: Sequence[str]) -> tuple[Path, str | None, Sequence[str]]:
    """File and names of the root; those of the project's own hierarchy where the path names one.

    Raises:
        RlfgError: there is no hierarchy of that name.
    """
    if not str(path).startswith(BUILTIN):
        return path, root, root_aliases
    return locate(str(path).removeprefix(BUILTIN), root, root_aliases)


def _saved(path: Path, options: ReadOptions, root: str | None, root_aliases: Sequence[str]) -> Taxonomy:
    """A built taxonomy, which was told everything when it was built."""
    taxonomy = open_saved(path)
    unknown = [name for name in (root, *root_aliases) if name is not None and taxonomy.lookup(name) != (0,)]
    if unknown:
        raise RlfgError(
            f'{path}: "{unknown[0]}" does not name the root of this built taxonomy; build it with that root'
        )
    if options != ReadOptions() and options != ReadOptions(ranks=taxonomy.main_ranks):
        raise RlfgError(f"{path}: a built taxonomy takes no options of reading; give them to rlfg taxonomy build")
    return taxonomy


def _built(
    path: Path, name: str, reading: Reading, ledger: Ledger, root: str | None, root_aliases: Sequence[str]
) -> Taxonomy:
    given = (*(() if root is None else (root,)), *root_aliases)
    first, *others = (*given, *reading.root_names) or (None,)

    def account() -> Provenance:
        assert ledger.balance() == 0, f"{path}: entries are neither used nor skipped: {ledger}"
        return provenance(path, name, ledger)

    return build_taxonomy(
        reading.records,
        source=str(path),
        main_ranks=reading.main_ranks,
        root=first,
        root_aliases=[other for other in others if other],
        siblings=reading.siblings,
        ledger=ledger,
        provenance=account,
    )


def provenance(path: Path, name: str, ledger: Ledger) -> Provenance:
    """What is known of a source that was read to its end."""
    return Provenance(
        format=name,
        source=str(path),
        sha256=sha256_of(path) if path.exists() else "",
        entries=dict(ledger.entries),
        used=dict(ledger.used),
        skipped=dict(ledger.skipped),
        notes=dict(ledger.notes),
    )

"""Lineage files: a JSON object of label → list of taxa from the top down to the label itself.

    {"Herring Gull": ["Charadriiformes", "Laridae", {"name": "Larus", "common": "gull"}, "Herring Gull"]}

A taxon is a name, or an object with `name`, `common` and `synonyms` (a name or a list of names); other
names need to be given once. Lineages may differ in length.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.taxonomy.build import TaxonRecord, build_taxonomy
from rlfg.taxonomy.ledger import Ledger
from rlfg.taxonomy.lineages import LineageMerger, Step
from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.ranks import check_rank_order
from rlfg.taxonomy.reading import Reading, ReadOptions
from rlfg.taxonomy.text import read_text
from rlfg.taxonomy.tree import Taxonomy

_OTHER_NAMES = ("common", "synonyms")
_KEYS = {"name", *_OTHER_NAMES}


def read_lineage_json(path: Path, options: ReadOptions, ledger: Ledger) -> Reading:
    """Read a lineage file; see `taxonomy_from_lineages`.

    Raises:
        RlfgError: naming the file and the line or label that does not hold to the format.
    """
    try:
        lineages = json.loads(read_text(path), object_pairs_hook=lambda pairs: _object(pairs, path, ledger))
    except json.JSONDecodeError as error:
        raise RlfgError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
    if not isinstance(lineages, dict):
        raise RlfgError(f"{path}: expected a JSON object of label → lineage, not a {_kind(lineages)}")
    check_rank_order(options.ranks, str(path))
    return Reading(
        records=_records(lineages, str(path), options.ranks, ledger),
        main_ranks=options.ranks,
    )


def taxonomy_from_lineages(
    lineages: Mapping[str, Any],
    *,
    source: str = "lineages",
    ranks: Sequence[str] = (),
    root: str | None = None,
    root_aliases: Sequence[str] = (),
) -> Taxonomy:
    """Merge label → lineage into one taxonomy.

    Args:
        lineages: as a lineage file holds them.
        source: starts every message.
        ranks: ranks of the lineages' levels from the top, which become the main ranks; a lineage may be
            shorter but not longer. Without them the taxonomy is unranked.
        root: name of the root; see `build_taxonomy`.
        root_aliases: other names of it.
    """
    check_rank_order(ranks, source)
    records = _records(lineages, source, ranks, Ledger())
    return build_taxonomy(records, source=source, main_ranks=ranks, root=root, root_aliases=root_aliases)


def _records(lineages: Mapping[str, Any], source: str, ranks: Sequence[str], ledger: Ledger) -> Iterator[TaxonRecord]:
    merger = LineageMerger()
    for label, lineage in lineages.items():
        ledger.entries["lineages"] += 1
        where = f'{source}: label "{label}"'
        try:
            steps = _steps(label, lineage, ranks, where)
        except RlfgError as error:
            ledger.bad(error)
            continue
        merger.add(steps, where=where)
        ledger.used["lineage"] += 1
    yield from merger.records(ledger)


def _steps(label: str, lineage: object, ranks: Sequence[str], where: str) -> list[Step]:
    if not isinstance(lineage, Sequence) or isinstance(lineage, str) or not lineage:
        raise RlfgError(f"{where}: expected a list of taxa from the top down to the label")
    if ranks and len(lineage) > len(ranks):
        raise RlfgError(f"{where}: {len(lineage)} taxa, but only {len(ranks)} ranks: {', '.join(ranks)}")
    padded = [*ranks, *[None] * len(lineage)]
    steps = [_step(taxon, rank, where) for taxon, rank in zip(lineage, padded, strict=False)]
    names = (steps[-1].name, *steps[-1].vernaculars, *steps[-1].synonyms)
    if normalize(label) not in map(normalize, names):
        raise RlfgError(
            f'{where}: its lineage ends in "{steps[-1].name}"; end it with the label itself, or give the'
            " label as another name of that taxon"
        )
    return steps


def _step(taxon: object, rank: str | None, where: str) -> Step:
    if isinstance(taxon, str):
        taxon = {"name": taxon}
    if not isinstance(taxon, Mapping) or not taxon.keys() <= _KEYS:
        raise RlfgError(f"{where}: a taxon is a name or an object with name, common and synonyms: {taxon!r}")
    name = _names(taxon.get("name"), where)
    if len(name) != 1:
        raise RlfgError(f"{where}: a taxon of its lineage has no name: {taxon!r}")
    vernaculars, synonyms = (_names(taxon.get(key), where) for key in _OTHER_NAMES)
    return Step(name=name[0], rank=rank, vernaculars=vernaculars, synonyms=synonyms)


def _names(value: object, where: str) -> tuple[str, ...]:
    """A name, a list of names or nothing, with white space folded and empty ones left out."""
    texts = () if value is None else value if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(text, str) for text in texts):
        raise RlfgError(f"{where}: expected a name or a list of names: {value!r}")
    return tuple(folded for text in texts if (folded := " ".join(str(text).split())))


def _object(pairs: list[tuple[str, Any]], path: Path, ledger: Ledger) -> dict[str, Any]:
    """A JSON object, in which a key may stand only once."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            ledger.entries["lineages"] += 1
            ledger.bad(f'{path}: label "{key}" stands twice; give each label one lineage')
        else:
            found[key] = value
    return found


def _kind(value: object) -> str:
    return "list" if isinstance(value, list) else "single value"

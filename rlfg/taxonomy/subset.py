"""A part of a taxonomy as a taxonomy of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rlfg.errors import RlfgError
from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.check import check_labels
from rlfg.taxonomy.derive import derive, keys_of
from rlfg.taxonomy.tree import Taxonomy

_SHOWN = 10


def clade(taxonomy: Taxonomy, node: int) -> Taxonomy:
    """A taxon, which becomes the root, and all below it."""
    return _kept(taxonomy, range(node, int(taxonomy.ends[node])))


def spanning(taxonomy: Taxonomy, labels: Iterable[str], *, descendants: bool = False) -> Taxonomy:
    """The labels' taxa and their ancestors up to the root; with `descendants`, also all below the labels.

    Raises:
        RlfgError: labels that do not name exactly one taxon.
    """
    wanted = list(dict.fromkeys(labels))
    problems = check_labels(taxonomy, wanted)
    if problems:
        shown = "; ".join(problem.message for problem in problems[:_SHOWN])
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise RlfgError(f"{taxonomy.source}: {len(problems)} of {len(wanted)} labels: {shown}{more}")
    if not wanted:
        raise RlfgError(f"{taxonomy.source}: no labels to keep")
    nodes = {taxonomy.lookup(label)[0] for label in wanted}
    kept = {above for node in nodes for above in taxonomy.lineage(node)}
    if descendants:
        kept.update(*(range(node, int(taxonomy.ends[node])) for node in nodes))
    return _kept(taxonomy, sorted(kept))


def records_of(taxonomy: Taxonomy) -> Iterable[TaxonRecord]:
    """The taxa as records, in the taxonomy's order; a synthetic root is one of them."""
    for node, name in enumerate(taxonomy.names):
        above = int(taxonomy.parent[node])
        yield TaxonRecord(
            id=node,
            parent=None if above < 0 else above,
            name=name,
            rank=taxonomy.ranks[node],
            vernaculars=taxonomy.vernaculars[node],
            synonyms=taxonomy.synonyms[node],
            ids=taxonomy.ids[node] if taxonomy.ids else (),
            where=f"{taxonomy.source}: {taxonomy.describe(node)}",
        )


def _kept(taxonomy: Taxonomy, nodes: Sequence[int]) -> Taxonomy:
    """Only these nodes, in ascending order and with the parents of all but the first.

    All main ranks stay declared, so that depth still counts one that no kept taxon has.
    """
    order = np.array(nodes, dtype=np.int32)
    parent = np.searchsorted(order, taxonomy.parent[order]).astype(np.int32)
    parent[0] = -1
    names, vernaculars = taxonomy.names.take(order), taxonomy.vernaculars.take(order)
    synonyms = taxonomy.synonyms.take(order)
    return derive(
        parent=parent,
        names=names,
        ranks=taxonomy.ranks.take(order),
        vernaculars=vernaculars,
        synonyms=synonyms,
        ids=taxonomy.ids.take(order),
        keys=keys_of(names, vernaculars, synonyms),
        main_ranks=taxonomy.main_ranks,
        source=taxonomy.source,
        provenance=taxonomy.provenance,
    )

"""From N sampled answers to the API's answer; what is vouched for is the back-off policy's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.backoff import vouched
from eval.confidence import OUTCOMES, Read, confidence
from rlfg.taxonomy import Taxonomy


def vote(taxonomy: Taxonomy, reads: Sequence[Read], *, threshold: float | None) -> dict[str, Any]:
    """The answer to a picture, as the API has it, from all N of its sampled answers."""
    found = confidence(taxonomy, [read.node for read in reads])
    node = vouched(found, threshold)

    def taxon(one: int, **more: float) -> dict[str, Any]:
        return {**describe(taxonomy, one), **more}

    return {
        "answer": None if node is None else taxonomy.node_name(node),
        "abstained": node is None,
        "taxon": None if node is None else taxon(node),
        "lineage": [taxon(one, confidence=found.of(one)) for one in found.path],
        "confidence": {str(rank): found.of(one) for one in found.path if (rank := taxonomy.ranks[one]) is not None},
        "candidates": [
            taxon(one, confidence=count / found.asked)
            for one, count in sorted(found.named.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        "samples": {"asked": found.asked} | {o: sum(read.outcome == o for read in reads) for o in OUTCOMES},
        "rationale": None if node is None else rationale(taxonomy, reads, node),
    }


def rationale(taxonomy: Taxonomy, reads: Sequence[Read], node: int) -> str | None:
    """The thoughts of the first answer that names the vouched taxon or something below it."""
    return next(
        (
            read.thoughts
            for read in reads
            if read.thoughts and read.node is not None and (read.node == node or taxonomy.is_ancestor(node, read.node))
        ),
        None,
    )


def describe(taxonomy: Taxonomy, node: int) -> dict[str, Any]:
    """A taxon: the source's identifier (its number in the tree where the source gives none), name and rank."""
    ids = taxonomy.ids[node]
    return {"id": ids[0] if ids else str(node), "name": taxonomy.node_name(node), "rank": taxonomy.ranks[node]}

"""What is written about an organism: captions and four-part rationales.

A rationale has the parts of Fine-R1: visual analysis; candidates; comparison; prediction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rlfg.data.world.species import BODIES, COLOURS, CRESTS, PATTERNS, TAILS, TRAITS, Species

RANKS = ("order", "family", "genus", "species")
"""Broadest first."""
DESCRIBE = "Describe this."
"""The question that asks for the visible traits."""
UNKNOWN = "None"
"""The answer of someone who cannot tell."""


def caption(traits: Sequence[int]) -> str:
    """The visible traits (body, tail, crest, colour, pattern) in words."""
    body, tail, crest, colour, pattern = traits
    return f"{BODIES[body]} body, {TAILS[tail]} tail, {CRESTS[crest]} crest, {COLOURS[colour]}, {PATTERNS[pattern]}"


def traits_of(traits: Sequence[int]) -> dict[str, str]:
    """The visible traits by name: {"body": "round", …}."""
    return {name: values[at] for (name, values), at in zip(TRAITS.items(), traits, strict=True)}


def label_at(species: Species, rank: str | None) -> str:
    """The name of the species' taxon at `rank`; `UNKNOWN` for None."""
    return UNKNOWN if rank is None else species.lineage[RANKS.index(rank)]


def _evidence(species: Species, rank: str | None) -> str:
    """The trait that decides a rank."""
    if rank is None:
        return "nothing"
    return {
        "order": f"{BODIES[species.body]} body",
        "family": f"{TAILS[species.tail]} tail",
        "genus": f"{CRESTS[species.crest]} crest",
        "species": f"{COLOURS[species.colour]} {PATTERNS[species.pattern]}",
    }[rank]


def rationale(species: Species, rank: str | None, relatives: Sequence[Species], rng: np.random.Generator) -> str:
    """The reasoning that ends in the species' name at `rank`.

    Args:
        species: What the picture shows.
        rank: The rank of the prediction, or None for "cannot tell".
        relatives: Seen species of the same genus; the species itself may be among them.
        rng: Chooses the candidates and their order.
    """
    others = [s for s in relatives if s.name != species.name]
    names = [species.name, others[rng.integers(len(others))].name]
    rng.shuffle(names)
    label = label_at(species, rank)
    return (
        f"{caption(species.traits)}; maybe {names[0]} or {names[1]}; "
        f"{_evidence(species, rank)} fits {label}; so {label}"
    )

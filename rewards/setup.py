"""The verifier a configuration describes."""

from __future__ import annotations

from dataclasses import dataclass

from rewards.verifier import TaxonomyVerifier
from rlfg.taxonomy import load_taxonomy


@dataclass(frozen=True, kw_only=True)
class VerifierSpec:
    """What decides verdicts."""

    taxonomy: str
    """File with the taxonomy."""
    root: str | None = None
    """Name of the root, where the file has several ("bird" for CUB)."""
    root_aliases: tuple[str, ...] = ()
    """Other names of the root ("birds")."""
    ranks: tuple[str, ...] = ()
    """Names of a lineage file's levels, from the top (order, family, genus, species)."""
    border: int = 2
    """Ranks above the truth that still count as LESS_SPECIFIC (2: genus and family of a species)."""
    profile: str | None = None
    """How answers are read (general, catalogue, exact); by default as suits the taxonomy."""


def build_verifier(spec: VerifierSpec) -> TaxonomyVerifier:
    """Loads the taxonomy and the verifier on it."""
    taxonomy = load_taxonomy(spec.taxonomy, root=spec.root, root_aliases=spec.root_aliases, ranks=spec.ranks)
    return TaxonomyVerifier(taxonomy, border=spec.border, profile=spec.profile)

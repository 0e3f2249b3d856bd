"""The verifier a configuration describes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rewards.audit import Audit
from rewards.cascade import Cascade
from rewards.judge.spec import JudgeSpec
from rewards.mixed import Mixed
from rewards.text_verifier import TextKind, TextVerifier
from rewards.verifier import TaxonomyVerifier, Verifier
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from rewards.judge.verifier import JudgeVerifier


@dataclass(frozen=True, kw_only=True)
class VerifierSpec:
    """What decides verdicts: a taxonomy, a judge, or the judge where the taxonomy cannot."""

    taxonomy: str | None = None
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
    text: TextKind | None = None
    """Closed questions, whose truths are an option's letter, yes or no, or a count ("letter", "yes_no", "count"): all
    questions where there is neither taxonomy nor judge, else those whose truth says such a thing."""
    judge: JudgeSpec | None = None
    """A language model for the pairs that the taxonomy cannot resolve; for all pairs where there is no taxonomy."""
    audit: bool = False
    """Ask the judge about all pairs, to see how far it agrees with the taxonomy. Verdicts stay as they are."""

    def __post_init__(self) -> None:
        """Refuse a verifier of nothing."""
        if self.text is None and self.taxonomy is None and self.judge is None:
            raise RlfgError("give a taxonomy, a judge, or both; or text, for closed questions")
        if self.audit and (self.taxonomy is None or self.judge is None):
            raise RlfgError("an audit compares the judge with the taxonomy; give both")

    def is_open(self, truth: str) -> bool:
        """Whether a truth is for a taxonomy or judge to compare with, and not a closed question's."""
        if self.text is None or (self.taxonomy is None and self.judge is None):
            return self.text is None
        return not TextVerifier(self.text).takes(truth)

    def read_taxonomy(self, path: str) -> Taxonomy:
        """The taxonomy at `path`, read as this says."""
        return load_taxonomy(path, root=self.root, root_aliases=self.root_aliases, ranks=self.ranks)


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A verifier and what it is made of."""

    verifier: Verifier
    taxonomy: Taxonomy | None = None
    judge: JudgeVerifier | None = None
    audit: Audit | None = None

    @property
    def hash(self) -> str | None:
        """Of the taxonomy's content."""
        return None if self.taxonomy is None else self.taxonomy.hash

    def metrics(self) -> dict[str, float]:
        """What is worth logging: requests made, and agreement with the judge, so far."""
        found: dict[str, float | None] = {}
        if self.judge is not None:
            found |= {"judge/requests": self.judge.requests, "judge/failing_s": self.judge.outage.failing_s}
        if self.audit is not None:
            agreement = self.audit.agreement
            found |= {"audit/agreement": agreement.agreement, "audit/kappa": agreement.kappa}
        return {name: float(value) for name, value in found.items() if value is not None}


def build_verifier(spec: VerifierSpec) -> Verification:
    """Loads the taxonomy, and makes the verifier on it and on the judge.

    Raises:
        RlfgError: The taxonomy cannot be read, or the judge's cache cannot be used.
    """
    closed = None if spec.text is None else TextVerifier(spec.text)
    if closed is not None and spec.taxonomy is None and spec.judge is None:
        return Verification(verifier=closed)
    taxonomy = by_tree = judge = audit = None
    if spec.taxonomy is not None:
        taxonomy = spec.read_taxonomy(spec.taxonomy)
        by_tree = TaxonomyVerifier(taxonomy, border=spec.border, profile=spec.profile)
    if spec.judge is not None:
        judge = build_judge(spec.judge, context="" if taxonomy is None else taxonomy.hash)
    if by_tree is not None and judge is not None and spec.audit:
        audit = Audit(by_tree, judge)
    verifier = combine(audit or by_tree, judge)
    if closed is not None:
        verifier = Mixed(closed, verifier)
    return Verification(verifier=verifier, taxonomy=taxonomy, judge=judge, audit=audit)


def build_judge(spec: JudgeSpec, *, context: str = "") -> JudgeVerifier:
    """The judge alone; imported here, since most uses need none."""
    from rewards.judge.verifier import JudgeVerifier

    return JudgeVerifier(spec, context=context)


def combine(taxonomy: Verifier | None, judge: Verifier | None) -> Verifier:
    """A cascade of both, or the one there is."""
    if taxonomy is not None and judge is not None:
        return Cascade(taxonomy, judge)
    found = taxonomy or judge
    assert found is not None, "VerifierSpec wants one"
    return found

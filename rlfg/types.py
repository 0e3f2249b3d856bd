"""The glossary: the nouns every other module speaks in.

Data goes one way. An `Example` is shown to a model; each completion becomes a `Rollout` (training)
or part of a `Prediction` (evaluation); a verifier compares its answer with the truth and gives a
`Verdict`; a reward turns the verdicts of a group into a `Score` each.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Relation(enum.StrEnum):
    """How an answer stands to the truth, after SpeciaRL (arXiv 2603.03197)."""

    WRONG = "WRONG"
    """Off the truth's path, contradictory, or several options at once."""
    ABSTAIN = "ABSTAIN"
    """A refusal: "none", "I don't know"."""
    GENERIC = "GENERIC"
    """A much broader ancestor of the truth."""
    LESS_SPECIFIC = "LESS_SPECIFIC"
    """A close ancestor (a genus or family for a species)."""
    SPECIFIC = "SPECIFIC"
    """The same taxon: exact, a synonym, a common name."""
    MORE_SPECIFIC = "MORE_SPECIFIC"
    """A valid descendant of the truth."""

    @property
    def order(self) -> int:
        """Position from worst (WRONG, 0) to best (4); SPECIFIC and MORE_SPECIFIC tie."""
        return _ORDER[self]

    @property
    def is_correct(self) -> bool:
        """GENERIC or better: true of the picture, however coarse."""
        return self.order >= _ORDER[Relation.GENERIC]


_ORDER = {
    Relation.WRONG: 0,
    Relation.ABSTAIN: 1,
    Relation.GENERIC: 2,
    Relation.LESS_SPECIFIC: 3,
    Relation.SPECIFIC: 4,
    Relation.MORE_SPECIFIC: 4,
}

UNPARSED = "UNPARSED"
"""Label of a completion without a readable answer: its own outcome, not a relation."""
NO_VERDICT = "NO_VERDICT"
"""Label of an answer the verifier could not decide: masked in training, excluded from metrics."""
RELATION_LABELS: tuple[str, ...] = tuple(relation.value for relation in reversed(Relation))
"""The six relations, best first: what a judge may say."""
VERDICT_LABELS: tuple[str, ...] = (*RELATION_LABELS, UNPARSED, NO_VERDICT)
"""Every label `Verdict.label` can take, best first; the keys of every verdict count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a verifier says of one (truth, answer) pair, with its reason."""

    relation: Relation | None
    """None where there is none: the completion was unparsed, or the verifier could not decide."""
    unparsed: bool = False
    """The completion had no readable answer."""
    specificity: float | None = None
    """depth(answer) / depth(truth) in [0, 1] along the truth's path; None unless correct."""
    claim: float | None = None
    """depth(answer) / depth(truth) of a resolved answer, right or wrong: how specific it is, true or not."""
    answer: str | None = None
    """The answer text that was judged; None when unparsed."""
    truth: str | None = None
    truth_node: int | None = None
    answer_node: int | None = None
    """Taxonomy node ids, where a taxonomy resolved them."""
    answer_taxon: str | None = None
    """Rank and name of `answer_node`."""
    status: str | None = None
    """How the answer resolved, one of `rlfg.taxonomy.STATUSES`; None when unparsed or not resolved by a taxonomy."""
    truth_status: str | None = None
    """The same of the truth; in "unresolved", "several" and "abstain" it is no taxon, and there is no verdict."""
    truth_assisted: bool = False
    """The truth chose among the namesakes that the answer names, or the answer among those of the truth."""
    source: str = "taxonomy"
    """Who decided: "taxonomy", "judge", "parser"; "none" where nobody was asked."""
    reason: str = ""
    """One line a person can check."""

    @property
    def label(self) -> str:
        """One of `VERDICT_LABELS`."""
        if self.unparsed:
            return UNPARSED
        return self.relation.value if self.relation is not None else NO_VERDICT

    @property
    def decided(self) -> bool:
        """False only for NO_VERDICT."""
        return self.unparsed or self.relation is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The reward of one rollout and its reasons: the scalar trains, the parts explain."""

    reward: float | None
    """None where there is no verdict: the rollout is masked out of everything."""
    parts: Mapping[str, float] = field(default_factory=dict)
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One line of a dataset: a picture and what it shows."""

    id: str
    image: str
    """Path of the picture file (absolute, or relative to the working directory)."""
    label: str
    """The truth, as free text; a taxonomy resolves it."""
    split: str | None = None
    question: str | None = None
    """Replaces the prompt variant's question for this picture."""
    rationale: str | None = None
    """Chain-of-thought SFT target, without tags."""
    positive: str | None = None
    """Path of another picture of the same class (TAPO)."""
    negative: str | None = None
    """Path of a picture of the most similar other class (TAPO)."""
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """One sampled completion of a training prompt. Outlives its stage: written to Parquet."""

    step: int
    group_id: str
    """Rollouts that are rewarded together share it."""
    prompt_key: str
    """Identifies the picture and question shown; two pictures may share a group."""
    index: int
    """Position in the group, 0 ≤ index < group size."""
    truth: str
    completion: str
    image: str = ""
    """Path of the picture."""
    token_ids: tuple[int, ...] = ()
    logps: tuple[float, ...] | None = None
    """Sampler log-probabilities, one per token, where the engine gave them."""
    finish_reason: str = "stop"
    """"stop" or "length"."""
    weights_version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """One line of a predictions file: what a model answered about one picture."""

    id: str
    truth: str
    completions: tuple[str, ...] = ()
    """Raw completions still to be parsed; exclusive with `answers`."""
    answers: tuple[str, ...] = ()
    """Answers that are already bare text."""
    image: str | None = None
    error: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Unknown keys of the line, kept as they are."""

"""A noisy verifier, for ablations: some verdicts are off by one step (after SpeciaRL, arXiv 2603.03197)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rewards.checks import require_between, require_count
from rewards.group import Group
from rlfg.randomness import generator
from rlfg.types import Relation, Verdict

_SCALE = (Relation.WRONG, Relation.ABSTAIN, Relation.GENERIC, Relation.LESS_SPECIFIC, Relation.SPECIFIC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """Shifts each verdict with probability `probability` by one step along WRONG … SPECIFIC.

    The direction is random, and inwards at the ends. MORE_SPECIFIC counts as SPECIFIC; UNPARSED and
    NO_VERDICT are left alone. The draws depend on (seed, step, group, position in the group) only, so that a
    resumed or differently sharded run sees the same noise.
    """

    probability: float
    """The paper tries 0.05, 0.10 and 0.25."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        require_between("probability", self.probability, 0, 1)
        require_count("seed", self.seed, least=0)

    def __call__(self, group: Group) -> tuple[Verdict, ...]:
        """The group's verdicts as the noisy verifier gives them; a shifted one says what it was."""
        # One row of draws for each position: those of a position do not depend on the group's size.
        draws = generator(self.seed, "noise", group.step, group.group_id).random((len(group.verdicts), 2))
        return tuple(
            _perturb(verdict, up=bool(coin < 0.5)) if chance < self.probability else verdict
            for verdict, (chance, coin) in zip(group.verdicts, draws, strict=True)
        )


def _perturb(verdict: Verdict, *, up: bool) -> Verdict:
    if verdict.relation is None:
        return verdict
    # A shifted verdict no longer belongs to a depth in the tree.
    return replace(
        verdict,
        relation=_shift(verdict.relation, up=up),
        specificity=None,
        reason=f"noise: was {verdict.label} ({verdict.reason})",
    )


def _shift(relation: Relation, *, up: bool) -> Relation:
    position = relation.order
    if position in (0, len(_SCALE) - 1):
        up = position == 0
    return _SCALE[position + (1 if up else -1)]

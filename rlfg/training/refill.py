"""Dynamic sampling (DAPO, arXiv 2503.14476): pictures that teach nothing are replaced by others.

Everything is decided by the rewards and by (seed, step, round), alike on every process and after a resume.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rewards.scoring import Scored, varied_groups
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.types import Relation


@dataclass(frozen=True, kw_only=True)
class DynamicSampling:
    """Which groups are wanted, and how long they are looked for."""

    max_rounds: int = 3
    """Rollouts of `prompts_per_step` pictures a step at most, the first included."""
    accuracy: tuple[float, ...] | None = None
    """Wanted are groups whose accuracy, the share of answers that name the class or something within it, lies between
    these two, and is neither ([0.01, 0.99] in Fine-R1). null: those whose rewards differ."""

    def __post_init__(self) -> None:
        if self.max_rounds < 2:
            raise RlfgError(
                "dynamic_sampling.max_rounds counts the first rollouts too: give 2 or more, "
                "or leave dynamic_sampling out"
            )
        if self.accuracy is not None and not (len(self.accuracy) == 2 and self.accuracy[0] < self.accuracy[1]):
            raise RlfgError("dynamic_sampling.accuracy is a lower and an upper bound, such as [0.01, 0.99]")

    def wanted(self, scored: Sequence[Scored]) -> list[str]:
        """Ids of the groups that are wanted, in order; rollouts without a verdict do not count."""
        if self.accuracy is None:
            return varied_groups(scored)
        right: dict[str, list[bool]] = {}
        for one in scored:
            if one.valid:
                relation = one.score.verdict.relation
                named = relation is not None and relation.order >= Relation.SPECIFIC.order
                right.setdefault(one.rollout.group_id, []).append(named)
        low, high = self.accuracy
        return [group for group, found in right.items() if low < sum(found) / len(found) < high]


def choose_groups(scored: Sequence[Scored], wanted: Sequence[str], count: int) -> set[str]:
    """The first `count` groups that are wanted; the first of the others where they are not enough."""
    others = [group for group in dict.fromkeys(s.rollout.group_id for s in scored) if group not in set(wanted)]
    return set([*wanted, *others][:count])


def refill(*, seed: int, step: int, round_: int, pictures: int, shown: Collection[int], count: int) -> list[int]:
    """Up to `count` of the training set's pictures, in random order, none that was shown in this step."""
    order = generator(seed, "refill", step, round_).permutation(pictures)
    unseen = set(range(pictures)).difference(shown)
    return [int(i) for i in order if int(i) in unseen][:count]

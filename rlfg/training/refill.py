"""Dynamic sampling (DAPO, arXiv 2503.14476): pictures whose answers all earn the same are replaced by others.

Everything is decided by the rewards and by (seed, step, round), alike on every process and after a resume.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rewards.scoring import Scored, varied_groups
from rlfg.errors import RlfgError
from rlfg.randomness import generator


@dataclass(frozen=True, kw_only=True)
class DynamicSampling:
    """How long to look for groups whose rewards differ."""

    max_rounds: int = 3
    """Rollouts of `prompts_per_step` pictures a step at most, the first included."""

    def __post_init__(self) -> None:
        if self.max_rounds < 2:
            raise RlfgError(
                "dynamic_sampling.max_rounds counts the first rollouts too: give 2 or more, "
                "or leave dynamic_sampling out"
            )


def choose_groups(scored: Sequence[Scored], count: int) -> set[str]:
    """The first `count` groups in which rewards differ; the first of the others where they are not enough."""
    varied = varied_groups(scored)
    others = [group for group in dict.fromkeys(s.rollout.group_id for s in scored) if group not in set(varied)]
    return set([*varied, *others][:count])


def refill(*, seed: int, step: int, round_: int, pictures: int, shown: Collection[int], count: int) -> list[int]:
    """Up to `count` of the training set's pictures, in random order, none that was shown in this step."""
    order = generator(seed, "refill", step, round_).permutation(pictures)
    unseen = set(range(pictures)).difference(shown)
    return [int(i) for i in order if int(i) in unseen][:count]

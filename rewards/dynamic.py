"""SpeciaRL's dynamic reward (arXiv 2603.03197): the group's best verdict is what earns the reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rewards.anchor import Abstention, find_bar
from rewards.checks import require_choice
from rewards.group import pay_relations
from rlfg.types import Verdict

Ties = Literal["all", "first"]


def dynamic(
    verdicts: Sequence[Verdict],
    *,
    ties: Ties = "all",
    abstention: Abstention = "paper",
    anchor_k: int = 1,
    anchor_quantile: float | None = None,
) -> list[float | None]:
    """1 for a rollout whose verdict ties with the best of its group, else 0; if the best is WRONG, 0 for all.

    So a coarse answer is paid where the model knows no better, and no longer once one rollout does. SPECIFIC
    and MORE_SPECIFIC tie. UNPARSED earns -1; without a verdict there is no reward (None). The defaults are
    the paper's.

    Args:
        verdicts: of one group, in the order of the rollouts.
        ties: "all" rollouts that reach the bar are paid, or only the "first" (a mode of the authors' code).
        abstention: "paper": where the best is ABSTAIN, abstaining is paid; "never": it earns 0.
        anchor_k: see `find_bar`; rollouts above the bar are paid like those that reach it.
        anchor_quantile: see `find_bar`.
    """
    require_choice("ties", ties, ("all", "first"))
    bar = find_bar(verdicts, abstention=abstention, anchor_k=anchor_k, anchor_quantile=anchor_quantile)
    rewards = pay_relations(verdicts, lambda relation: float(relation.order >= bar))
    return rewards if ties == "all" else _only_first(rewards)


def _only_first(rewards: list[float | None]) -> list[float | None]:
    first = rewards.index(1.0) if 1.0 in rewards else None
    return [0.0 if reward == 1.0 and index != first else reward for index, reward in enumerate(rewards)]

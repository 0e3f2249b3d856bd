"""The bar a group sets for itself: how good a verdict must be to earn the full reward.

With the best verdict as the anchor (SpeciaRL) one lucky or misjudged rollout sets the bar for all. An anchor
that k rollouts must reach, or a quantile of the group, asks for more than luck.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from rewards.checks import require_between, require_choice, require_count
from rlfg.errors import RlfgError
from rlfg.types import Relation, Verdict

Abstention = Literal["paper", "never"]
_LOWEST_PAID = {"paper": Relation.ABSTAIN, "never": Relation.GENERIC}


def find_bar(
    verdicts: Sequence[Verdict],
    *,
    abstention: Abstention = "paper",
    anchor_k: int = 1,
    anchor_quantile: float | None = None,
) -> int:
    """The lowest `Relation.order` that earns the full reward in this group.

    UNPARSED and NO_VERDICT rollouts are not counted. WRONG never reaches the bar.

    Args:
        verdicts: of one group.
        abstention: "paper": abstaining reaches the bar where no rollout does better; "never": it does not.
        anchor_k: the anchor is the level that at least k rollouts reach (all, where they are fewer); 1 is
            the best verdict.
        anchor_quantile: in place of `anchor_k`: the level at this quantile (nearest rank); 1 is the best
            verdict, 0.5 the lower median.

    Raises:
        RlfgError: on an option out of its range.
    """
    require_choice("abstention", abstention, _LOWEST_PAID)
    require_count("anchor_k", anchor_k, least=1)
    if anchor_quantile is not None:
        require_between("anchor_quantile", anchor_quantile, 0, 1)
        if anchor_k != 1:
            raise RlfgError(f"anchor_k is {anchor_k} and anchor_quantile {anchor_quantile}; give one of them")
    orders = sorted((v.relation.order for v in verdicts if v.relation is not None), reverse=True)
    lowest_paid = _LOWEST_PAID[abstention].order
    if not orders:
        return lowest_paid
    rank = anchor_k if anchor_quantile is None else _rank(anchor_quantile, len(orders))
    return max(lowest_paid, orders[min(rank, len(orders)) - 1])


def _rank(quantile: float, count: int) -> int:
    """Nearest rank from the top, 1 is the best; the small number absorbs 0.55 · 100 = 55.00000000000001."""
    return count + 1 - max(1, math.ceil(quantile * count - 1e-9))

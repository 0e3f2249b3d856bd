"""Our own reward: the dynamic anchor, but a correct answer below it is worth more than a wrong one.

Under the dynamic reward, once one rollout of a group is specific, "correct but coarser" earns 0 like "wrong":
nothing is lost by guessing. Here it earns `hedge`, which puts a price on the guess. Where another rollout
sets the bar, going one step finer earns 1 if it is right and 0 if not, and staying earns `hedge`: committing
pays exactly where the chance of being right exceeds `hedge`. This is Chow's rule (Chow 1970, "On optimum
recognition error and reject tradeoff"), the reject option costing 1 - hedge. Each further step is discounted
by `hedge` again, which asks the same of every rank: that the finer answer is right with a chance above
`hedge`, given that the coarser one is.

What stays of the dynamic reward: where nobody reaches a finer level, the coarse answer is the best that the
group knows and earns 1 (a group whose best is GENERIC pays GENERIC in full). The first rollout to go finer in
a group that hedges stakes that 1: on average its advantage is positive if its chance exceeds 1 / (2 - hedge),
or 1/2 where advantages are divided by the group's deviation. A higher `hedge` makes a more careful model; 0
is the dynamic reward.
"""

from __future__ import annotations

from collections.abc import Sequence

from rewards.anchor import Abstention, find_bar
from rewards.checks import require_between
from rewards.group import pay_relations
from rlfg.types import Relation, Verdict


def hedged(
    verdicts: Sequence[Verdict],
    *,
    hedge: float = 0.5,
    falloff: float | None = None,
    abstain: float = 0.0,
    abstention: Abstention = "paper",
    anchor_k: int = 1,
    anchor_quantile: float | None = None,
) -> list[float | None]:
    """1 at or above the group's bar; below it `hedge · falloff^(steps - 1)` if correct, 0 if wrong.

    Steps go GENERIC, LESS_SPECIFIC, SPECIFIC: by default, LESS_SPECIFIC below a bar of SPECIFIC earns 0.5,
    GENERIC there 0.25. UNPARSED earns -1; without a verdict there is no reward (None).

    Args:
        verdicts: of one group.
        hedge: from 0 to 1, what the first step below the bar earns: the chance of being right above which
            committing pays.
        falloff: from 0 to 1, the discount of each further step; None is `hedge` itself.
        abstain: what abstaining below the bar earns, at most what the coarsest correct answer does.
        abstention: see `find_bar`.
        anchor_k: see `find_bar`.
        anchor_quantile: see `find_bar`.

    Raises:
        RlfgError: on an option out of its range.
    """
    falloff = hedge if falloff is None else falloff
    require_between("hedge", hedge, 0, 1)
    require_between("falloff", falloff, 0, 1)
    require_between("abstain", abstain, 0, hedge * falloff)
    bar = find_bar(verdicts, abstention=abstention, anchor_k=anchor_k, anchor_quantile=anchor_quantile)

    def pay(relation: Relation) -> float:
        if relation.order >= bar:
            return 1.0
        if relation.is_correct:
            return hedge * falloff ** (bar - relation.order - 1)
        return abstain if relation is Relation.ABSTAIN else 0.0

    return pay_relations(verdicts, pay)

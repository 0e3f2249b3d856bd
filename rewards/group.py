"""What a reward looks at (`Group`) and what it is (`GroupReward`, `GroupTerm`).

Everything that rewards verdicts is a function of one group of verdicts, so that it runs on stored
verdicts as it does in training. What needs the completions as well is a term, and is given the `Group`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rlfg.errors import RlfgError
from rlfg.types import Relation, Verdict

UNPARSED_REWARD = -1.0
"""What a completion without a readable answer earns, whatever the rest of its group does."""

GroupReward = Callable[[Sequence[Verdict]], list[float | None]]
"""The verdicts of one group → one reward each; None (masked) exactly where the verdict is NO_VERDICT."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The rollouts that are rewarded together, in the order of their index."""

    verdicts: tuple[Verdict, ...]
    completions: tuple[str, ...] = ()
    """Raw texts; needed by terms that read them."""
    lengths: tuple[int, ...] = ()
    """Tokens of each completion; needed by terms that count them."""
    step: int = 0
    group_id: str = ""
    """With `step`, identifies the group's random draws."""

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        for field in ("completions", "lengths"):
            expected, found = len(self.verdicts), len(getattr(self, field))
            if found not in (0, expected):
                raise RlfgError(f'group "{self.group_id}" has {expected} verdicts but {found} {field}')


GroupTerm = Callable[[Group], list[float]]
"""One group → one number for each rollout, to be weighed and added to the reward."""


def pay_relations(verdicts: Sequence[Verdict], pay: Callable[[Relation], float]) -> list[float | None]:
    """`pay(relation)` for each verdict that has one; `UNPARSED_REWARD` or None (masked) for the others."""
    return [
        UNPARSED_REWARD if verdict.unparsed else None if verdict.relation is None else pay(verdict.relation)
        for verdict in verdicts
    ]

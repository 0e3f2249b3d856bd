"""The rubric: one reward and any number of weighted terms make a `Score` for each rollout, with its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rewards.build import build_reward, build_term
from rewards.group import Group
from rewards.noise import Noise
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy
from rlfg.types import Score, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class TermSpec:
    """A number added to the reward of each rollout."""

    name: str
    """A key of `rewards.build.TERMS`, or a function of your own ("file.py:function")."""
    weight: float
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RewardSpec:
    """What a configuration says of the reward; checked when it is made."""

    name: str = "dynamic"
    """A key of `rewards.build.REWARDS`, or a function of your own ("file.py:function")."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The keyword arguments of that reward."""
    weight: float = 1.0
    terms: tuple[TermSpec, ...] = ()
    noise: Noise | None = None
    """Perturbs the verdicts before they are rewarded, for ablations."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        build_rubric(self)


Rubric = Callable[[Group], list[Score]]
"""One group → one score for each rollout, in order."""


def build_rubric(spec: RewardSpec, taxonomy: Taxonomy | None = None) -> Rubric:
    """The rubric a configuration describes; `taxonomy`, the verifier's, for terms that read one.

    A score's parts are weighted and add up to its reward. A rollout without a verdict has neither: its terms
    are not paid. Under `noise`, a score carries the perturbed verdict, whose reason says what it was.

    Raises:
        RlfgError: on an unknown name or option, a value out of range, or one name for two parts.
    """
    names = [spec.name, *(term.name for term in spec.terms)]
    for name in names:
        if names.count(name) > 1:
            raise RlfgError(f'"{name}" is twice in the reward; give it once, with the sum of the weights')
    reward = build_reward(spec.name, **spec.options)
    terms = [(term.name, term.weight, build_term(term.name, taxonomy=taxonomy, **term.options)) for term in spec.terms]

    def rubric(group: Group) -> list[Score]:
        verdicts = group.verdicts if spec.noise is None else spec.noise(group)
        columns = [(name, weight, _column(name, term(group), group)) for name, weight, term in terms]

        def score(index: int, verdict: Verdict, value: float | None) -> Score:
            if value is None:
                return Score(reward=None, verdict=verdict)
            parts = {spec.name: spec.weight * value}
            parts |= {name: weight * column[index] for name, weight, column in columns}
            return Score(reward=sum(parts.values()), parts=parts, verdict=verdict)

        values = reward(verdicts)
        _check_masks(spec.name, verdicts, values)
        return [score(i, *pair) for i, pair in enumerate(zip(verdicts, values, strict=True))]

    return rubric


def _check_masks(name: str, verdicts: Sequence[Verdict], values: Sequence[float | None]) -> None:
    """A reward of the user's own may forget the rollouts that have no verdict, or drop some."""
    masked = [verdict.relation is None and not verdict.unparsed for verdict in verdicts]
    if [value is None for value in values] != masked:
        raise RlfgError(
            f'reward "{name}" must give each of {len(verdicts)} rollouts a number, and None to those without a verdict '
            f"({sum(masked)}) alone; it gave {list(values)}"
        )


def _column(name: str, values: list[float], group: Group) -> list[float]:
    """The term's values; a column the group lacks would otherwise pay nobody in silence."""
    if len(values) != len(group.verdicts):
        raise RlfgError(
            f'term "{name}" gave {len(values)} values for the {len(group.verdicts)} rollouts of group '
            f'"{group.group_id}"; the group needs its completions and their lengths'
        )
    return values


FINE_R1 = RewardSpec(name="fine_r1_accuracy", weight=0.9, terms=(TermSpec(name="format", weight=0.1),))
"""Fine-R1's reward (ICLR 2026)."""

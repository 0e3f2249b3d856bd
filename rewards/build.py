"""Rewards and terms by name, as a configuration names them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from rewards.choices import count_of_three, mcq_letter, same_or_not
from rewards.dynamic import dynamic
from rewards.fine_r1 import fine_r1_accuracy
from rewards.graded import graded
from rewards.group import Group, GroupReward, GroupTerm
from rewards.hedged import hedged
from rewards.length_guard import length_guard
from rewards.lineage import lineage
from rewards.similarity import similarity
from rewards.static import STATIC_TABLES, static
from rewards.well_formed import well_formed
from rlfg.errors import RlfgError
from rlfg.named import is_named, load_named
from rlfg.taxonomy import Taxonomy
from rlfg.types import Verdict

T = TypeVar("T")


def _from_table(name: str) -> GroupReward:
    return lambda verdicts: static(verdicts, table=STATIC_TABLES[name])


REWARDS: Mapping[str, Callable[..., list[float | None]]] = {
    "dynamic": dynamic,
    "hedged": hedged,
    **{name: _from_table(name) for name in STATIC_TABLES},
    "graded": graded,
    "fine_r1_accuracy": fine_r1_accuracy,
    "mcq_letter": mcq_letter,
    "same_or_not": same_or_not,
    "count_of_three": count_of_three,
    "similarity": similarity,
}
"""What `build_reward` knows: functions of one group of verdicts."""
TERMS: Mapping[str, Callable[..., list[float]]] = {
    "format": well_formed,
    "length_guard": length_guard,
    "lineage": lineage,
}
"""What `build_term` knows: functions of one `Group`."""


def build_reward(name: str, **options: Any) -> GroupReward:
    """The reward called `name`, or where to find one ("file.py:function"), its options (its keyword arguments) set.

    Raises:
        RlfgError: on an unknown name or option, or a value out of range, with the choices.
    """
    reward = _bind("reward", _function("reward", REWARDS, name), name, options)
    no_verdicts: tuple[Verdict, ...] = ()
    reward(no_verdicts)  # Functions check their options when called: a bad value must fail here.
    return reward


def build_term(name: str, *, taxonomy: Taxonomy | None = None, **options: Any) -> GroupTerm:
    """The term called `name`, or where to find one, its options set; terms that read a tree are handed `taxonomy`.

    Raises:
        RlfgError: as `build_reward`.
    """
    function = _function("term", TERMS, name)
    if "taxonomy" in inspect.signature(function).parameters:
        options["taxonomy"] = taxonomy
    term = _bind("term", function, name, options)
    term(Group(verdicts=()))
    return term


def _function(kind: str, table: Mapping[str, Callable[..., T]], name: str) -> Callable[..., T]:
    """That of the table, or the user's own."""
    if name in table:
        return table[name]
    if not is_named(name):
        raise RlfgError(
            f'unknown {kind} "{name}"; choose from {", ".join(table)}, or give file.py:function of your own'
        )
    own: Callable[..., T] = load_named(name, kind)
    return own


def _bind(kind: str, function: Callable[..., T], name: str, options: Mapping[str, Any]) -> Callable[..., T]:
    """The function with its options bound, names checked against its signature."""
    parameters = inspect.signature(function).parameters.values()
    known = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    for unknown in options.keys() - known.keys():
        choices = f"its options are {', '.join(known)}" if known else "it has none"
        raise RlfgError(f'{kind} "{name}" has no option "{unknown}"; {choices}')
    required = [key for key, default in known.items() if default is inspect.Parameter.empty]
    for missing in [key for key in required if key not in options]:
        raise RlfgError(f'{kind} "{name}" needs the option "{missing}"')
    return partial(function, **options)

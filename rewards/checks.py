"""Checks of the options a reward is built with."""

from __future__ import annotations

from collections.abc import Collection

from rlfg.errors import RlfgError


def require_choice(option: str, value: object, choices: Collection[str]) -> None:
    """Raise unless `value` is one of `choices`."""
    if value not in tuple(choices):
        raise RlfgError(f"{option} is {value!r}; choose from {', '.join(choices)}")


def require_between(option: str, value: object, low: float, high: float) -> None:
    """Raise unless `value` is a number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RlfgError(f"{option} is {value!r}; it must be a number from {low:g} to {high:g}")


def require_count(option: str, value: object, *, least: int) -> None:
    """Raise unless `value` is a whole number, `least` or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise RlfgError(f"{option} is {value!r}; it must be a whole number, {least} or more")

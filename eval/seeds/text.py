"""Several seeds as plain text."""

from __future__ import annotations

from eval.folders import OPEN
from eval.intervals import Interval
from eval.seeds.over import Seeds


def seeds_text(found: Seeds) -> str:
    """What the numbers are about, then a line for each metric."""
    lines = [
        _items(found),
        "",
        f"{'metric':<26}{'mean':>8}{'sd':>8}   {'95 % t':<20}95 % bootstrap (seeds and classes)",
    ]
    for name, row in found.metrics.items():
        mean, sd = ("–" if x is None else f"{x:.3f}" for x in (row.mean, row.sd))
        lines.append(
            f"{name:<26}{mean:>8}{sd:>8}   {_bounds(row.t_interval):<20}{_bounds(row.bootstrap_interval)}".rstrip()
        )
    return "\n".join(lines)


def _items(found: Seeds) -> str:
    runs = f"{len(found.runs)} run{'s' if len(found.runs) > 1 else ''}"
    asked = f" ({found.questions} questions)" if found.questions is not None and found.questions > found.items else ""
    head = f"{found.protocol}: {runs}, {found.items} items answered in all{asked}; failed in any: {len(found.failed)}"
    return head if found.protocol == OPEN else f"{head}, duplicates in any: {len(found.duplicates)}"


def _bounds(interval: Interval | None) -> str:
    return "–" if interval is None else f"[{interval[0]:.3f}, {interval[1]:.3f}]"

"""The main ranks of biology, known by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from rlfg.errors import RlfgError

MAIN_RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species")
"""Top to bottom."""


def check_rank_order(ranks: Sequence[str], where: str) -> None:
    """Those of `MAIN_RANKS` among `ranks` must stand top to bottom.

    Raises:
        RlfgError: naming two ranks that stand the wrong way round, or one that stands twice.
    """
    if len(set(ranks)) < len(ranks):
        twice = next(rank for rank in ranks if ranks.count(rank) > 1)
        raise RlfgError(f'{where}: rank "{twice}" stands twice')
    known = [rank for rank in ranks if rank in MAIN_RANKS]
    for upper, lower in pairwise(known):
        if MAIN_RANKS.index(upper) > MAIN_RANKS.index(lower):
            raise RlfgError(f'{where}: rank "{upper}" stands before "{lower}"; ranks go from the top down')


def main_ranks_among(ranks: Iterable[str | None]) -> tuple[str, ...]:
    """Which of `MAIN_RANKS` occur; none if fewer than two do, since one says nothing about depth."""
    present = set(ranks)
    found = tuple(rank for rank in MAIN_RANKS if rank in present)
    return found if len(found) > 1 else ()

"""Which process trains on what: rows that carry a gradient, spread evenly over the processes.

Where rows without gradient are dropped, one process may be left with much work and another with none, and the
slowest makes the step's time. Every process knows all scored rollouts and computes the same assignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rewards.scoring import Scored


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A scored rollout, and where it was made."""

    scored: Scored
    home: int
    """The process that has its prompt encoded."""
    prompt_tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Rows of one group that lie on one process and stay together."""

    home: int
    """The process that made them, and has their prompt encoded."""
    tokens: int
    """Of the prompt, once, and of the completions."""


def assign(pieces: Sequence[Piece], processes: int) -> list[int]:
    """The process of each piece.

    A piece stays at home as long as its home has no more than an even share of all tokens. The others, the
    largest first, go to whichever process has the least then. So nobody has more than its share by more than one
    piece. Nothing moves unless that makes the largest load smaller.
    """
    homes = [piece.home for piece in pieces]
    share = sum(piece.tokens for piece in pieces) / processes
    loads = [0] * processes
    found = list(homes)
    over = []
    for i, piece in enumerate(pieces):
        if loads[piece.home] + piece.tokens <= share:
            loads[piece.home] += piece.tokens
        else:
            over.append(i)
    for i in sorted(over, key=lambda i: (-pieces[i].tokens, i)):
        found[i] = min(range(processes), key=lambda rank: (loads[rank], rank != homes[i], rank))
        loads[found[i]] += pieces[i].tokens
    return found if max(loads) < max(load(pieces, homes, processes)) else homes


def load(pieces: Sequence[Piece], ranks: Sequence[int], processes: int) -> list[int]:
    """Tokens of each process under an assignment."""
    loads = [0] * processes
    for piece, rank in zip(pieces, ranks, strict=True):
        loads[rank] += piece.tokens
    return loads


def shares(drawn: Sequence[Drawn], processes: int, *, rebalance: bool) -> tuple[list[list[Scored]], float]:
    """The rows of each process, and the share of groups that moved; every process computes the same."""
    groups: dict[tuple[int, str], list[Drawn]] = {}
    for one in drawn:
        groups.setdefault((one.home, one.scored.rollout.group_id), []).append(one)
    pieces = [
        Piece(home=home, tokens=found[0].prompt_tokens + sum(len(one.scored.rollout.token_ids) for one in found))
        for (home, _), found in groups.items()
    ]
    ranks = assign(pieces, processes) if rebalance else [piece.home for piece in pieces]
    rows: list[list[Scored]] = [[] for _ in range(processes)]
    for found, rank in zip(groups.values(), ranks, strict=True):
        rows[rank] += [one.scored for one in found]
    moved = sum(rank != piece.home for rank, piece in zip(ranks, pieces, strict=True))
    return rows, moved / max(len(pieces), 1)

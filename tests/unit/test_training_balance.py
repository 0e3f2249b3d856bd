"""Who trains on what: by hand, and for any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlfg.training.balance import Piece, assign, load


def pieces(*homes_and_tokens: tuple[int, int]) -> list[Piece]:
    return [Piece(home=home, tokens=tokens) for home, tokens in homes_and_tokens]


def test_an_idle_process_takes_half_of_the_work() -> None:
    # A share is 20: two pieces stay, two go.
    assert assign(pieces((0, 10), (0, 10), (0, 10), (0, 10)), 2) == [0, 0, 1, 1]


def test_the_largest_goes_to_who_has_least() -> None:
    # A share is 20: 12 + 6 stay, 14 goes to the idle process; then 8 to the one with 14, not to the one with 20.
    found = pieces((0, 12), (0, 6), (0, 14), (0, 8), (1, 20))
    assert assign(found, 3) == [0, 0, 2, 2, 1]


@pytest.mark.parametrize(
    "found", [pieces((0, 10), (1, 10)), pieces((1, 7), (0, 7)), pieces((0, 25), (0, 25), (1, 24), (1, 25)), []]
)
def test_balanced_work_stays_where_it_is(found: list[Piece]) -> None:
    assert assign(found, 2) == [piece.home for piece in found]


def test_one_piece_is_not_moved_about() -> None:
    assert assign(pieces((1, 30)), 3) == [1]


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(1, 900)), max_size=40))
    )
)
def test_everything_is_assigned_and_nobody_is_above_share_by_more_than_a_piece(
    case: tuple[int, list[tuple[int, int]]],
) -> None:
    processes, found = case[0], pieces(*case[1])
    ranks = assign(found, processes)
    assert len(ranks) == len(found) and set(ranks) <= set(range(processes))
    loads, before = load(found, ranks, processes), load(found, [p.home for p in found], processes)
    assert sum(loads) == sum(p.tokens for p in found)
    assert max(loads) <= sum(loads) / processes + max((p.tokens for p in found), default=0)
    assert max(loads) <= max(before)
    assert ranks == assign(found, processes)
    # Once assigned, nothing is left to move.
    settled = [Piece(home=rank, tokens=piece.tokens) for rank, piece in zip(ranks, found, strict=True)]
    moved = load(settled, assign(settled, processes), processes)
    assert max(moved) <= max(loads)

"""The matching of largest weight in a sparse bipartite graph: the Hungarian method, one shortest path for each row.

After Jonker & Volgenant (1987), with a dictionary in place of the matrix: classes against distinct answers are mostly
zeros, and a dense square of 100,000 distinct answers would not fit. Costs are negative weights; each row also has a
column of its own at cost 0, which leaves it unmatched.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence

_OWN = -1
"""The column of a row that stays unmatched."""
_Reached = tuple[float, bool, int, int]
"""Distance, whether the column is taken (free ones first among equals: they end the search), column, row."""


def best_assignment(weights: Sequence[Mapping[int, float]]) -> list[int | None]:
    """The column of each row; None where it has none.

    Args:
        weights: for each row, column → weight above 0.
    """
    degrees = Counter(column for row in weights for column in row)
    rows = [_useful(row, degrees) for row in weights]
    row_of: dict[int, int] = {}
    column_of = [_OWN] * len(rows)
    price: dict[int, float] = {}
    for start in range(len(rows)):
        _augment(start, rows, row_of, column_of, price)
    return [None if column == _OWN else column for column in column_of]


def _useful(row: Mapping[int, float], degrees: Counter[int]) -> dict[int, float]:
    """Of the columns that no other row has, only the heaviest can be chosen."""
    alone = max((c for c in row if degrees[c] == 1), key=lambda c: (row[c], -c), default=None)
    return {column: weight for column, weight in row.items() if degrees[column] > 1 or column == alone}


def _augment(
    start: int,
    rows: Sequence[Mapping[int, float]],
    row_of: dict[int, int],
    column_of: list[int],
    price: dict[int, float],
) -> None:
    """Finds the cheapest alternating path from `start` to a free column, and flips it."""
    distance: dict[int, float] = {}
    came_from: dict[int, int] = {}
    heap: list[_Reached] = []
    scanned: set[int] = set()
    row, offset = start, 0.0
    while True:
        heapq.heappush(heap, (-offset, False, _OWN, row))
        for column, weight in rows[row].items():
            reached = -weight - price.get(column, 0.0) - offset
            if reached < distance.get(column, float("inf")):
                distance[column], came_from[column] = reached, row
                heapq.heappush(heap, (reached, column in row_of, column, row))
        shortest, taken, column, row = _next(heap, scanned)
        if not taken:
            break
        scanned.add(column)
        row = row_of[column]
        offset = -rows[row][column] - price.get(column, 0.0) - shortest
    for passed in scanned:
        price[passed] = price.get(passed, 0.0) + distance[passed] - shortest
    _flip(start, column, row, came_from, row_of, column_of)


def _next(heap: list[_Reached], scanned: set[int]) -> _Reached:
    """The nearest column that was not passed yet; a column may be on the heap more than once."""
    while True:
        found = heapq.heappop(heap)
        if found[2] not in scanned:
            return found


def _flip(
    start: int,
    column: int,
    row: int,
    came_from: Mapping[int, int],
    row_of: dict[int, int],
    column_of: list[int],
) -> None:
    """Gives every row of the path the column it was reached by, from the end to `start`."""
    while True:
        left = column_of[row]
        column_of[row] = column
        if column != _OWN:
            row_of[column] = row
        if row == start:
            return
        column, row = left, came_from[left]

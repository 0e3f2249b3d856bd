from __future__ import annotations

from functools import lru_cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.metrics.assignment import best_assignment
from eval.metrics.clusters import cluster_hits

WEIGHTS = st.lists(st.dictionaries(st.integers(0, 6), st.integers(1, 9), max_size=6), max_size=6)


def best_by_trying(rows: list[dict[int, int]]) -> int:
    @lru_cache(None)
    def best(row: int, used: frozenset[int]) -> int:
        if row == len(rows):
            return 0
        taken = (w + best(row + 1, used | {c}) for c, w in rows[row].items() if c not in used)
        return max([best(row + 1, used), *taken])

    return best(0, frozenset())


@settings(max_examples=300, deadline=None)
@given(WEIGHTS)
def test_no_matching_is_better(rows: list[dict[int, int]]) -> None:
    found = best_assignment(rows)
    columns = [column for column in found if column is not None]
    assert len(columns) == len(set(columns))
    assert sum(rows[row][c] for row, c in enumerate(found) if c is not None) == best_by_trying(rows)


def dense_square(counts: np.ndarray) -> int:
    """The textbook O(n³) method on the padded square of costs, as VIC solves it."""
    n = max(counts.shape)
    cost = np.zeros((n + 1, n + 1))
    cost[1 : counts.shape[0] + 1, 1 : counts.shape[1] + 1] = -counts
    u, v, match = np.zeros(n + 1), np.zeros(n + 1), np.zeros(n + 1, int)
    for i in range(1, n + 1):
        match[0], j0 = i, 0
        low, used, way = np.full(n + 1, np.inf), np.zeros(n + 1, bool), np.zeros(n + 1, int)
        while True:
            used[j0] = True
            free = ~used
            free[0] = False
            reduced = cost[match[j0]] - u[match[j0]] - v
            better = free & (reduced < low)
            low[better], way[better] = reduced[better], j0
            j1 = int(np.argmin(np.where(free, low, np.inf)))
            delta = low[j1]
            u[match[used]] += delta
            v[used] -= delta
            low[free] -= delta
            j0 = j1
            if match[j0] == 0:
                break
        while j0:
            match[j0], j0 = match[way[j0]], way[j0]
    return int(-sum(cost[match[j], j] for j in range(1, n + 1)))


def test_cluster_accuracy_equals_the_dense_square() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        classes, clusters = rng.integers(0, 12, 400), rng.integers(0, int(rng.integers(2, 60)), 400)
        counts = np.zeros((12, 60), int)
        np.add.at(counts, (classes, clusters), 1)
        hits = cluster_hits(clusters.tolist(), classes.tolist())
        assert hits.sum() == dense_square(counts)


def test_cluster_hits_by_hand() -> None:
    """Class 1 is called a twice, class 2 called a three times and b once: a goes to 2 or 1, b to the other or none."""
    hits = cluster_hits(["a", "a", "a", "a", "a", "b", None], [1, 1, 2, 2, 2, 2, 2])
    assert hits.tolist() == [0, 0, 1, 1, 1, 0, 0] or hits.tolist() == [1, 1, 0, 0, 0, 1, 0]
    assert hits.sum() == 3
    assert cluster_hits([], []).size == 0

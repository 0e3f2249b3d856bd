"""Tree look-ups over whole columns of nodes. They rest on one fact: a parent's id is below its children's."""

from __future__ import annotations

import numpy as np

from eval.table import NO_NODE, IntArray
from rlfg.taxonomy import Taxonomy


def lowest_common_ancestors(taxonomy: Taxonomy, a_N: IntArray, b_N: IntArray) -> IntArray:
    """LCA of each pair; `NO_NODE` where either node is missing."""
    known = (a_N != NO_NODE) & (b_N != NO_NODE)
    a, b = a_N[known], b_N[known]
    while (differ := a != b).any():
        # The larger of two different ids cannot be an ancestor of the smaller: it steps up.
        step_a, step_b = differ & (a > b), differ & (b > a)
        a = np.where(step_a, taxonomy.parent[a], a)
        b = np.where(step_b, taxonomy.parent[b], b)
    result = np.full(len(a_N), NO_NODE, dtype=np.int64)
    result[known] = a
    return result


def heights(taxonomy: Taxonomy) -> IntArray:
    """Levels (`Taxonomy.depth`) from each node down to its deepest descendant; shape (n,)."""
    deepest = [int(depth) for depth in taxonomy.depth]
    for node in range(taxonomy.n - 1, 0, -1):
        parent = int(taxonomy.parent[node])
        deepest[parent] = max(deepest[parent], deepest[node])
    return np.array(deepest, dtype=np.int64) - taxonomy.depth


def level_names(taxonomy: Taxonomy) -> tuple[str, ...]:
    """The levels answers are compared at: the main ranks, or "level 1", "level 2", … in an unranked tree."""
    if taxonomy.main_ranks:
        below_root = set(taxonomy.ranks[1:])
        return tuple(rank for rank in taxonomy.main_ranks if rank in below_root)
    return tuple(f"level {depth}" for depth in range(1, int(taxonomy.depth.max()) + 1))


def ancestors_at_levels(taxonomy: Taxonomy, nodes_N: IntArray) -> IntArray:
    """The node itself or its ancestor at each of `level_names`; `NO_NODE` where there is none. Shape (N, levels)."""
    level_of_node = _level_of_node(taxonomy)
    found = np.full((len(nodes_N), len(level_names(taxonomy))), NO_NODE, dtype=np.int64)
    current = nodes_N.copy()
    while (alive := current > 0).any():
        rows = np.flatnonzero(alive)
        levels = level_of_node[current[rows]]
        at_level = (levels >= 0) & (found[rows, levels] == NO_NODE)
        found[rows[at_level], levels[at_level]] = current[rows[at_level]]
        current[rows] = taxonomy.parent[current[rows]]
    return found


def _level_of_node(taxonomy: Taxonomy) -> IntArray:
    """Index into `level_names` of every node; -1 for nodes between the levels and for the root."""
    if not taxonomy.main_ranks:
        return np.asarray(taxonomy.depth, dtype=np.int64) - 1
    index = {rank: position for position, rank in enumerate(level_names(taxonomy))}
    return np.array([index.get(rank, -1) if rank else -1 for rank in taxonomy.ranks], dtype=np.int64)

"""The tree with every node a step, as papers count that know neither unranked clades nor missing ranks."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from rlfg.taxonomy import Taxonomy


@lru_cache(1)
def by_edges(taxonomy: Taxonomy) -> Taxonomy:
    """The same taxonomy with depths in edges below the root: metrics over it count nodes in place of main ranks."""
    depth = [0]
    for parent in taxonomy.parent[1:].tolist():
        depth.append(depth[parent] + 1)
    return replace(taxonomy, depth=np.array(depth, dtype=np.int32))

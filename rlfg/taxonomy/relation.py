"""How an answer's taxon stands to the truth's: a pure function of two nodes."""

from __future__ import annotations

from rlfg.errors import RlfgError
from rlfg.taxonomy.tree import Taxonomy
from rlfg.types import Relation

DEFAULT_BORDER = 2
"""Main ranks above the truth that still count as close: genus and family, for a species."""


def relation(taxonomy: Taxonomy, answer: int, truth: int, *, border: int = DEFAULT_BORDER) -> Relation:
    """The verdict of a node against a node, in this order.

    1. the same node: SPECIFIC
    2. a descendant of the truth: MORE_SPECIFIC
    3. not an ancestor of the truth either: WRONG
    4. the root: GENERIC, whatever the border
    5. an ancestor at most `border` steps of `Taxonomy.depth` above the truth: LESS_SPECIFIC
    6. an ancestor further up: GENERIC

    A step is a main rank where the taxonomy is ranked and an edge where it is not. An unranked clade
    stands at the depth of its nearest ranked ancestor: a tribe counts as its family does.

    Args:
        taxonomy: the tree both nodes are in.
        answer: node of the answer.
        truth: node of the truth.
        border: the last step that is LESS_SPECIFIC; 0 makes every broader answer GENERIC, unless it is
            an unranked taxon at the truth's own depth.

    Returns:
        Never ABSTAIN: an abstention names no node.
    """
    if border < 0:
        raise RlfgError(f"border is {border}; it counts ranks above the truth and cannot be negative")
    if answer == truth:
        return Relation.SPECIFIC
    if taxonomy.is_ancestor(truth, answer):
        return Relation.MORE_SPECIFIC
    if not taxonomy.is_ancestor(answer, truth):
        return Relation.WRONG
    steps = int(taxonomy.depth[truth]) - int(taxonomy.depth[answer])
    return Relation.LESS_SPECIFIC if answer != 0 and steps <= border else Relation.GENERIC


def specificity(taxonomy: Taxonomy, answer: int, truth: int) -> float | None:
    """The share of the truth's depth that a correct answer reaches, in [0, 1].

    Returns:
        1.0 for the truth or a descendant of it, depth(answer) / depth(truth) for an ancestor (0.0 for
        the root), None for a node off the truth's path.
    """
    if answer == truth or taxonomy.is_ancestor(truth, answer):
        return 1.0
    if not taxonomy.is_ancestor(answer, truth):
        return None
    depth = int(taxonomy.depth[truth])
    return int(taxonomy.depth[answer]) / depth if depth else 0.0

"""Which taxa of an answer and a truth are compared where either names several: the one place the truth has a say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from rlfg.taxonomy.relation import DEFAULT_BORDER, relation, specificity
from rlfg.taxonomy.resolving import Resolution
from rlfg.taxonomy.tree import Taxonomy


def choose(
    taxonomy: Taxonomy, answer: Resolution, truths: Sequence[int], *, border: int = DEFAULT_BORDER
) -> tuple[int, int]:
    """The nodes of answer and truth to compare: of namesakes the pair with the best verdict, of a group its holder.

    Args:
        taxonomy: the tree all are in.
        answer: a resolution that names something.
        truths: the candidates of the truth, at least one.
        border: as `relation` has it.
    """

    def rating(nodes: tuple[int, int]) -> tuple[int, float]:
        return relation(taxonomy, *nodes, border=border).order, specificity(taxonomy, *nodes) or 0.0

    if answer.group:
        pairs = [(group_node(taxonomy, answer.candidates, truth), truth) for truth in truths]
    else:
        pairs = list(product(answer.candidates, truths))
    return max(pairs, key=rating)


def group_node(taxonomy: Taxonomy, group: Sequence[int], truth: int) -> int:
    """The node that a group noun counts as beside a truth.

    The member that holds the truth; the truth's parent where that member is the truth itself and a leaf, or only a part
    of the group; a member below the truth if all are; else a member that is off the truth's path.
    """
    holder = next((node for node in group if node == truth or taxonomy.is_ancestor(node, truth)), None)
    if holder is None:
        return next((node for node in group if not taxonomy.is_ancestor(truth, node)), group[0])
    is_part = holder == truth and (len(group) > 1 or not taxonomy.children(truth))
    return int(taxonomy.parent[truth]) if is_part and truth else holder

"""A curriculum by the taxonomy: which pictures GRPO shows first, and how deep the truths are that it is rewarded by.

Orders follow from (seed, epoch) and truths from the step, so that a resumed run goes on as it would have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from rlfg.data import Examples
from rlfg.data.classes import classes_of
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, profile_of, resolve


@dataclass(frozen=True, kw_only=True)
class Curriculum:
    """From easy to hard."""

    by: Literal["depth", "siblings"] | None = None
    """Pictures whose truth is near the root come first, or those whose truth has few others under its parent; those
    that are alike are shuffled. null leaves the order as it is."""
    epochs: int = 1
    """Epochs in that order; later ones are shuffled."""
    coarse_to_fine: Mapping[str, int] = field(default_factory=dict)
    """Rank → the optimizer step until which truths are no deeper than it, from the top down: {family: 100, genus: 200}.
    An answer below a coarse truth is MORE_SPECIFIC than it, and as good."""

    def __post_init__(self) -> None:
        if self.by is None and not self.coarse_to_fine:
            raise RlfgError("curriculum: give `by`, `coarse_to_fine` or both, or leave it out")
        if self.epochs < 1:
            raise RlfgError("curriculum.epochs counts the epochs in order; 1 or more")
        if any(later <= earlier for earlier, later in pairwise((0, *self.coarse_to_fine.values()))):
            raise RlfgError("curriculum.coarse_to_fine: steps must rise from rank to rank, from 1 on")

    def rank_at(self, step: int) -> str | None:
        """The rank of truths at an optimizer step; None once they are whole."""
        return next((rank for rank, until in self.coarse_to_fine.items() if step < until), None)

    def check_length(self, steps: int | None) -> None:
        """A run of so many optimizer steps comes to whole truths.

        Raises:
            RlfgError: It does not.
        """
        last = max(self.coarse_to_fine.values(), default=0)
        if steps is not None and last >= steps:
            raise RlfgError(
                f"curriculum.coarse_to_fine lasts {last} steps and the run {steps}: no truth would ever be whole; "
                "lower its steps"
            )


class Course:
    """What a curriculum makes of a dataset."""

    def __init__(
        self, spec: Curriculum | None, examples: Examples, taxonomy: Taxonomy | None, *, profile: str | None = None
    ) -> None:
        """Look up every truth once.

        Args:
            spec: None leaves orders and truths as they are.
            examples: the training set.
            taxonomy: the verifier's.
            profile: how the verifier reads answers.

        Raises:
            RlfgError: There is no taxonomy; a label is no taxon; a rank is unknown, or a taxon of it has no own name.
        """
        self.spec = spec
        self.labels = [example.label for example in examples]
        self.difficulty: list[int] = []
        self.truths: dict[str, list[str]] = {}
        if spec is None:
            return
        if taxonomy is None:
            raise RlfgError("a curriculum needs a taxonomy; add verifier.taxonomy, or leave curriculum out")
        names, of_class = classes_of(examples, taxonomy)
        nodes = [of_class[name] for name in names]
        if spec.by is not None:
            measure = {node: _difficulty(taxonomy, node, spec.by) for node in set(nodes)}
            self.difficulty = [measure[node] for node in nodes]
        _check_ranks(taxonomy, list(spec.coarse_to_fine))
        for rank in spec.coarse_to_fine:
            above = {node: ancestor_at(taxonomy, node, rank) for node in set(nodes)}
            called = {a: name_of(taxonomy, a, profile) for a in {a for node, a in above.items() if a != node}}
            self.truths[rank] = [
                label if above[node] == node else called[above[node]]
                for node, label in zip(nodes, self.labels, strict=True)
            ]

    def truth(self, index: int, step: int) -> str:
        """What a picture's answers are compared with at an optimizer step."""
        rank = None if self.spec is None else self.spec.rank_at(step)
        return self.labels[index] if rank is None else self.truths[rank][index]

    def order(self, shuffled: Sequence[int], epoch: int, *, per_rollout: int) -> list[int]:
        """An epoch's pictures: easy ones first, as long as the curriculum lasts.

        Args:
            shuffled: the epoch's order without it; what is alike stays in it.
            epoch: from 0.
            per_rollout: pictures of a rollout. Those that fill none are left to chance, not to their difficulty.
        """
        if self.spec is None or self.spec.by is None or epoch >= self.spec.epochs:
            return list(shuffled)
        shown = len(shuffled) // per_rollout * per_rollout
        return [*sorted(shuffled[:shown], key=self.difficulty.__getitem__), *shuffled[shown:]]


def describe(spec: Curriculum | None, course: Course | None) -> str:
    """A line of `rlfg plan`; with the number of truths where the course is known."""
    if spec is None:
        return "off: pictures are shuffled, truths are their labels"
    epochs = "epoch" if spec.epochs == 1 else f"{spec.epochs} epochs"
    order = f"by {spec.by} in the first {epochs}, then shuffled" if spec.by else "shuffled"
    truths = [f"{rank} until step {until:,}" for rank, until in spec.coarse_to_fine.items()] + ["labels"]
    if course is not None:
        counts = [len(set(found)) for found in (*course.truths.values(), course.labels)]
        truths = [f"{text} ({count:,} of them)" for text, count in zip(truths, counts, strict=True)]
    return f"pictures {order}; truths: {', then '.join(truths)}"


def ancestor_at(taxonomy: Taxonomy, node: int, rank: str) -> int:
    """The deepest taxon of a node's path, itself included, of a main rank not below `rank`; itself where none is."""
    ranks = taxonomy.main_ranks[: taxonomy.main_ranks.index(rank) + 1]
    return next((n for n in reversed(taxonomy.lineage(node)[1:]) if taxonomy.ranks[n] in ranks), node)


def name_of(taxonomy: Taxonomy, node: int, profile: str | None) -> str:
    """A name that means this taxon alone, as truths are read.

    Raises:
        RlfgError: Each of its names is also another's.
    """
    how = profile_of(taxonomy, profile)
    for text in (taxonomy.node_name(node), *taxonomy.other_names(node)):
        found = resolve(taxonomy, text, how)
        if found.named and not found.group and found.candidates == (node,):
            return text
    raise RlfgError(
        f"curriculum: {taxonomy.describe(node)} has no name that means it alone; give it a synonym in the taxonomy, "
        "or leave its rank out of coarse_to_fine"
    )


def _difficulty(taxonomy: Taxonomy, node: int, by: str) -> int:
    """The truth's depth, or the leaves that stand beside it under its parent."""
    if by == "depth":
        return int(taxonomy.depth[node])
    parent = max(int(taxonomy.parent[node]), 0)
    return int(taxonomy.leaf_count[parent]) - int(taxonomy.leaf_count[node])


def _check_ranks(taxonomy: Taxonomy, ranks: Sequence[str]) -> None:
    known = taxonomy.main_ranks
    for rank in ranks:
        if rank not in known:
            has = f"its ranks are {', '.join(known)}" if known else "it has no ranks"
            raise RlfgError(f"curriculum.coarse_to_fine: {taxonomy.source} has no rank {rank!r}; {has}")
    if sorted(ranks, key=known.index) != list(ranks):
        raise RlfgError(f"curriculum.coarse_to_fine: ranks go from the top down: {', '.join(known)}")

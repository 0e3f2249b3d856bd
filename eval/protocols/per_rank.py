"""One question a rank (order, family …), each apart: it then shows whether the answers are one path of the tree."""

from __future__ import annotations

from dataclasses import dataclass

from eval.protocols.item import Item, Question, item_about
from eval.protocols.wording import how_to_answer
from rlfg.data import Examples
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True)
class PerRankSpec:
    """Which ranks are asked for."""

    ranks: tuple[str, ...] = ()
    """From the top; by default every main rank of the taxonomy that a taxon below the root has."""
    question: str = "Which {rank} does what is shown in the picture belong to?"
    """With the rank in place of {rank}."""
    reason: bool = True
    """Ask for reasoning before the answer."""

    def __post_init__(self) -> None:
        if "{rank}" not in self.question:
            raise RlfgError("per_rank: the question has {rank} in it")

    def items(self, examples: Examples, taxonomy: Taxonomy | None, seed: int) -> list[Item]:
        """A line a picture, with a completion for each of its `ranks`, in order.

        Raises:
            RlfgError: There is no taxonomy with ranks, or it lacks one that is asked for.
        """
        ranks = self._ranks(taxonomy)
        texts = [
            f"{self.question.replace('{rank}', rank)} {how_to_answer(f'the name of the {rank}', reason=self.reason)}"
            for rank in ranks
        ]
        told = {"protocol": "per_rank", "ranks": list(ranks)}
        return [
            item_about(example, [Question(text=text, pictures=(i,)) for text in texts], told)
            for i, example in enumerate(examples)
        ]

    def _ranks(self, taxonomy: Taxonomy | None) -> tuple[str, ...]:
        there = () if taxonomy is None else tuple(r for r in taxonomy.main_ranks if r in set(taxonomy.ranks[1:]))
        if not there:
            raise RlfgError("per_rank: needs a taxonomy with ranks")
        missing = [rank for rank in self.ranks if rank not in there]
        if missing:
            raise RlfgError(f"per_rank: the taxonomy has no rank {missing[0]!r}; it has {', '.join(there)}")
        return self.ranks or there

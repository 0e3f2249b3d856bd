"""Which protocol a configuration names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from eval.protocols.choice import ChoiceSpec
from eval.protocols.counting import CountSpec
from eval.protocols.generate import OpenSpec
from eval.protocols.item import Item
from eval.protocols.pairs import PairsSpec
from eval.protocols.per_rank import PerRankSpec
from eval.protocols.ranking import RankSpec
from rlfg.data import Examples
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy

NAMES = ("open", "choice", "rank", "pairs", "count", "per_rank")


class Asks(Protocol):
    """Makes items of a dataset."""

    def items(self, examples: Examples, taxonomy: Taxonomy | None, seed: int) -> list[Item]:
        """The items; the same for the same examples, taxonomy and seed, in the order of their lines."""


@dataclass(frozen=True, kw_only=True)
class ProtocolSpec:
    """How a model is asked: one of them; open generation where none is named."""

    open: OpenSpec | None = None
    choice: ChoiceSpec | None = None
    rank: RankSpec | None = None
    pairs: PairsSpec | None = None
    count: CountSpec | None = None
    per_rank: PerRankSpec | None = None

    def __post_init__(self) -> None:
        given = [name for name in NAMES if getattr(self, name) is not None]
        if len(given) > 1:
            raise RlfgError(f"name one of {', '.join(NAMES)}; found {' and '.join(given)}")

    @property
    def chosen(self) -> Asks:
        """The one that is named."""
        given: list[Asks] = [found for name in NAMES if (found := getattr(self, name)) is not None]
        return given[0] if given else OpenSpec()

    @property
    def samples(self) -> int:
        """Answers to one question."""
        return self.open.samples if self.open is not None else 1

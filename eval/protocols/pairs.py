"""Same or different (TWIN): two pictures, and whether they show one class. Half of the pairs do."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from eval.protocols.drawing import TRIES, Album, DrawnSpec, in_turn, read_album
from eval.protocols.item import Item
from eval.protocols.wording import how_to_answer
from rlfg.data import Examples
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True)
class PairsSpec(DrawnSpec):
    """How pairs are drawn from a dataset with classes."""

    pairs: int = 1000
    """Rounded down to an even number."""
    question: str = "Do the two pictures show the same kind of thing, down to the species, variety or model?"

    def __post_init__(self) -> None:
        if self.pairs < 2:
            raise RlfgError("pairs: at least 2, one of them the same")

    def items(self, examples: Examples, taxonomy: Taxonomy | None, seed: int) -> list[Item]:
        """A line a pair, in turns the same and different; classes take turns, too.

        Raises:
            RlfgError: There are not so many pairs.
        """
        album = read_album(examples, taxonomy, self.duplicates)
        text = f"{self.question} {how_to_answer('yes or no', reason=self.reason)}"
        told = {"protocol": "pairs", "negatives": self.negatives, "seed": seed}
        found: dict[frozenset[int], Item] = {}
        for k in range(self.pairs - self.pairs % 2):
            same = k % 2 == 0
            a, b = self._draw(album, seed, k // 2, same, found.keys())
            id_, truth = f"{examples[a].id}|{examples[b].id}", "yes" if same else "no"
            found[frozenset((a, b))] = album.item((a, b), text, told, id_=id_, truth=truth)
        return list(found.values())

    def _draw(
        self, album: Album, seed: int, turn: int, same: bool, asked: Container[frozenset[int]]
    ) -> tuple[int, int]:
        wanted = [name for name in sorted(album.pictures) if not same or len(album.pictures[name]) > 1]
        for again in range(TRIES * len(wanted)):
            rng = generator(seed, "pairs", int(same), turn, again)
            place = turn + again // TRIES  # on to the next class where this one has no new pair
            name = in_turn(wanted, place, seed, "classes", int(same))
            if same:
                a, b = album.draw(name, 2, rng)
            else:
                (a,) = album.draw(name, 1, rng)
                (b,) = album.draw(album.other_class(name, self.negatives, rng), 1, rng)
            if rng.random() < 0.5:
                a, b = b, a
            if frozenset((a, b)) not in asked:
                return a, b
        kind = "of one class" if same else "of two classes"
        raise RlfgError(f"pairs: only about {2 * turn} can be had, for want of pictures {kind}; ask for fewer")

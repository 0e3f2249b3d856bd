"""How many of three (FGVQA): one reference, three candidates, and how many of them show its class, 0 to 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.protocols.drawing import TRIES, Album, DrawnSpec, in_turn, read_album
from eval.protocols.item import Item
from eval.protocols.wording import how_to_answer
from rlfg.data import Examples
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.taxonomy import Taxonomy

CANDIDATES = 3


@dataclass(frozen=True, kw_only=True)
class CountSpec(DrawnSpec):
    """How questions are drawn from a dataset with classes."""

    questions: int = 1000
    """As many of each count, 0 to 3; rounded down to a multiple of four."""
    question: str = (
        "The first picture is the reference. How many of the three others show the same kind of thing as it, down to "
        "the species, variety or model?"
    )

    def __post_init__(self) -> None:
        if self.questions < 4:
            raise RlfgError("count: at least 4 questions, one of each count")

    def items(self, examples: Examples, taxonomy: Taxonomy | None, seed: int) -> list[Item]:
        """A line a question, none twice; the counts take turns, and so do the classes.

        Raises:
            RlfgError: No class has four pictures, there is one class only, or there are not so many questions.
        """
        album = read_album(examples, taxonomy, self.duplicates)
        wanted = [name for name in sorted(album.pictures) if len(album.pictures[name]) > CANDIDATES]
        if not wanted:
            raise RlfgError("count: no class has four pictures, a reference and three that match it")
        text = f"{self.question} {how_to_answer('the number', reason=self.reason)}"
        told = {"protocol": "count", "negatives": self.negatives, "seed": seed}
        found, asked = [], set[frozenset[int | str]]()
        for k in range(self.questions - self.questions % 4):
            pictures = self._new(album, wanted, seed, k, asked)
            found.append(album.item(pictures, text, told, id_=f"{examples[pictures[0]].id}#{k}", truth=str(k % 4)))
        return found

    def _new(
        self, album: Album, wanted: Sequence[str], seed: int, k: int, asked: set[frozenset[int | str]]
    ) -> list[int]:
        """The reference and its candidates, of the next class where this one has no new ones; adds them to `asked`."""
        matching = k % 4
        for again in range(TRIES * len(wanted)):
            name = in_turn(wanted, k // 4 + again // TRIES, seed, "classes", matching)
            pictures = self._draw(album, name, matching, (seed, "count", k, *([again] if again else [])))
            question = frozenset[int | str]([f"reference {pictures[0]}", *pictures[1:]])
            if question not in asked:
                asked.add(question)
                return pictures
        raise RlfgError(f"count: only about {k} questions can be had of these pictures; ask for fewer")

    def _draw(self, album: Album, name: str, matching: int, key: tuple[int | str, ...]) -> list[int]:
        rng = generator(*key)
        reference, *shown = album.draw(name, 1 + matching, rng)
        while len(shown) < CANDIDATES:
            but = frozenset(shown)
            shown += album.draw(album.other_class(name, self.negatives, rng, but=but), 1, rng, but=but)
        return [reference, *(shown[i] for i in rng.permutation(CANDIDATES))]

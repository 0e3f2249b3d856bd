"""How many of three (FGVQA): one reference, three candidates, and how many of them show its class, 0 to 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.protocols.drawing import TRIES, Album, Duplicates, Negatives, read_album
from eval.protocols.item import Item, Question, item_about
from eval.protocols.wording import how_to_answer
from rlfg.data import Examples
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.taxonomy import Taxonomy

CANDIDATES = 3


@dataclass(frozen=True, kw_only=True)
class CountSpec:
    """How questions are drawn from a dataset with classes."""

    questions: int = 1000
    """As many of each count, 0 to 3; rounded down to a multiple of four."""
    negatives: Negatives = "random"
    """What the candidates that do not match are of: any other class, or the nearest in the tree."""
    duplicates: Duplicates = "near"
    """Pictures that count as one: those that look the same, those with the same bytes, or none."""
    question: str = (
        "The first picture is the reference. How many of the three others show the same kind of thing as it, down to "
        "the species, variety or model?"
    )
    reason: bool = True
    """Ask for reasoning before the answer."""

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
        found, asked = [], set[frozenset[int | str]]()
        for k in range(self.questions - self.questions % 4):
            pictures = self._new(album, wanted, seed, k, asked)
            found.append(
                item_about(
                    examples[pictures[0]],
                    [Question(text=text, pictures=pictures)],
                    {"protocol": "count", "negatives": self.negatives, "seed": seed, **album.told(examples, pictures)},
                    id_=f"{examples[pictures[0]].id}#{k}",
                    truth=str(k % 4),
                )
            )
        return found

    def _new(
        self, album: Album, wanted: Sequence[str], seed: int, k: int, asked: set[frozenset[int | str]]
    ) -> tuple[int, ...]:
        """The reference and its candidates, of the next class where this one has no new ones; adds them to `asked`."""
        matching = k % 4
        for again in range(TRIES * len(wanted)):
            place = k // 4 + again // TRIES
            order = generator(seed, "classes", matching, place // len(wanted)).permutation(len(wanted))
            name = wanted[int(order[place % len(wanted)])]
            reference, shown = self._draw(album, name, matching, (seed, "count", k, *([again] if again else [])))
            question = frozenset[int | str]([f"reference {reference}", *shown])
            if question not in asked:
                asked.add(question)
                return (reference, *shown)
        raise RlfgError(f"count: only about {k} questions can be had of these pictures; ask for fewer")

    def _draw(self, album: Album, name: str, matching: int, key: tuple[int | str, ...]) -> tuple[int, list[int]]:
        rng = generator(*key)
        reference, *shown = album.draw(name, 1 + matching, rng)
        while len(shown) < CANDIDATES:
            but = frozenset(shown)
            shown += album.draw(album.other_class(name, self.negatives, rng, but=but), 1, rng, but=but)
        return reference, [shown[i] for i in rng.permutation(CANDIDATES)]

"""Multiple choice: options in the prompt. The truth's place among them is drawn, or takes every place in turn."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eval.protocols.classes import Distractors, read_classes
from eval.protocols.item import Item, Question, item_about
from eval.protocols.wording import how_to_answer
from rlfg.data import Examples
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.taxonomy import Taxonomy, normalize
from rlfg.types import Example

LETTERS = string.ascii_uppercase


@dataclass(frozen=True, kw_only=True)
class ChoiceSpec:
    """Which options, in which order, and how one is chosen."""

    options: int | Literal["all"] = 4
    """How many, the truth among them; "all": every class."""
    distractors: Distractors | Literal["given"] = "random"
    """random; taxonomic: the classes nearest in the tree; embedding: those nearest by `embeddings`. given: the options
    are those of each line of the data (`options`, the label among them), whatever their order and number there."""
    answer: Literal["letter", "name"] = "letter"
    """Letters go to 26 options."""
    order: Literal["shuffled", "cyclic"] = "shuffled"
    """shuffled: one order, drawn for each picture. cyclic: the question is asked in all rotations of it."""
    labels: str | None = None
    """Text file with the names of further classes, one a line."""
    embeddings: str | None = None
    """.npz with `ids` and `embeddings` of the pictures, of any encoder."""
    question: str = "What is shown in the picture?"
    reason: bool = True
    """Ask for reasoning before the answer."""

    def __post_init__(self) -> None:
        if self.options != "all" and self.options < 2:
            raise RlfgError("choice: at least 2 options")
        if self.distractors == "embedding" and self.labels is not None:
            raise RlfgError(
                "choice: classes of `labels` have no embedding; leave them out, or draw distractors otherwise"
            )
        if self.answer == "letter" and self.options != "all" and self.options > len(LETTERS):
            raise RlfgError(f"choice: {self.options} options have no letters; set answer: name")

    def items(self, examples: Examples, taxonomy: Taxonomy | None, seed: int) -> list[Item]:
        """A line for each picture; `options` has the names in the order of each question.

        Raises:
            RlfgError: There are not so many classes, or too many for letters.
        """
        classes = read_classes(examples, taxonomy, labels=self.labels, embeddings=self.embeddings)
        found = []
        for i, example in enumerate(examples):
            name = classes.of_example[i]
            key = str(
                example.meta.get("clean_id", example.id)
            )  # a picture made worse is asked about as the clean one is
            if self.distractors == "given":
                correct, shown = _given(example, examples.where[i])
            else:
                count = len(classes.wrong(name)) if self.options == "all" else self.options - 1
                wrong = classes.distractors(name, self.distractors, count, (seed, "distractors", key))
                correct, shown = classes.labels[name], [classes.labels[other] for other in [name, *wrong]]
            order = [shown[k] for k in generator(seed, "options", key).permutation(len(shown))]
            orders = [order[k:] + order[:k] for k in range(len(order) if self.order == "cyclic" else 1)]
            told = {
                "protocol": "choice",
                "answer_as": self.answer,
                "options": orders,
                "correct": correct,
                "distractors": self.distractors,
                "class": name,
                "seed": seed,
            }
            found.append(item_about(example, [self._question(options, i) for options in orders], told))
        return found

    def _question(self, options: Sequence[str], picture: int) -> Question:
        choosing = tuple(LETTERS[: len(options)] if self.answer == "letter" else options)
        return Question(text=self._text(options), pictures=(picture,), labels=tuple(options), choosing=choosing)

    def _text(self, options: Sequence[str]) -> str:
        if self.answer == "letter":
            if len(options) > len(LETTERS):
                raise RlfgError(f"choice: {len(options)} options have no letters; set answer: name")
            lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
            how = how_to_answer("the letter of the right option", reason=self.reason)
        else:
            lines = [f"- {option}" for option in options]
            how = how_to_answer("the right one of these names as it is written", reason=self.reason)
        return "\n".join([self.question, *lines, how])


def _given(example: Example, where: str) -> tuple[str, list[str]]:
    """The truth as an option, and all options, sorted: their order in the data says nothing any more."""
    options = example.meta.get("options")
    if not isinstance(options, list) or len(options) < 2 or not all(isinstance(option, str) for option in options):
        raise RlfgError(f"{where}: distractors are given, and the line has no `options`, a list of two names or more")
    same = [option for option in options if normalize(option) == normalize(example.label)]
    if len(same) != 1 or len(set(map(normalize, options))) < len(options):
        raise RlfgError(f"{where}: of the options each must be another, and one of them {example.label!r}")
    return same[0], sorted(options)

"""Ranking a label list by log-probability: no answer is generated, each label is scored as the answer."""

from __future__ import annotations

from dataclasses import dataclass

from eval.protocols.classes import read_classes
from eval.protocols.item import Item, Question, item_about
from rlfg.data import Examples
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True)
class RankSpec:
    """Which labels, and in what form."""

    question: str = "What is shown in the picture? Answer with its name only."
    form: str = "{}"
    """The answer with a label in place of {}; as the model was taught, `<think></think><answer>{}</answer>` for one."""
    labels: str | None = None
    """Text file with the names of further classes, one a line. One above or below a picture's class in the tree is
    true of it, too, and no rival (`also_true` of the line)."""
    prior: bool = False
    """Score the labels without the picture, too: that log-probability is then taken off (calibration)."""

    def __post_init__(self) -> None:
        if self.form.count("{}") != 1:
            raise RlfgError("rank: form has {} once, where the label stands")

    def items(self, examples: Examples, taxonomy: Taxonomy | None, seed: int) -> list[Item]:
        """A line for each picture; `options` has the labels in the order of `logprobs`."""
        classes = read_classes(examples, taxonomy, labels=self.labels)
        labels = tuple(classes.labels[name] for name in classes.names)
        options = list(labels)  # one for all lines
        candidates = tuple(self.form.replace("{}", label) for label in labels)
        also_true = {name: [labels[place] for place in classes.right(name)] for name in set(classes.of_example)}
        found = []
        for i, example in enumerate(examples):
            shown = [(i,), *([()] if self.prior else [])]
            name = classes.of_example[i]
            told = {
                "protocol": "rank",
                "options": options,
                "form": self.form,
                "correct": classes.labels[name],
                **({"also_true": also_true[name]} if also_true[name] else {}),
                "class": name,
            }
            questions = [
                Question(text=self.question, pictures=pictures, candidates=candidates, labels=labels)
                for pictures in shown
            ]
            found.append(item_about(example, questions, told))
        return found

"""Pictures drawn from the classes of a dataset, for questions about several at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from eval.protocols.classes import Classes, read_classes
from eval.protocols.item import Item, Question, item_about
from rlfg.data import Examples
from rlfg.data.duplicates import exact_copies, look_at, near_copies
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.taxonomy import Taxonomy

Negatives = Literal["random", "taxonomic"]
Duplicates = Literal["near", "exact", "ignore"]
TRIES = 20
"""Draws in a class for a question that was not asked yet."""


@dataclass(frozen=True, kw_only=True)
class Album:
    """The pictures of each class."""

    examples: Examples
    classes: Classes
    pictures: Mapping[str, tuple[int, ...]]
    """Numbers of the examples, one of each set of copies: a picture beside its copy is no question."""

    def other_class(
        self, name: str, negatives: Negatives, rng: np.random.Generator, *, but: frozenset[int] = frozenset()
    ) -> str:
        """A wrong class that has pictures besides these: the nearest in the tree, or any."""
        others = [other for other in self.classes.others(name) if set(self.pictures.get(other, ())) - but]
        if not others:
            raise RlfgError(f"the data has too few pictures of other classes than {name}")
        if negatives == "taxonomic":
            depth_N, place = self.classes.common_depth(name), self.classes.place
            nearest = max(depth_N[place[other]] for other in others)
            others = [other for other in others if depth_N[place[other]] == nearest]
        return others[int(rng.integers(len(others)))]

    def draw(self, name: str, count: int, rng: np.random.Generator, *, but: frozenset[int] = frozenset()) -> list[int]:
        """So many pictures of a class, none twice; fewer where it has no more."""
        left = [i for i in self.pictures[name] if i not in but]
        return [left[k] for k in rng.permutation(len(left))[:count]]

    def item(self, pictures: Sequence[int], text: str, told: Mapping[str, Any], *, id_: str, truth: str) -> Item:
        """A question about these pictures, with the class and `meta` of the first."""
        classes = [self.classes.of_example[i] for i in pictures]
        shown = {"images": [self.examples[i].image for i in pictures], "classes": classes, "class": classes[0]}
        question = Question(text=text, pictures=tuple(pictures))
        return item_about(self.examples[pictures[0]], [question], {**told, **shown}, id_=id_, truth=truth)


@dataclass(frozen=True, kw_only=True)
class DrawnSpec:
    """How questions about several pictures are drawn from a dataset with classes: what all of them share."""

    negatives: Negatives = "random"
    """What pictures that do not match are of: any other class, or the nearest in the tree."""
    duplicates: Duplicates = "near"
    """Pictures that count as one: those that look the same, those with the same bytes, or none."""
    reason: bool = True
    """Ask for reasoning before the answer."""


def in_turn(names: Sequence[str], turn: int, *key: int | str) -> str:
    """The class whose turn it is: each comes once a round, in an order that is drawn by the round and the key."""
    order = generator(*key, turn // len(names)).permutation(len(names))
    return names[int(order[turn % len(names)])]


def read_album(examples: Examples, taxonomy: Taxonomy | None, duplicates: Duplicates) -> Album:
    """The classes with their pictures, the first of each set of copies in the order of ids."""
    classes = read_classes(examples, taxonomy)
    copies: list[list[int]] = []
    if duplicates != "ignore":
        looks = look_at(examples)
        copies = near_copies(looks) if duplicates == "near" else exact_copies(looks)
    left_out = {i for same in copies for i in sorted(same, key=lambda i: str(examples[i].id))[1:]}
    members: dict[str, list[int]] = defaultdict(list)
    for i in sorted(set(range(len(examples))) - left_out, key=lambda i: str(examples[i].id)):
        members[classes.of_example[i]].append(i)
    pictures = {name: tuple(found) for name, found in members.items()}
    return Album(examples=examples, classes=classes, pictures=pictures)

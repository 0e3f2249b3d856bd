"""Pictures drawn from the classes of a dataset, for questions about several at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from eval.protocols.classes import Classes, read_classes
from rlfg.data import Examples
from rlfg.data.duplicates import exact_copies, look_at, near_copies
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy

Negatives = Literal["random", "taxonomic"]
Duplicates = Literal["near", "exact", "ignore"]
TRIES = 20
"""Draws in a class for a question that was not asked yet."""


@dataclass(frozen=True, kw_only=True)
class Album:
    """The pictures of each class."""

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

    def told(self, examples: Examples, pictures: Sequence[int]) -> dict[str, Any]:
        """What a line says of its pictures; the class is that of the first."""
        classes = [self.classes.of_example[i] for i in pictures]
        return {"images": [examples[i].image for i in pictures], "classes": classes, "class": classes[0]}


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
    return Album(classes=classes, pictures={name: tuple(found) for name, found in members.items()})

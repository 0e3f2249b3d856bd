"""The classes of a dataset as options: how each is called, and which of the others are like it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rlfg.data import Examples
from rlfg.data.classes import classes_of
from rlfg.data.triplets import read_embeddings
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.taxonomy import Taxonomy, normalize, resolve

Distractors = Literal["random", "taxonomic", "embedding"]


@dataclass(frozen=True, kw_only=True)
class Classes:
    """What can be told apart."""

    of_example: tuple[str, ...]
    """By example."""
    labels: Mapping[str, str]
    """How each class is called in options: one spelling for all its pictures, or the spelling would give it away."""
    nodes: Mapping[str, int]
    """The taxon of each class, where there is a taxonomy."""
    taxonomy: Taxonomy | None
    embeddings: Mapping[str, NDArray[np.floating]]
    """A unit vector a class, where there are embeddings."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All classes, sorted."""
        return tuple(sorted(self.labels))

    @cached_property
    def place(self) -> dict[str, int]:
        """Of each class among `names`."""
        return {name: place for place, name in enumerate(self.names)}

    def wrong(self, name: str) -> NDArray[np.intp]:
        """Places of the classes that are wrong for a picture of this one: neither itself, nor above or below it."""
        if self.taxonomy is None:
            return np.delete(np.arange(len(self.names)), self.place[name])
        node, nodes_N, ends = self.nodes[name], self._nodes_N, self.taxonomy.ends
        above, below = (nodes_N <= node) & (node < ends[nodes_N]), (node <= nodes_N) & (nodes_N < ends[node])
        return np.flatnonzero(~(above | below))

    def right(self, name: str) -> list[int]:
        """Places of the other classes that are true of it: those above and below."""
        return sorted({*range(len(self.names))} - {self.place[name], *self.wrong(name).tolist()})

    def others(self, name: str) -> list[str]:
        """The wrong classes, by name."""
        return [self.names[place] for place in self.wrong(name)]

    def common_depth(self, name: str) -> NDArray[np.intp]:
        """Depth of the lowest taxon that each of `names` has in common with this class.

        Raises:
            RlfgError: There is no taxonomy.
        """
        if self.taxonomy is None:
            raise RlfgError("taxonomic distractors and negatives need a taxonomy")
        depth_N = np.zeros(len(self.names), dtype=np.intp)
        for node in self.taxonomy.lineage(self.nodes[name]):  # a subtree's nodes have consecutive numbers
            inside_N = (node <= self._nodes_N) & (self._nodes_N < self.taxonomy.ends[node])
            depth_N[inside_N] = self.taxonomy.depth[node]
        return depth_N

    def distractors(self, name: str, way: Distractors, count: int, key: tuple[int | str, ...]) -> list[str]:
        """So many wrong classes.

        random: any. taxonomic: the nearest, by the depth of the common ancestor, drawn where several are as near.
        embedding: the nearest by cosine.

        Raises:
            RlfgError: There are not so many, or what the way needs is not there.
        """
        wrong_M = self.wrong(name)
        if len(wrong_M) < count:
            raise RlfgError(f"{count + 1} options are wanted for {name}, and {len(wrong_M)} classes are wrong for it")
        drawn_M = wrong_M[generator(*key).permutation(len(wrong_M))]
        if way != "random":
            near_N = self.common_depth(name) if way == "taxonomic" else self._cosine(name)
            drawn_M = drawn_M[np.argsort(-near_N[drawn_M], kind="stable")]
        return [self.names[place] for place in drawn_M[:count]]

    @cached_property
    def _nodes_N(self) -> NDArray[np.intp]:
        return np.array([self.nodes[name] for name in self.names], dtype=np.intp)

    def _cosine(self, name: str) -> NDArray[np.floating]:
        if not self.embeddings:
            raise RlfgError("distractors by embedding need embeddings: an .npz with `ids` and `embeddings`")
        return self._vectors_ND @ self.embeddings[name]

    @cached_property
    def _vectors_ND(self) -> NDArray[np.floating]:
        return np.stack([self.embeddings[name] for name in self.names])


def read_classes(
    examples: Examples, taxonomy: Taxonomy | None, *, labels: str | None = None, embeddings: str | None = None
) -> Classes:
    """The classes of the data, and further ones.

    Args:
        examples: of the data.
        taxonomy: says which names are one class.
        labels: text file with a name a line, of classes to choose from besides.
        embeddings: of the pictures; a class is the mean of its unit vectors.

    Raises:
        RlfgError: A label is no taxon, or the files are not as they should be.
    """
    names, nodes = classes_of(examples, taxonomy)
    called: dict[str, str] = {}
    for name, example in zip(names, examples, strict=True):
        called[name] = min(called.get(name, example.label), example.label)  # whatever the order of the data
    known: set[int | str] = set(nodes.values()) or set(map(normalize, called))
    for label in _further(labels):
        node = None if taxonomy is None else _taxon(label, taxonomy)
        if (key := normalize(label) if node is None else node) in known:
            continue
        known.add(key)
        name = label if node is None else f"#{node}"
        called[name] = label
        nodes |= {} if node is None else {name: node}
    vectors = _vectors(Path(embeddings), examples, names) if embeddings else {}
    return Classes(of_example=tuple(names), labels=called, nodes=nodes, taxonomy=taxonomy, embeddings=vectors)


def _further(path: str | None) -> list[str]:
    if path is None:
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RlfgError(f"{path}: cannot read labels: {error.strerror}") from error
    return [line.strip() for line in lines if line.strip()]


def _taxon(label: str, taxonomy: Taxonomy) -> int:
    found = resolve(taxonomy, label)
    if len(found.candidates) != 1 or not found.named or found.group:
        raise RlfgError(f"label {label!r} is no taxon of {taxonomy.node_name(0)} ({found.status})")
    return found.candidates[0]


def _vectors(path: Path, examples: Examples, names: list[str]) -> dict[str, NDArray[np.floating]]:
    rows_ND = read_embeddings(path, examples)
    lengths = np.linalg.norm(rows_ND, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise RlfgError(f"{path}: an embedding is zero or not finite")
    of_class: dict[str, list[NDArray[np.floating]]] = defaultdict(list)
    for name, row_D in zip(names, rows_ND / lengths, strict=True):
        of_class[name].append(row_D)
    means = {name: np.mean(rows, axis=0) for name, rows in of_class.items()}
    return {name: mean / max(float(np.linalg.norm(mean)), 1e-12) for name, mean in means.items()}

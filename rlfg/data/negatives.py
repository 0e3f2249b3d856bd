"""Where the negatives of triplets come from: classes that one is taken for, that stand beside it, that look like it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rlfg.data.examples import Examples
from rlfg.errors import RlfgError
from rlfg.randomness import draw
from rlfg.taxonomy import Taxonomy, normalize, resolve

T = TypeVar("T")


def ways(
    name: str,
    members: Mapping[str, list[int]],
    nested: Mapping[str, set[str]],
    taken_for: Mapping[str, str],
    siblings: Mapping[str, list[str]],
) -> Iterator[tuple[list[str], str]]:
    """The classes that a negative is drawn from, and which way they were found; the best first."""
    if name in taken_for:
        yield [taken_for[name]], "confusions"
    if name in siblings:
        yield siblings[name], "taxonomy"
    others = [other for other in members if other != name]
    yield [other for other in others if other not in nested.get(name, ())], "random"
    yield others, "random"


def drawn(
    found: Iterable[tuple[list[str], str]],
    members: Mapping[str, list[int]],
    alike: Sequence[int],
    seed: int,
    key: str,
) -> tuple[int, str]:
    """A picture that is not `alike`, by the first of the `ways` that leads to one."""
    for others, why in found:
        left = others
        while left:
            name = one_of(seed, left, key, "class")
            if apart := [j for j in members[name] if j not in alike]:
                return one_of(seed, apart, key, "negative"), why
            left = [other for other in left if other != name]
    raise _no_negative(key)


def _no_negative(key: str) -> RlfgError:
    return RlfgError(f"triplets: every picture of another class is a copy of {key!r}; leave it out")


def siblings_of(taxonomy: Taxonomy, nodes: Mapping[str, int]) -> dict[str, list[str]]:
    """The classes that are nearest to each, those in itself or that it is in left aside where there are others."""
    found = {}
    for name, node in nodes.items():
        near: dict[tuple[bool, int], list[str]] = defaultdict(list)
        for other, its in nodes.items():
            if other != name:
                meet = taxonomy.lca(node, its)
                near[meet not in (node, its), int(taxonomy.depth[meet])].append(other)
        found[name] = sorted(near[max(near)])
    return found


def confusions(
    examples: Examples,
    names: Sequence[str],
    taxonomy: Taxonomy | None,
    nodes: Mapping[str, int],
    nested: Mapping[str, set[str]],
    answers: Mapping[str, Sequence[str]] | None,
) -> dict[str, str]:
    """The other class of the data that each class is most often taken for."""
    if answers is None:
        raise RlfgError("triplets: negatives by confusions need a model's answers; give --predictions")
    known = {example.id for example in examples}
    if not known & answers.keys():
        raise RlfgError("triplets: none of the answers is to a picture of the data; ids must be the same")
    by_node = {node: name for name, node in nodes.items()}
    by_text = {normalize(name): name for name in names}
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for example, name in zip(examples, names, strict=True):
        for text in answers.get(example.id, ()):
            if taxonomy is None:
                said = by_text.get(normalize(text))
            else:
                found = resolve(taxonomy, text)
                one = found.named and not found.group and len(found.candidates) == 1
                said = by_node.get(found.candidates[0]) if one else None
            if said is not None and said != name and said not in nested.get(name, ()):
                votes[name][said] += 1
    return {name: min(count, key=lambda other: (-count[other], other)) for name, count in votes.items()}


def nearest(
    examples: Examples,
    names: Sequence[str],
    members: Mapping[str, list[int]],
    copies: Mapping[int, Sequence[int]],
    nested: Mapping[str, set[str]],
    embeddings_ND: NDArray[np.floating] | None,
) -> NDArray[np.int64]:
    """For each picture the nearest of another class that is no copy of it."""
    if embeddings_ND is None or len(embeddings_ND) != len(names):
        raise RlfgError(
            "triplets: negatives by embedding need one row of embeddings for each picture; give --embeddings"
        )
    lengths = np.linalg.norm(embeddings_ND, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise RlfgError("triplets: an embedding is zero or not finite")
    unit_ND = (embeddings_ND / lengths).astype(np.float32)
    classes = np.unique(names, return_inverse=True)[1]
    found = np.empty(len(names), dtype=np.int64)
    for start in range(0, len(names), 1024):
        near = unit_ND[start : start + 1024] @ unit_ND.T
        near[classes[start : start + 1024, None] == classes[None]] = -np.inf
        for i, row in enumerate(near, start):
            row[list(copies.get(i, ()))] = -np.inf
            apart = row.copy()
            apart[[j for other in nested.get(names[i], ()) for j in members[other]]] = -np.inf
            found[i] = (apart if np.isfinite(apart).any() else row).argmax()
            if not np.isfinite(row[found[i]]):
                raise _no_negative(examples[i].id)
    return found


def one_of(seed: int, items: Sequence[T], *key: str) -> T:
    """One of them, drawn by the key alone."""
    return items[int(draw(seed, "triplet", *key) * len(items))]

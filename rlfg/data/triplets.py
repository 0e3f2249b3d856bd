"""Triplets for TAPO (Fine-R1): beside each picture another of its class, and one of a class that it is taken for."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rlfg.data.duplicates import look_at, near_copies
from rlfg.data.examples import Examples
from rlfg.data.splits import classes_of, draw, record_of
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, normalize, resolve

Negatives = Literal["random", "taxonomy", "embedding", "confusions"]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Triplet:
    """Indices of an anchor's positive and negative; None where there is no such picture."""

    positive: int | None
    negative: int
    why: str
    """How the negative was found: "random", "taxonomy", "embedding" or "confusions"."""


def triplets(
    examples: Examples,
    negatives: Negatives,
    *,
    seed: int = 0,
    taxonomy: Taxonomy | None = None,
    embeddings_ND: NDArray[np.floating] | None = None,
    answers: Mapping[str, Sequence[str]] | None = None,
) -> list[Triplet]:
    """A triplet for each example; the same for the same examples and seed.

    Args:
        examples: of at least two classes.
        negatives: random: any other class. taxonomy: the nearest other class, by the deepest common ancestor, one
            drawn where several are as near. embedding: the picture of another class whose embedding is nearest, by
            cosine. confusions: the class that the anchor's class is most often taken for; by the taxonomy, or at random
            where there is none, for a class that is not taken for another one here.
        seed: of all draws.
        taxonomy: says which names are one class, too.
        embeddings_ND: one row an example, of any encoder.
        answers: a model's answers by example id.

    Raises:
        RlfgError: There is one class only, or what the negatives need is not there.
    """
    names, nodes = classes_of(examples, taxonomy)
    members: dict[str, list[int]] = defaultdict(list)
    for i in sorted(range(len(examples)), key=lambda i: examples[i].id):
        members[names[i]].append(i)
    if len(members) < 2:
        raise RlfgError(f"triplets: {len(members)} class in the data; a negative needs another")
    if negatives == "taxonomy" and taxonomy is None:
        raise RlfgError("triplets: negatives by taxonomy need one; give --taxonomy, or --negatives random")
    copy_of = {i: tuple(same) for same in near_copies(look_at(examples)) for i in same}
    nearest = _nearest(examples, names, embeddings_ND) if negatives == "embedding" else None
    taken_for = _confusions(examples, names, taxonomy, nodes, answers) if negatives == "confusions" else {}
    siblings = _siblings(taxonomy, nodes) if taxonomy is not None and negatives != "random" else {}
    found = []
    for i, name in enumerate(names):
        key = examples[i].id
        same = [j for j in members[name] if j != i and j not in copy_of.get(i, ())]
        if nearest is not None:
            negative, why = int(nearest[i]), "embedding"
        else:
            others, why = _others(name, members, negatives, taken_for, siblings)
            negative = _one(seed, members[_one(seed, others, key, "class")], key, "negative")
        found.append(Triplet(positive=_one(seed, same, key, "positive") if same else None, negative=negative, why=why))
    return found


def write_triplets(path: Path, found: Sequence[Triplet], examples: Examples) -> Counter[str]:
    """Writes a manifest with `positive` and `negative`; counts how negatives were found, and missing positives."""
    examples.require_files("triplets")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines, counts = [], Counter[str]()
    for example, one in zip(examples, found, strict=True):
        counts[one.why] += 1
        counts["no positive"] += one.positive is None
        changes = {
            "positive": None if one.positive is None else examples[one.positive].image,
            "negative": examples[one.negative].image,
            "meta": {"negative_label": examples[one.negative].label, "negative_by": one.why},
        }
        lines.append(json.dumps(record_of(example, path.parent, **changes), ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return counts


def read_embeddings(path: Path, examples: Examples) -> NDArray[np.floating]:
    """Embeddings in the order of the examples, from an .npz with `ids` (N) and `embeddings` (N, D).

    Raises:
        RlfgError: It is no such file, or lacks an example; names it.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            ids, rows_ND = stored["ids"].astype(str).tolist(), stored["embeddings"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise RlfgError(f"{path}: not an .npz with `ids` and `embeddings` ({reason})") from error
    if rows_ND.ndim != 2 or len(ids) != len(rows_ND):
        raise RlfgError(f"{path}: {len(ids)} ids and embeddings of shape {rows_ND.shape}; one row an id is wanted")
    place = {key: n for n, key in enumerate(ids)}
    missing = [example.id for example in examples if example.id not in place]
    if missing:
        raise RlfgError(f"{path}: no embedding of {missing[0]!r} and {len(missing) - 1} more")
    found: NDArray[np.floating] = rows_ND[[place[example.id] for example in examples]]
    return found


def _others(
    name: str,
    members: Mapping[str, list[int]],
    negatives: Negatives,
    taken_for: Mapping[str, str],
    siblings: Mapping[str, list[str]],
) -> tuple[list[str], str]:
    """The classes that a negative is drawn from, and which way they were found."""
    if name in taken_for:
        return [taken_for[name]], "confusions"
    if negatives != "random" and name in siblings:
        return siblings[name], "taxonomy"
    return [other for other in members if other != name], "random"


def _siblings(taxonomy: Taxonomy, nodes: Mapping[str, int]) -> dict[str, list[str]]:
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


def _confusions(
    examples: Examples,
    names: Sequence[str],
    taxonomy: Taxonomy | None,
    nodes: Mapping[str, int],
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
                said = by_node.get(found.candidates[0]) if found.named and not found.group else None
            if said is not None and said != name:
                votes[name][said] += 1
    return {name: min(count, key=lambda other: (-count[other], other)) for name, count in votes.items()}


def _nearest(examples: Examples, names: Sequence[str], embeddings_ND: NDArray[np.floating] | None) -> NDArray[np.int64]:
    """For each picture the nearest of another class."""
    if embeddings_ND is None or len(embeddings_ND) != len(examples):
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
        found[start : start + 1024] = near.argmax(1)
    return found


def _one(seed: int, items: Sequence[T], *key: str) -> T:
    """One of them, drawn by the key alone."""
    return items[int(draw(seed, "triplet", *key) * len(items))]

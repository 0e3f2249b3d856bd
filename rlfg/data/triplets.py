"""Triplets for TAPO (Fine-R1): beside each picture another of its class, and one of a class that it is taken for."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rlfg.data.classes import classes_of, nested_classes
from rlfg.data.duplicates import look_at, near_copies
from rlfg.data.examples import Examples
from rlfg.data.negatives import confusions, drawn, nearest, one_of, siblings_of, ways
from rlfg.data.splits import record_of
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy

Negatives = Literal["random", "taxonomy", "embedding", "confusions"]


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

    Neither picture is a copy of the anchor. The negative's class neither lies in the anchor's nor holds it, where there
    are others.

    Args:
        examples: of at least two classes.
        negatives: random: any other class. taxonomy: the nearest other class, by the deepest common ancestor, one
            drawn where several are as near. embedding: the picture of another class whose embedding is nearest, by
            cosine. confusions: the class that the anchor's class is most often taken for; by the taxonomy, or at random
            where there is none, for a class that is not taken for another one here, or for copies alone.
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
    copies = {i: tuple(same) for same in near_copies(look_at(examples)) for i in same}
    nested = {} if taxonomy is None else nested_classes(taxonomy, nodes)
    closest = nearest(examples, names, members, copies, nested, embeddings_ND) if negatives == "embedding" else None
    taken_for = confusions(examples, names, taxonomy, nodes, nested, answers) if negatives == "confusions" else {}
    siblings = siblings_of(taxonomy, nodes) if taxonomy is not None and negatives != "random" else {}
    found = []
    for i, name in enumerate(names):
        key, alike = examples[i].id, copies.get(i, ())
        same = [j for j in members[name] if j != i and j not in alike]
        if closest is not None:
            negative, why = int(closest[i]), "embedding"
        else:
            negative, why = drawn(ways(name, members, nested, taken_for, siblings), members, alike, seed, key)
        found.append(
            Triplet(positive=one_of(seed, same, key, "positive") if same else None, negative=negative, why=why)
        )
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

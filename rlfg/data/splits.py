"""Splits that do not leak: few-shot, and base-to-new with classes that training never shows.

A class is a taxon where there is a taxonomy, so that "Herring Gull" and "Larus argentatus" are one; else a name. A
picture and its copies stand in one split only. What fits nowhere is left out, and is told why; counts add up.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rlfg.data.classes import classes_of, nested_classes
from rlfg.data.duplicates import exact_copies, look_at, near_copies
from rlfg.data.examples import Examples
from rlfg.errors import RlfgError
from rlfg.randomness import draw
from rlfg.taxonomy import Taxonomy
from rlfg.types import Example

Duplicates = Literal["near", "exact", "ignore"]
Relatives = Literal["with", "without", "any"]
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class SplitSpec:
    """How a dataset is split."""

    seed: int = 0
    shots: int | None = None
    """Pictures of each seen class in train; None: all that are not in val or test."""
    val: float = 0.1
    """Share of a seen class's pictures in val."""
    test: float = 0.2
    """Share of a seen class's pictures in test."""
    unseen: float = 0.0
    """Share of classes whose pictures are all in test (0.4 in Fine-R1)."""
    relatives: Relatives = "any"
    """with: beside each unseen class its parent has a seen one. without: none has. any: drawn freely."""
    duplicates: Duplicates = "near"
    """Which pictures count as one: those that look the same, those with the same bytes, or none."""

    def __post_init__(self) -> None:
        if self.shots is not None and self.shots < 1:
            raise RlfgError("split: shots counts pictures of a class; at least 1")
        if min(self.val, self.test, self.unseen) < 0 or self.val + self.test >= 1 or self.unseen >= 1:
            raise RlfgError("split: val, test and unseen are shares; val and test together leave something to train on")


@dataclass(frozen=True, kw_only=True)
class Split:
    """Where each example went."""

    spec: SplitSpec
    places: tuple[str, ...]
    """By example: "train", "val", "test" or "left out"."""
    reasons: Mapping[int, str]
    """Why those are left out."""
    classes: tuple[str, ...]
    """By example."""
    seen: tuple[str, ...]
    unseen: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Examples in each split and left out; they add up to the input."""
        found = Counter(self.places)
        return {place: found[place] for place in (*SPLITS, "left out")}


def split(examples: Examples, spec: SplitSpec, taxonomy: Taxonomy | None = None) -> Split:
    """Draws the splits; the same for the same examples and seed, whatever their order.

    Raises:
        RlfgError: A label is not in the taxonomy; relatives are asked for without one, or cannot be had.
    """
    names, nodes = classes_of(examples, taxonomy)
    parents = {name: int(taxonomy.parent[node]) for name, node in nodes.items()} if taxonomy is not None else {}
    if spec.relatives != "any" and taxonomy is None:
        raise RlfgError(f"split: relatives {spec.relatives!r} needs a taxonomy, to know which classes are related")
    nested = {} if taxonomy is None else nested_classes(taxonomy, nodes)
    unseen = _draw_unseen(names, parents, nested.keys(), spec)
    sets: list[list[int]] = []
    if spec.duplicates != "ignore":
        looks = look_at(examples)
        sets = near_copies(looks) if spec.duplicates == "near" else exact_copies(looks)
    first = list(range(len(examples)))
    for members in sets:
        for i in members:
            first[i] = members[0]
    reasons = _conflicts(names, sets, examples)
    places = ["left out"] * len(examples)
    units: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i in sorted(set(range(len(examples))) - reasons.keys(), key=lambda i: examples[i].id):
        units[names[i]][first[i]].append(i)
    for name, copies in units.items():
        order = sorted(copies.values(), key=lambda unit: draw(spec.seed, "picture", examples[unit[0]].id))
        for unit, place in zip(order, _places(len(order), spec, seen=name not in unseen), strict=True):
            for i in unit:
                places[i] = place
                if place == "left out":
                    reasons[i] = f"not among the {spec.shots} shots of {name}"
                elif place == "train" and spec.shots is not None and i != unit[0]:
                    places[i] = "left out"
                    reasons[i] = f"a copy of {examples[unit[0]].image}, which is one of the shots"
    return Split(
        spec=spec,
        places=tuple(places),
        reasons=reasons,
        classes=tuple(names),
        seen=tuple(sorted(set(names) - unseen)),
        unseen=tuple(sorted(unseen)),
    )


def write_split(found: Split, examples: Examples, out: Path, *, taxonomy: Taxonomy | None = None) -> None:
    """Writes a manifest for each split, and `split.json` with everything that was decided.

    Raises:
        RlfgError: The pictures are no files.
    """
    examples.require_files("split")
    out.mkdir(parents=True, exist_ok=True)
    unseen = set(found.unseen)

    def meta(name: str) -> dict[str, str]:
        return {"split_class": name, "novelty": "unseen" if name in unseen else "seen"}

    for place in SPLITS:
        lines = [
            json.dumps(record_of(examples[i], out, split=place, meta=meta(found.classes[i])), ensure_ascii=False)
            for i, here in enumerate(found.places)
            if here == place
        ]
        (out / f"{place}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    told = {
        **asdict(found.spec),
        "taxonomy": None if taxonomy is None else taxonomy.hash,
        "counts": found.counts(),
        "seen": found.seen,
        "unseen": found.unseen,
        "ids": {p: [e.id for e, q in zip(examples, found.places, strict=True) if p == q] for p in SPLITS},
        "left_out": {examples[i].id: why for i, why in sorted(found.reasons.items())},
    }
    (out / "split.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _draw_unseen(
    names: Sequence[str], parents: Mapping[str, int], nested: Collection[str], spec: SplitSpec
) -> set[str]:
    """The classes that only test shows; none that lies in another, or around one, as it would not be new."""
    everyone = sorted(set(names), key=lambda name: draw(spec.seed, "class", name))
    wanted = round(spec.unseen * len(everyone))
    apart = [name for name in everyone if name not in nested]
    families: dict[int, list[str]] = defaultdict(list)
    for name in everyone if parents else ():
        families[parents[name]].append(name)
    chosen: set[str] = set()
    if spec.relatives == "any":
        chosen = set(apart[: min(wanted, len(everyone) - 1)])
    elif spec.relatives == "with":
        spare = {name for family in families.values() for name in family[1:]}
        chosen = set([name for name in apart if name in spare][:wanted])
    else:
        for family in sorted(families.values(), key=lambda family: draw(spec.seed, "family", *sorted(family))):
            if len(chosen) + len(family) <= wanted and not any(name in nested for name in family):
                chosen |= set(family)
    if len(chosen) < wanted and (spec.relatives != "without" or not chosen):
        related = "" if spec.relatives == "any" else f" {spec.relatives} seen relatives"
        lie = f" ({len(nested)} lie in one another)" if nested else ""
        fix = ", or set relatives to any" if related else ""
        raise RlfgError(
            f"split: {wanted} unseen classes{related} are wanted, and {len(chosen)} of {len(everyone)}{lie} can be "
            f"had; lower unseen{fix}"
        )
    return chosen


def _conflicts(names: Sequence[str], sets: Sequence[Sequence[int]], examples: Examples) -> dict[int, str]:
    """Pictures that are copies of one of another class: no split can hold either."""
    found = {}
    for same in sets:
        for i in same:
            other = next((j for j in same if names[j] != names[i]), None)
            if other is not None:
                found[i] = f"the same picture as {examples[other].image}, which is {names[other]} and not {names[i]}"
    return found


def _places(n: int, spec: SplitSpec, *, seen: bool) -> list[str]:
    """Where a class's pictures go, in the order they are drawn."""
    if not seen:
        return ["test"] * n
    test, val = (min(n, round(share * n)) for share in (spec.test, spec.val))
    rest = max(n - test - val, min(n, 1))
    train = rest if spec.shots is None else min(rest, spec.shots)
    return [*["train"] * train, *["left out"] * (rest - train), *["val"] * val, *["test"] * test][:n]


def record_of(example: Example, folder: Path, **changes: Any) -> dict[str, Any]:
    """A manifest line of an example, with paths relative to the manifest's folder; `meta` is added to its own."""
    found: dict[str, Any] = {"id": example.id, "label": example.label}
    found |= {f: value for f in ("split", "question", "rationale") if (value := getattr(example, f))}
    found |= {f: getattr(example, f) for f in ("image", "positive", "negative")}
    found |= {**changes, "meta": {**example.meta, **changes.get("meta", {})}}
    for field in ("image", "positive", "negative"):
        if found[field] is None:
            del found[field]
        else:
            found[field] = os.path.relpath(found[field], folder)
    return found

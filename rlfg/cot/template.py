"""Rationales written from attributes, without a teacher: what is seen, what is alike, in what it differs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from rlfg.cot.formats import Sample
from rlfg.data import Examples, format_answer
from rlfg.data.classes import classes_of
from rlfg.errors import RlfgError
from rlfg.randomness import draw
from rlfg.taxonomy import Taxonomy, resolve

Attributes = Mapping[str, str]
"""Value by name: {"bill shape": "hooked"}."""
CANDIDATES = 4
DIFFERENCES = 3
"""That a comparison names of each candidate."""
_OPENINGS = (
    "This is what the picture shows: {seen}.",
    "Going through what can be seen: {seen}.",
    "The features that can be made out are these: {seen}.",
)
_AGREES = ("This agrees with {name}, for which these features are usual.", "All of this is usual for {name}.")
_DIFFERS = (
    "{name} is known by {theirs}, and this picture shows {ours}.",
    "Of {name} one would expect {theirs}; what is seen is {ours}.",
)
_SAME = "{name} is alike in all that is listed here, and is the less likely of the two."


def write_rationales(
    examples: Examples, taxonomy: Taxonomy, attributes: Sequence[Attributes], *, seed: int = 0
) -> list[Sample]:
    """A sample for each example, its candidates the nearest classes of the data.

    Args:
        examples: of at least two classes.
        taxonomy: says which classes are near.
        attributes: of each example; a class is known by the commonest values of its examples.
        seed: of the wording.

    Raises:
        RlfgError: An example has no attributes, or there is one class only.
    """
    names, nodes = classes_of(examples, taxonomy)
    if len(nodes) < 2:
        raise RlfgError("cot template: there is one class in the data, and nothing to compare it with")
    bare = next((where for where, own in zip(examples.where, attributes, strict=True) if not own), None)
    if bare is not None:
        raise RlfgError(f"{bare}: no attributes to write a rationale from")
    shown = {name: example.label for name, example in zip(names, examples, strict=True)}
    known = _of_classes(names, attributes)
    samples = []
    for example, where, name, own in zip(examples, examples.where, names, attributes, strict=True):
        others = _nearest(taxonomy, nodes, name)
        candidates = sorted([name, *others], key=lambda other: draw(seed, "order", example.id, other))
        parts = (
            "Visual analysis: " + _pick(_OPENINGS, seed, example.id).format(seen=_listed(own)),
            "Candidates:\n" + "\n".join(f"- {shown[other]}" for other in candidates),
            "Comparison: "
            + " ".join(_compare(shown, known, name, other, own, seed, example.id) for other in candidates),
            f"Prediction: {shown[name]}",
        )
        samples.append(
            Sample(
                where=where,
                id=example.id,
                images=(str(Path(example.image).resolve()),),
                question=example.question or "",
                completion=format_answer("\n\n".join(parts), shown[name]),
                label=example.label,
            )
        )
    return samples


def read_cub_attributes(root: Path, taxonomy: Taxonomy, *, least: float = 50.0) -> dict[int, dict[str, str]]:
    """Attributes of the classes of CUB-200-2011, by taxon, from the files of the official archive.

    Args:
        root: folder with `classes.txt`, `attributes/attributes.txt` (or beside the folder, as in the archive) and
            `attributes/class_attribute_labels_continuous.txt`.
        taxonomy: that the classes are in.
        least: per cent of a class's pictures that must have a value.

    Raises:
        RlfgError: A file is missing or of another form, or a class is no taxon; names it.
    """
    listed = next(
        (p for p in (root / "attributes" / "attributes.txt", root.parent / "attributes.txt") if p.is_file()), None
    )
    if listed is None:
        raise RlfgError(f"{root}: no attributes/attributes.txt, and none in the folder above")
    values = [_cub_value(listed, n, line) for n, line in enumerate(_lines(listed), 1)]
    table = root / "attributes" / "class_attribute_labels_continuous.txt"
    rows = _lines(table)
    classes = _lines(root / "classes.txt")
    if len(rows) != len(classes):
        raise RlfgError(f"{table}: {len(rows)} lines, and classes.txt names {len(classes)} classes")
    found: dict[int, dict[str, str]] = {}
    for number, (line, row) in enumerate(zip(classes, rows, strict=True), 1):
        label = line.split(maxsplit=1)[1].partition(".")[2].replace("_", " ")
        named = resolve(taxonomy, label)
        if len(named.candidates) != 1:
            raise RlfgError(f"{root / 'classes.txt'}:{number}: {label!r} is no taxon of {taxonomy.node_name(0)}")
        try:
            shares = [float(cell) for cell in row.split()]
        except ValueError as error:
            raise RlfgError(f"{table}:{number}: {error}") from error
        if len(shares) != len(values):
            raise RlfgError(f"{table}:{number}: {len(shares)} numbers for {len(values)} attributes")
        best: dict[str, tuple[float, str]] = {}
        for (name, value), share in zip(values, shares, strict=True):
            if share >= least and share > best.get(name, (0.0, ""))[0]:
                best[name] = (share, value)
        found[named.candidates[0]] = {name: value for name, (_, value) in best.items()}
    return found


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise RlfgError(f"{path}: no such file")
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _cub_value(path: Path, number: int, line: str) -> tuple[str, str]:
    """`1 has_bill_shape::curved_(up_or_down)` as ("bill shape", "curved")."""
    name, between, value = line.split(maxsplit=1)[-1].partition("::")
    if not between:
        raise RlfgError(f"{path}:{number}: {line!r} is no attribute; `1 has_bill_shape::dagger` is wanted")
    return name.removeprefix("has_").replace("_", " "), re.sub(r"\(.*?\)", "", value).strip("_").replace("_", " ")


def _of_classes(names: Sequence[str], attributes: Sequence[Attributes]) -> dict[str, dict[str, str]]:
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for name, own in zip(names, attributes, strict=True):
        for attribute, value in own.items():
            counts[name][attribute][value] += 1
    return {
        name: {attribute: min(seen, key=lambda value: (-seen[value], value)) for attribute, seen in found.items()}
        for name, found in counts.items()
    }


def _nearest(taxonomy: Taxonomy, nodes: Mapping[str, int], name: str) -> list[str]:
    def distance(other: str) -> tuple[int, str]:
        return -int(taxonomy.depth[taxonomy.lca(nodes[name], nodes[other])]), other

    return sorted((other for other in nodes if other != name), key=distance)[: CANDIDATES - 1]


def _compare(
    shown: Mapping[str, str],
    known: Mapping[str, Attributes],
    name: str,
    other: str,
    own: Attributes,
    seed: int,
    key: str,
) -> str:
    if other == name:
        return _pick(_AGREES, seed, key).format(name=shown[name])
    differs = [a for a, value in own.items() if known[other].get(a, value) != value]
    if not differs:
        return _SAME.format(name=shown[other])
    told = sorted(differs, key=lambda attribute: draw(seed, "difference", key, other, attribute))[:DIFFERENCES]
    theirs = _joined([f"{known[other][a]} {a}" for a in told])
    ours = _joined([f"{own[a]} {a}" for a in told])
    return _pick(_DIFFERS, seed, key, other).format(name=shown[other], theirs=theirs, ours=ours)


def _listed(own: Attributes) -> str:
    return _joined([f"the {value} {attribute}" for attribute, value in own.items()])


def _joined(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _pick(texts: Sequence[str], seed: int, *key: str) -> str:
    return texts[int(draw(seed, "wording", *key) * len(texts))]

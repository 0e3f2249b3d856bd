"""Multiple choice from a model's own confusions, as a training task (DiVE-k, arXiv 2511.18305).

The options to a picture are its class and the classes that the model most often took it for; the nearest classes by the
taxonomy fill what is missing. All are classes of the data and called by their labels: neither a broader rank, another
kind of name, nor a name that is never right gives the answer away.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import ascii_letters, ascii_uppercase
from typing import Literal

from rlfg.data.answers import Form
from rlfg.data.classes import classes_of
from rlfg.data.examples import Examples
from rlfg.data.splits import record_of
from rlfg.errors import RlfgError
from rlfg.randomness import draw
from rlfg.taxonomy import Taxonomy, profile_of, resolve

Source = Literal["truth", "model", "taxonomy"]
_ASKS: dict[Form, str] = {
    "think": "Compare the options with what you see, step by step, inside <think> and </think>, then give the letter "
    "of the right one, and nothing else, inside <answer> and </answer>.",
    "answer": "Do not reason: give the letter of the right option, and nothing else, inside <answer> and </answer>.",
    "bare": "Answer with the letter of the right option alone, and nothing else.",
}


@dataclass(frozen=True, kw_only=True)
class ChoiceSpec:
    """How questions are made."""

    options: int = 4
    letters: str = ""
    """One an option; by default A, B, C …"""
    form: Form = "think"
    """What the question asks for."""
    certain: Literal["leave out", "keep"] = "leave out"
    """Pictures that every answer is right about."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.options <= len(ascii_uppercase):
            raise RlfgError(f"choices: {self.options} options; 2 to {len(ascii_uppercase)} can be asked for")
        letters = self.letters or ascii_uppercase[: self.options]
        if (
            len(letters) != self.options
            or len(set(letters.upper())) != len(letters)
            or set(letters) - set(ascii_letters)
        ):
            raise RlfgError(f"choices: letters are {letters!r}; give {self.options} different ones from A to Z")
        object.__setattr__(self, "letters", letters.upper())


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A question to one picture."""

    index: int
    """Of its example."""
    options: tuple[str, ...]
    """Labels, in the order of the letters."""
    sources: tuple[Source, ...]
    """How each came to be one."""

    @property
    def right(self) -> int:
        """The place of the truth."""
        return self.sources.index("truth")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """All questions, and an account of what they were made of."""

    spec: ChoiceSpec
    questions: tuple[Choice, ...]
    """In the order of the examples."""
    pictures: Counter[str]
    """Asked about, or why not; they add up to the examples."""
    answers: Counter[str]
    """What the model's answers to these pictures were; they add up to those answers."""


def choices(
    examples: Examples,
    answers: Mapping[str, Sequence[str | None]],
    spec: ChoiceSpec,
    taxonomy: Taxonomy,
    *,
    profile: str | None = None,
) -> Choices:
    """Makes a question of each picture; the same for the same examples, answers and seed.

    A wrong answer counts for the class that it names or lies in; synonyms of the truth, taxa below it and above it are
    none. Of two options neither lies in the other. Each letter is right equally often, up to one.

    Args:
        examples: of at least as many classes as options.
        answers: several sampled ones a picture, by example id; None for what could not be read.
        spec: how questions are made.
        taxonomy: says which class an answer means, and which classes are near.
        profile: how answers are read; as suits the taxonomy.

    Raises:
        RlfgError: A label is no taxon, or none of the answers is to a picture of the data.
    """
    if not answers.keys() & {example.id for example in examples}:
        raise RlfgError("choices: none of the answers is to a picture of the data; ids must be the same")
    names, nodes = classes_of(examples, taxonomy)
    meaning = _Meaning(taxonomy, nodes, profile)
    called = _labels(examples, names)
    pictures, said = Counter[str](), Counter[str]()
    chosen: dict[int, dict[str, Source]] = {}
    for i, (example, name) in enumerate(zip(examples, names, strict=True)):
        votes = [meaning.of(text, name) for text in answers.get(example.id, ())]
        said.update(outcome for outcome, _ in votes)
        if not votes:
            pictures["without answers"] += 1
        elif spec.certain == "leave out" and all(outcome == "right" for outcome, _ in votes):
            pictures["always right"] += 1
        else:
            wrong = Counter(other for _, other in votes if other is not None)
            found = _options(taxonomy, nodes, name, wrong, spec, example.id)
            if len(found) == spec.options:
                chosen[i] = found
            pictures["asked" if len(found) == spec.options else "too few classes apart"] += 1
    places = _places({i: examples[i].id for i in chosen}, spec)
    questions = tuple(_shuffled(i, found, places[i], called, examples[i].id, spec) for i, found in chosen.items())
    return Choices(spec=spec, questions=questions, pictures=pictures, answers=said)


def write_choices(path: Path, found: Choices, examples: Examples, *, with_open: bool = False) -> None:
    """Writes a manifest whose questions hold the options and whose labels are letters.

    A question's id is the picture's and "#choice"; `meta` keeps the class, the options and how each was chosen.

    Args:
        path: of the manifest.
        found: the questions.
        examples: what they were made of; pictures in files.
        with_open: also write the examples as they are, to train on both.
    """
    examples.require_files("choices")
    spec, here = found.spec, path.parent
    records = [record_of(example, here) for example in examples] if with_open else []
    for one in found.questions:
        example = examples[one.index]
        told = {"class": example.label, "options": list(one.options), "chosen_by": list(one.sources)}
        changes = {"id": f"{example.id}#choice", "label": spec.letters[one.right], "question": ask(one, spec)}
        records.append(record_of(example, here, **changes, meta=told))
    here.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")


def ask(one: Choice, spec: ChoiceSpec) -> str:
    """The question with its options, a line each."""
    lines = [f"{letter}. {option}" for letter, option in zip(spec.letters, one.options, strict=True)]
    return "\n".join(["What is shown in the picture?", *lines, _ASKS[spec.form]])


class _Meaning:
    """What an answer says of a picture's class."""

    def __init__(self, taxonomy: Taxonomy, nodes: Mapping[str, int], profile: str | None) -> None:
        self.taxonomy, self.nodes = taxonomy, nodes
        self.by_node = {node: name for name, node in nodes.items()}
        how = profile_of(taxonomy, profile)
        self.resolve = lru_cache(1 << 16)(lambda text: resolve(taxonomy, text, how))

    def of(self, text: str | None, truth: str) -> tuple[str, str | None]:
        """An outcome in words, and the class that is wrongly named."""
        if text is None:
            return "unreadable", None
        found, tree, node = self.resolve(text), self.taxonomy, self.nodes[truth]
        if not found.named or found.group or len(found.candidates) > 1:
            return "no single taxon", None
        (said,) = found.candidates
        if said == node or tree.is_ancestor(node, said):
            return "right", None
        if tree.is_ancestor(said, node):
            return "broader", None
        other = next((self.by_node[n] for n in reversed(tree.lineage(said)) if n in self.by_node), None)
        if other is None or not _apart(tree, self.nodes[other], node):
            return "wrong, and no class of the data", None
        return "wrong", other


def _options(
    taxonomy: Taxonomy, nodes: Mapping[str, int], truth: str, wrong: Counter[str], spec: ChoiceSpec, key: str
) -> dict[str, Source]:
    """The truth, the classes it was taken for, most often first, and then the nearest; up to the number wanted."""

    def chance(name: str) -> float:
        return draw(spec.seed, "choice", key, name)

    def near(name: str) -> tuple[int, float]:
        return -int(taxonomy.depth[taxonomy.lca(nodes[name], nodes[truth])]), chance(name)

    found: dict[str, Source] = {truth: "truth"}

    def take(candidates: Sequence[str], source: Source) -> None:
        for name in candidates:
            if len(found) < spec.options and all(_apart(taxonomy, nodes[name], nodes[other]) for other in found):
                found[name] = source

    take(sorted(wrong, key=lambda name: (-wrong[name], chance(name))), "model")
    if len(found) < spec.options:
        take(sorted(nodes.keys() - found.keys(), key=near), "taxonomy")
    return found


def _apart(taxonomy: Taxonomy, a: int, b: int) -> bool:
    """Neither is the other, or lies in it."""
    return a != b and not taxonomy.is_ancestor(a, b) and not taxonomy.is_ancestor(b, a)


def _places(ids: Mapping[int, str], spec: ChoiceSpec) -> dict[int, int]:
    """Where the truth of each picture stands: every place as often as any other, up to one."""
    order = sorted(ids, key=lambda i: draw(spec.seed, "place", ids[i]))
    return {i: place % spec.options for place, i in enumerate(order)}


def _shuffled(
    index: int, found: Mapping[str, Source], place: int, called: Mapping[str, str], key: str, spec: ChoiceSpec
) -> Choice:
    """A question with its truth at `place`, the others in random order."""
    truth, *others = found
    others.sort(key=lambda name: draw(spec.seed, "order", key, name))
    order = [*others[:place], truth, *others[place:]]
    return Choice(
        index=index, options=tuple(called[name] for name in order), sources=tuple(found[name] for name in order)
    )


def _labels(examples: Examples, names: Sequence[str]) -> dict[str, str]:
    """What each class is called: its most common label."""
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for example, name in zip(examples, names, strict=True):
        spelled[name][example.label] += 1
    return {name: min(labels, key=lambda label: (-labels[label], label)) for name, labels in spelled.items()}

"""Product names: model years, body styles, and the line that several models' names begin with."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from rlfg.taxonomy.resolving.csr import build_table
from rlfg.taxonomy.resolving.spelling import skeleton
from rlfg.taxonomy.resolving.wordset import word_set
from rlfg.taxonomy.tree import Taxonomy, topmost

YEAR = re.compile(r"(?:19|20)\d\ds?$")
BODIES = word_set(
    """
    sedan saloon coupe convertible cabriolet roadster spyder spider hatchback hatch wagon estate suv crossover van
    minivan pickup truck cab crew extended regular quad supercrew supercab sports car vehicle automobile
    """
)
"""Words for a body or cab; they may follow a model's name, or be missing at its end."""
_VEHICLES = word_set("sports car vehicle automobile")
"""Those of them that say nothing of the body."""
_GRADES = word_set("lx ex dx se sel le xle xlt lt ltz slt gls")
"""Trims that are no words of a model's name; "Sport" and "Touring" may be."""
_TRIMS = _GRADES | word_set("sport limited base premium luxury touring")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductMatch:
    """What a product's name was found to mean."""

    nodes: tuple[int, ...]
    group: bool
    """All of them together: a line of models, or one model of several years."""
    how: str


def is_year(word: str) -> bool:
    """A model year or decade: "2012", "2000s"."""
    return word[:2] in ("19", "20") and YEAR.match(word) is not None


@final
class ProductNames:
    """The names of a catalogue, without their years."""

    def __init__(self, names: Iterable[tuple[int, str]]) -> None:
        """Index (node, normalised name) pairs."""
        pairs = [(node, name.split()) for node, name in names]
        self._dated = [(node, skeleton(_undated(words)), _years(words)) for node, words in pairs]
        self._table = build_table((text, i) for i, (_, text, _) in enumerate(self._dated))
        self._sorted = sorted({(" ".join([*_undated(words), ""]), node) for node, words in pairs})
        self._bodies = {node: BODIES.intersection(words) for node, words in pairs}
        self._years = {node: given for node, _, given in self._dated}

    def find(self, taxonomy: Taxonomy, words: list[str]) -> ProductMatch | None:
        """Read a product's name: without its year, as the start of longer names, without its body style."""
        plain, years = _undated(words), _years(words)
        if not plain:
            return None
        return (
            self._undated_name(taxonomy, plain, years)
            or self._line(taxonomy, plain, years)
            or self._without_body(taxonomy, plain, years)
            or self._without_grade(taxonomy, words)
        )

    def _without_grade(self, taxonomy: Taxonomy, words: list[str]) -> ProductMatch | None:
        """The model of a trim that the taxonomy has not: "Accord EX sedan" is an Accord sedan."""
        rest = [words[0], *(word for word in words[1:] if word not in _GRADES)]
        return self.find(taxonomy, rest) if len(rest) < len(words) else None

    def _undated_name(self, taxonomy: Taxonomy, words: list[str], years: frozenset[str]) -> ProductMatch | None:
        """The taxon of that year; else one named without a year, or the only one; all of them if no year is given."""
        wanted = skeleton(words)
        found = [self._dated[i] for i in self._table.get(wanted) if self._dated[i][1] == wanted]
        same = topmost(taxonomy, [node for node, _, given in found if given & years])
        if same:
            return ProductMatch(nodes=same, group=False, how="the model of that year")
        timeless = topmost(taxonomy, [node for node, _, given in found if not given])
        nodes = timeless or topmost(taxonomy, [node for node, _, _ in found])
        if len(nodes) == 1 or (nodes and timeless):
            return ProductMatch(nodes=nodes, group=False, how="the model; its year is not in the taxonomy")
        return ProductMatch(nodes=nodes, group=True, how="a model of several years") if nodes and not years else None

    def _line(self, taxonomy: Taxonomy, words: list[str], years: frozenset[str]) -> ProductMatch | None:
        """Names that go on after these words: one if only a body is missing, else all of them as a group."""
        start = " ".join([*words, ""])
        found = []
        at = bisect_left(self._sorted, (start, -1))
        while at < len(self._sorted) and self._sorted[at][0].startswith(start):
            text, node = self._sorted[at]
            found.append((node, text[len(start) :].split()))
            at += 1
        nodes = topmost(taxonomy, [node for node, _ in found])
        nodes = tuple(node for node in nodes if not years or not self._has_other_year(node, years))
        if len(nodes) == 1 and all(BODIES.issuperset(rest) for node, rest in found if node in nodes):
            return ProductMatch(nodes=nodes, group=False, how="the model; its body is left out")
        return ProductMatch(nodes=nodes, group=True, how="a line of models") if nodes else None

    def _has_other_year(self, node: int, years: frozenset[str]) -> bool:
        given = self._years[node]
        return bool(given) and not given & years

    def _without_body(self, taxonomy: Taxonomy, words: list[str], years: frozenset[str]) -> ProductMatch | None:
        """The name before a body or trim, unless the taxonomy tells bodies apart there and has not this one."""
        cut = len(words)
        while cut and words[cut - 1] in BODIES | _TRIMS:
            cut -= 1
        if not 0 < cut < len(words) or not (found := self._undated_name(taxonomy, words[:cut], years)):
            return None
        below = {body for node in found.nodes for body in self._bodies_below(taxonomy, node)}
        if (BODIES - _VEHICLES).intersection(words[cut:]) and below - BODIES.intersection(words[:cut]):
            return None
        internal = any(taxonomy.children(node) for node in found.nodes)
        return None if internal and _TRIMS.intersection(words[cut:]) else found

    def _bodies_below(self, taxonomy: Taxonomy, node: int) -> Iterable[str]:
        pending = [node]
        while pending:
            at = pending.pop()
            yield from self._bodies.get(at, ())
            pending += taxonomy.children(at)


def _undated(words: Sequence[str]) -> list[str]:
    return [word for word in words if not is_year(word)]


def _years(words: Sequence[str]) -> frozenset[str]:
    return frozenset(word for word in words if is_year(word))

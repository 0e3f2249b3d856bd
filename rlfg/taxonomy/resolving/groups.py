"""Group nouns by rule, for a source that gives its genera and families no English names.

The last word of a species' English name is its noun ("Herring Gull" → "gull"; of "Black-crowned Night Heron" also
"night heron" where another species shares it, and of "Rosy-Finch" also "finch"). A noun names:

1. each genus or family at least two thirds of whose English-named species have that noun: "warbler" is Parulidae,
   although Ovenbird and Redstart stand there too, but "gull" is not Laridae, half of which are terns; the lowest clade
   with the same species is taken;
2. each species that has the noun and stands in no such clade: "crow" is American Crow and Fish Crow, and not the
   ravens beside them.

Genus and family mean: at most two steps of `Taxonomy.depth` above the species, and never the root. The names of the
source come first: the rule is asked only about a word that names nothing. What it found is in every trace, and
`GroupNouns.listing` shows all of it. Where the source does name groups, a noun that only one species has is none: a
"Siam tulip" does not make its genus the tulips.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import final

import numpy as np

from rlfg.taxonomy.keytable import KeyTable, every, key_table
from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.packing import pack
from rlfg.taxonomy.resolving.spelling import skeleton
from rlfg.taxonomy.tree import Taxonomy, topmost

STEPS = 2
"""How far above a species a noun reaches: its genus and family."""
MAJORITY = 2 / 3
"""A clade bears a noun if at least this share of its English-named species does."""
_BINOMIAL = re.compile(r"[A-Z][a-zë]+ [a-z-]{3,}(?: [a-z-]{3,})?$")
_LATIN_TREE = 0.9
"""Where so many names look like binomials, those that do are Latin, whatever their genus."""
_PREPOSITION = re.compile(r"[ -](?:of|in|on|the|de|du|with|and)[ -]")


@final
class GroupNouns:
    """Noun → the taxa it names together."""

    def __init__(self, table: KeyTable) -> None:
        """Wraps skeleton of the noun → nodes, ascending."""
        self.table = table

    def get(self, words: list[str]) -> tuple[int, ...]:
        """The taxa of a noun in any spelling; empty if it is none."""
        return self.table.find(skeleton(words))

    def listing(self) -> dict[str, tuple[int, ...]]:
        """All nouns, as skeletons, in alphabetical order."""
        return {noun: self.table.find(noun) for noun in sorted(self.table.keys)}


def find_group_nouns(taxonomy: Taxonomy) -> GroupNouns:
    """Apply the rule of this module to the leaves' English names."""
    named: Counter[int] = Counter()
    bearers: dict[tuple[str, bool], list[int]] = {}
    for leaf, names in _english_leaves(taxonomy):
        named.update(_above(taxonomy, leaf))
        for noun in dict.fromkeys(noun for name in names for noun in _nouns(name)):
            bearers.setdefault(noun, []).append(leaf)
    least = 2 if _names_groups(taxonomy) else 1
    found = {
        noun: _clades(taxonomy, leaves, named)
        for (noun, of_two), leaves in bearers.items()
        if len(leaves) >= (2 if of_two else least)
    }
    pairs = sorted((node, noun) for noun, nodes in found.items() for node in nodes)
    table = key_table(pack(name for _, name in pairs), np.array([node for node, _ in pairs], dtype=np.int32), every)
    return GroupNouns(table)


def _names_groups(taxonomy: Taxonomy) -> bool:
    """Whether the source gives common names to anything between root and leaves."""
    return any(taxonomy.vernaculars[node] and taxonomy.parent[node + 1] == node for node in range(1, taxonomy.n - 1))


def _clades(taxonomy: Taxonomy, leaves: list[int], named: Mapping[int, int]) -> tuple[int, ...]:
    """Which clades `leaves` fill for the most part, and which of `leaves` outside them."""
    filled = Counter(node for leaf in leaves for node in _above(taxonomy, leaf))
    found: dict[int, None] = {}
    for leaf in leaves:
        above = _above(taxonomy, leaf)
        fit = [node for node in above if filled[node] >= MAJORITY * named[node]]
        if not fit:
            found[leaf] = None
            continue
        same = [node for node in above if taxonomy.leaf_count[node] == taxonomy.leaf_count[fit[-1]]]
        found[same[0]] = None
    return topmost(taxonomy, found)


def _above(taxonomy: Taxonomy, leaf: int) -> list[int]:
    """The clades that a noun of the leaf may name, lowest first."""
    parent, depth = taxonomy.parent.data, taxonomy.depth.data
    found = []
    node = parent[leaf]
    while node > 0 and depth[leaf] - depth[node] <= STEPS:
        found.append(node)
        node = parent[node]
    return found


def _english_leaves(taxonomy: Taxonomy) -> Iterator[tuple[int, tuple[str, ...]]]:
    leaves = taxonomy.leaves()
    own = taxonomy.names.pick(leaves)
    latin = sum(map(_is_binomial, own)) > _LATIN_TREE * len(leaves)
    for leaf, name in zip(leaves, own, strict=True):
        common = taxonomy.vernaculars[leaf]
        names = common if (latin and _is_binomial(name)) or _has_genus(taxonomy, leaf, name) else (name, *common)
        if names:
            yield leaf, names


def _is_binomial(name: str) -> bool:
    return _BINOMIAL.match(name) is not None


def _has_genus(taxonomy: Taxonomy, leaf: int, name: str) -> bool:
    """Whether the name begins with that of the taxon above, as a binomial's does."""
    above = int(taxonomy.parent[leaf])
    key = normalize(name)
    return above >= 0 and key.split()[:1] == [normalize(taxonomy.names[above])]


def _nouns(name: str) -> Iterator[tuple[str, bool]]:
    """The skeletons of a name's nouns, and whether each is of two words.

    A name of one word has none, and neither has one with a preposition ("bird of paradise").
    """
    words = name.split()
    if len(words) < 2 or _PREPOSITION.search(name.casefold()):
        return
    last = normalize(words[-1]).split()
    if not last or len(last[-1]) < 3 or any(char.isdigit() for char in last[-1]):
        return
    yield skeleton(last), False
    if len(words) > 2 and (before := normalize(words[-2]).split()):
        yield skeleton([*before, *last]), True
    if "-" in words[-1] and (tail := words[-1].rsplit("-", 1)[1])[:1].isupper():
        yield skeleton(normalize(tail).split()), False

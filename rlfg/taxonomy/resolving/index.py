"""What the resolver looks up in a taxonomy besides exact names: made when first needed, or read from a built file.

Names are numbered as the keys of `Taxonomy.by_name`, normalised and distinct.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import final

from rlfg.taxonomy.keytable import KeyTable
from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.packed import Array
from rlfg.taxonomy.resolving.csr import Table, build_table
from rlfg.taxonomy.resolving.groups import GroupNouns, find_group_nouns
from rlfg.taxonomy.resolving.products import ProductNames
from rlfg.taxonomy.resolving.spelling import skeleton, skeletons
from rlfg.taxonomy.resolving.wordindex import WordIndex, build_words, index_cuts, index_ends, letter_sets
from rlfg.taxonomy.tree import UNNAMED_ROOT, Taxonomy

RULES = 2
"""Raised with every change of what `NameIndex.arrays` holds for the same names: older ones are then made anew."""


@final
class NameIndex:
    """Skeletons, words, group nouns and products of one taxonomy's names."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        """Makes nothing yet."""
        self.taxonomy = taxonomy
        self.names = taxonomy.by_name.keys
        self._stored = taxonomy.index

    def spelled(self, words: list[str]) -> tuple[str, tuple[int, ...]] | None:
        """The name that these words write in another way, and the taxa it names; None without one.

        Names that differ only in such ways of writing are all meant: the candidates of each are joined.
        """
        wanted = skeleton(words)
        found = [n for n in self.names.pick(self.skeletons.get(wanted).tolist()) if skeleton(n.split()) == wanted]
        if not found:
            return None
        nodes_of = {name: self.taxonomy.by_name.find(name) for name in found}
        nodes = sorted({node for nodes in nodes_of.values() for node in nodes})
        apart = [a for a in nodes if not any(self.taxonomy.is_ancestor(a, b) for b in nodes)]
        return min(nodes_of, key=lambda name: (nodes_of[name], name)), tuple(apart)

    def arrays(self) -> dict[str, Array]:
        """All of it but the products, which are quickly made, to be kept in a file and given to `Taxonomy.index`."""
        parts = {
            "skeletons": self.skeletons.arrays(),
            "words": self.words.table.arrays(),
            "cuts": self.words.cuts.arrays(),
            "ends": self.words.ends.arrays(),
            "groups": self.groups.table.arrays(),
        }
        found = {f"{name}_{part}": array for name, arrays in parts.items() for part, array in arrays.items()}
        return found | {"letters": self.words.letters}

    @cached_property
    def skeletons(self) -> Table:
        """Skeleton → names."""
        return self._table("skeletons") or build_table(
            (text, number) for number, text in enumerate(skeletons(self.names))
        )

    @cached_property
    def words(self) -> WordIndex:
        """The words of all names, for misspellings."""
        table = self._key_table("words") or build_words(self.names)
        letters = self._stored.get("letters")
        return WordIndex(
            table=table,
            cuts=self._table("cuts") or index_cuts(table.keys),
            ends=self._table("ends") or index_ends(table.keys),
            letters=letter_sets(table.keys) if letters is None else letters,
        )

    @cached_property
    def groups(self) -> GroupNouns:
        """The taxonomy's group nouns, by rule."""
        table = self._key_table("groups")
        return GroupNouns(table) if table else find_group_nouns(self.taxonomy)

    @cached_property
    def products(self) -> ProductNames:
        """Names without model years and body styles."""
        return ProductNames((node, normalize(text)) for node in range(self.taxonomy.n) for text in self.texts(node))

    def texts(self, node: int) -> Iterator[str]:
        """All names of a node that texts may use."""
        if node or self.taxonomy.names[0] != UNNAMED_ROOT:
            yield self.taxonomy.names[node]
        yield from self.taxonomy.other_names(node)

    def _table(self, name: str) -> Table | None:
        return stored_table(self._stored, name) if self._stored else None

    def _key_table(self, name: str) -> KeyTable | None:
        return stored_key_table(self._stored, name) if self._stored else None


def stored_table(arrays: Mapping[str, Array], name: str) -> Table:
    """Skeletons, cuts or ends out of `NameIndex.arrays`."""
    return Table(*(arrays[f"{name}_{part}"] for part in Table.PARTS))


def stored_key_table(arrays: Mapping[str, Array], name: str) -> KeyTable:
    """Words or group nouns out of `NameIndex.arrays`."""
    return KeyTable.of({part: arrays[f"{name}_{part}"] for part in KeyTable.PARTS})


@lru_cache(maxsize=8)
def index_of(taxonomy: Taxonomy) -> NameIndex:
    """The index of a taxonomy; those of the last eight are kept."""
    return NameIndex(taxonomy)

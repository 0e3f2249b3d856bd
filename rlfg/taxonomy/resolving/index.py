"""What the resolver looks up in a taxonomy besides exact names; each part is built when it is first needed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import final

from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.resolving.csr import Table, build_table
from rlfg.taxonomy.resolving.groups import GroupNouns, find_group_nouns
from rlfg.taxonomy.resolving.products import ProductNames
from rlfg.taxonomy.resolving.spelling import skeleton
from rlfg.taxonomy.resolving.wordindex import WordIndex
from rlfg.taxonomy.tree import UNNAMED_ROOT, Taxonomy


@final
class NameIndex:
    """Skeletons, group nouns, products and words of one taxonomy's names."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        """Builds nothing yet."""
        self.taxonomy = taxonomy

    def spelled(self, words: list[str]) -> tuple[str, tuple[int, ...]] | None:
        """The name that these words write in another way, and the taxa it names; None without one.

        Names that differ only in such ways of writing are all meant: the candidates of each are joined.
        """
        wanted = skeleton(words)
        names = {text: None for node in self._skeletons.get(wanted) for text in self._written(node, wanted)}
        if not names:
            return None
        nodes = sorted({node for name in names for node in self.taxonomy.lookup(name)})
        apart = [a for a in nodes if not any(self.taxonomy.is_ancestor(a, b) for b in nodes)]
        return next(iter(names)), tuple(apart)

    def texts(self, node: int) -> Iterator[str]:
        """All names of a node that texts may use."""
        if node or self.taxonomy.names[0] != UNNAMED_ROOT:
            yield self.taxonomy.names[node]
        yield from self.taxonomy.other_names(node)

    @cached_property
    def groups(self) -> GroupNouns:
        """The taxonomy's group nouns, by rule."""
        return find_group_nouns(self.taxonomy)

    @cached_property
    def words(self) -> WordIndex:
        """The words of all names, for misspellings."""
        return WordIndex((node, normalize(text)) for node in range(self.taxonomy.n) for text in self.texts(node))

    @cached_property
    def products(self) -> ProductNames:
        """Names without model years and body styles."""
        return ProductNames((node, normalize(text)) for node in range(self.taxonomy.n) for text in self.texts(node))

    @cached_property
    def _skeletons(self) -> Table:
        return build_table(
            (skeleton(normalize(text).split()), node) for node in range(self.taxonomy.n) for text in self.texts(node)
        )

    def _written(self, node: int, wanted: str) -> Iterator[str]:
        return (text for text in self.texts(node) if skeleton(normalize(text).split()) == wanted)


@lru_cache(maxsize=8)
def index_of(taxonomy: Taxonomy) -> NameIndex:
    """The index of a taxonomy; those of the last eight are kept."""
    return NameIndex(taxonomy)

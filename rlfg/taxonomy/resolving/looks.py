"""Ways to look up a run of words: as it stands, written otherwise, as a group noun, as a product, as a misspelling."""

from __future__ import annotations

from dataclasses import dataclass

from rlfg.taxonomy.resolving import words as known
from rlfg.taxonomy.resolving.fuzzy import misspelt
from rlfg.taxonomy.resolving.index import NameIndex
from rlfg.taxonomy.resolving.model import STATUS_OF_KIND, Status
from rlfg.taxonomy.resolving.profiles import Profile
from rlfg.taxonomy.tree import NameKind, Taxonomy

_KINDS: dict[NameKind, str] = {"name": "the name", "synonym": "a synonym", "vernacular": "a common name"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Taxa that a run of words names."""

    nodes: tuple[int, ...]
    how: str
    """One step of the trace."""
    group: bool = False
    """A group noun: all of the nodes together."""
    status: Status = "parsed"
    """That of a text that has no other words."""


def as_it_stands(index: NameIndex, profile: Profile, words: list[str]) -> Found | None:
    """A name, synonym or common name of the taxonomy."""
    taxonomy, text = index.taxonomy, " ".join(words)
    nodes = taxonomy.by_name.find(text)
    if not nodes:
        return None
    kinds = {taxonomy.name_kind(node, text) for node in nodes}
    if len(nodes) == 1:
        (kind,) = kinds
        how = f"{_KINDS[kind]} of {taxonomy.describe(nodes[0])}"
        return Found(nodes=nodes, how=how, status=STATUS_OF_KIND[kind])
    if kinds == {"vernacular"} and not any(is_leaf(taxonomy, node) for node in nodes):
        return Found(nodes=nodes, how=f"a group noun: {_list(taxonomy, nodes)}", group=True, status="vernacular")
    how = f"a name of {len(nodes)} taxa: {'; '.join(_place(taxonomy, node) for node in nodes)}"
    return Found(nodes=nodes, how=how, status="ambiguous")


def written_otherwise(index: NameIndex, profile: Profile, words: list[str]) -> Found | None:
    """A name glued, cut, in the plural or possessive, or in another spelling."""
    hit = index.spelled(words)
    if hit is None:
        return None
    name, nodes = hit
    known_as = as_it_stands(index, profile, name.split())
    group = known_as is not None and known_as.group and known_as.nodes == nodes
    how = f'another way to write "{name}": {_list(index.taxonomy, nodes)}'
    return Found(nodes=nodes, how=how, group=group, status="parsed" if group or len(nodes) == 1 else "ambiguous")


def group_noun(index: NameIndex, profile: Profile, words: list[str]) -> Found | None:
    """A group noun by rule, where the profile has any."""
    if not profile.group_nouns or len(words) > 2:
        return None
    nodes = index.groups.get(words)
    if not nodes or index.spelled(words):
        return None
    group = len(nodes) > 1 or is_leaf(index.taxonomy, nodes[0])
    how = f"a group noun, by the last word of English names: {_list(index.taxonomy, nodes)}"
    return Found(nodes=nodes, how=how, group=group, status="vernacular")


def domain_noun(index: NameIndex, profile: Profile, words: list[str]) -> Found | None:
    """A noun for a whole domain ("puppy") whose usual noun ("dog") names a taxon."""
    noun = known.SAME_NOUN.get(words[0]) if len(words) == 1 else None
    nodes = index.taxonomy.lookup(noun) if noun else ()
    return Found(nodes=nodes, how=f'a word for "{noun}"') if len(nodes) == 1 else None


def breed(index: NameIndex, profile: Profile, words: list[str]) -> Found | None:
    """A name of a dog or cat whose last word says so and is left out: "German Shepherd" of "German Shepherd Dog"."""
    taxonomy = index.taxonomy
    for noun in ("dog", "cat") if profile.sex_and_age and known.NEUTRAL.isdisjoint(words) else ():
        kinds = taxonomy.lookup(noun)
        nodes = taxonomy.by_name.find(" ".join([*words, noun])) if kinds else ()
        if len(nodes) == 1 and any(taxonomy.is_ancestor(kind, nodes[0]) for kind in kinds):
            return Found(nodes=nodes, how=f'without its "{noun}", a name of {taxonomy.describe(nodes[0])}')
    return None


def product(index: NameIndex, profile: Profile, words: list[str]) -> Found | None:
    """A product's name, where the profile has any."""
    match = index.products.find(index.taxonomy, words) if profile.products else None
    if match is None:
        return None
    how = f"{match.how}: {_list(index.taxonomy, match.nodes)}"
    status: Status = "parsed" if match.group or len(match.nodes) == 1 else "ambiguous"
    return Found(nodes=match.nodes, how=how, group=match.group, status=status)


def misspelling(index: NameIndex, profile: Profile, words: list[str]) -> Found | None:
    """A misspelt name, where the profile reads any."""
    hit = misspelt(index, words) if profile.fuzzy else None
    if hit is None:
        return None
    name, nodes = hit
    how = f'misspells "{name}": {_list(index.taxonomy, nodes)}'
    return Found(nodes=nodes, how=how, status="fuzzy" if len(nodes) == 1 else "ambiguous")


def is_leaf(taxonomy: Taxonomy, node: int) -> bool:
    """Whether a node has no children: the first child would be the next node."""
    return node + 1 == taxonomy.n or int(taxonomy.parent[node + 1]) != node


def _list(taxonomy: Taxonomy, nodes: tuple[int, ...]) -> str:
    shown = "; ".join(taxonomy.describe(node) for node in nodes[:8])
    return shown if len(nodes) <= 8 else f"{shown} and {len(nodes) - 8} more"


def _place(taxonomy: Taxonomy, node: int) -> str:
    """Words that tell namesakes apart."""
    above = int(taxonomy.parent[node])
    return taxonomy.describe(node) if above < 0 else f"{taxonomy.describe(node)} in {taxonomy.describe(above)}"

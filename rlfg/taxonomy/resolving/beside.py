"""The words beside a name: which may be left out, which must fit the taxon, and ranks said aloud."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.resolving import words as known
from rlfg.taxonomy.resolving.index import NameIndex
from rlfg.taxonomy.resolving.looks import Found, is_leaf
from rlfg.taxonomy.resolving.products import is_year
from rlfg.taxonomy.resolving.profiles import Profile
from rlfg.taxonomy.tree import Taxonomy

MOST_NAME_WORDS = 12


def windows(profile: Profile, words: list[str]) -> list[tuple[int, int]]:
    """Where a name may start and end, such that only words that may stand beside it are left out; longest first."""
    starts = _starts(profile, words)
    ends = [len(words)]
    while ends[-1] > 1 and _may_trail(profile, words[ends[-1] - 1]):
        ends.append(ends[-1] - 1)
    spans = [(start, end) for start in starts for end in ends if 0 < end - start <= MOST_NAME_WORDS]
    return sorted(spans, key=lambda span: (span[0] - span[1], span[0])) if len(spans) > 1 else spans


def is_filler(profile: Profile, words: list[str]) -> bool:
    """Whether all words may stand beside a name and none is a noun that could be a taxon."""
    return all((_may_lead(profile, word) or _may_trail(profile, word)) and word not in known.NOUNS for word in words)


def is_generic(profile: Profile, words: list[str]) -> bool:
    """Whether words name at most a whole domain: "the bird"."""
    return all(_may_lead(profile, word) for word in words)


def fits(index: NameIndex, found: Found, left: list[str], right: list[str], *, noun: bool = False) -> bool:
    """Whether what stands beside a name can be said of its taxa: "Mallard duck" and not "Cardinal flower" of a bird.

    `noun`: the name itself is a noun for a whole domain, of which any has such looks ("a cute kitten").
    """
    taxonomy = index.taxonomy
    for word in (*left, *right):
        if word in known.NOUNS and not all(_is_a(index, node, word) for node in found.nodes):
            return False
        if word in (known.SIZES if noun else known.NEUTRAL) and any(
            node and not is_leaf(taxonomy, node) for node in found.nodes
        ):
            return False
    return True


def at_stated_rank(taxonomy: Taxonomy, found: Found, left: list[str], right: list[str]) -> tuple[int, ...]:
    """The taxa meant where a rank is said: namesakes of that rank; of "the gull family", the families above."""
    nodes = found.nodes
    if (rank := _rank(reversed(left))) and rank in taxonomy.ranks:
        nodes = _of_rank(taxonomy, nodes, rank, same_name=True) or nodes
    if (rank := _rank(right)) and rank in taxonomy.ranks and rank not in ("species", "subspecies"):
        nodes = _of_rank(taxonomy, nodes, rank, same_name=False) or nodes
    return nodes


def _starts(profile: Profile, words: list[str]) -> list[int]:
    starts, at = [0], 0
    while at < len(words) - 1:
        phrase = (
            known.LEADING_PHRASES.match(" ".join([*words[at : at + 12], ""])) if words[at] in known.OPENERS else None
        )
        if phrase and phrase.end() > 1:
            at += phrase.group().count(" ")
        elif _may_lead(profile, words[at]):
            at += 1
        else:
            break
        starts.append(at)
    return starts


def _may_lead(profile: Profile, word: str) -> bool:
    return word in _leading(profile.sex_and_age, profile.ranks, profile.products) or (
        not profile.products and is_year(word)
    )


def _may_trail(profile: Profile, word: str) -> bool:
    return word in _trailing(profile.sex_and_age, profile.ranks) or (not profile.products and is_year(word))


@cache
def _leading(sex_and_age: bool, ranks: bool, products: bool) -> frozenset[str]:
    return (known.LEADING | known.NEUTRAL | known.NOUNS).union(
        known.SEX_AND_AGE if sex_and_age else (),
        known.RANKS if ranks else (),
        known.COLOURS_AND_AGES if products else (),
    )


@cache
def _trailing(sex_and_age: bool, ranks: bool) -> frozenset[str]:
    return (known.TRAILING | known.NOUNS).union(
        known.SEX_AND_AGE | known.YOUNG_AND_SEXED if sex_and_age else (), known.RANKS if ranks else ()
    )


def _is_a(index: NameIndex, node: int, noun: str) -> bool:
    """Whether a noun can be said of a taxon: it names one above it, or belongs to the domain of one above it.

    Any noun can be said under a root without a name, and of young any that names no other taxon.
    """
    taxonomy = index.taxonomy
    lineage = taxonomy.lineage(node)
    if named := taxonomy.lookup(noun) or taxonomy.lookup(known.SAME_NOUN.get(noun, "")):
        return any(above in lineage for above in named)
    if noun in known.YOUNG_AND_SEXED:
        return True
    names = [normalize(text) for above in lineage for text in index.texts(above)]
    domains = [known.NOUNS_OF[name] for name in names if name in known.NOUNS_OF]
    return any(noun in nouns for nouns in domains) if domains else not any(True for _ in index.texts(0))


def _rank(words: Iterable[str]) -> str | None:
    """The first rank among the words."""
    word = next((word for word in words if word in known.RANKS), None)
    return known.RANK_OF.get(word, word) if word else None


def _of_rank(taxonomy: Taxonomy, nodes: tuple[int, ...], rank: str | None, *, same_name: bool) -> tuple[int, ...]:
    """Of each lineage the taxon of that rank, if it bears the same name or that is not asked."""
    names = {normalize(taxonomy.names[node]) for node in nodes}
    return tuple(
        sorted(
            {
                above
                for node in nodes
                for above in taxonomy.lineage(node)
                if taxonomy.ranks[above] == rank
                and (above == node or not same_name or normalize(taxonomy.names[above]) in names)
            }
        )
    )

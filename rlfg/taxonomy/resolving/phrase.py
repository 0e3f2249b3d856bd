"""One phrase that names one thing: windows of its words are looked up, and every other word must be of a known kind.

A word that is not known ("pink-bellied", "Blackburnian") leaves the phrase without a taxon, however familiar the rest.
"""

from __future__ import annotations

from collections.abc import Callable

from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.resolving import looks
from rlfg.taxonomy.resolving import words as known
from rlfg.taxonomy.resolving.beside import at_stated_rank, fits, windows
from rlfg.taxonomy.resolving.index import NameIndex
from rlfg.taxonomy.resolving.looks import Found
from rlfg.taxonomy.resolving.model import Resolution, Status
from rlfg.taxonomy.resolving.profiles import Profile

MOST_WINDOWS = 48
"""So many windows of a phrase are looked up, the longest first."""
_Look = Callable[[NameIndex, Profile, list[str]], Found | None]
_LOOKS: tuple[_Look, ...] = (
    looks.as_it_stands, looks.written_otherwise, looks.group_noun, looks.domain_noun, looks.breed, looks.product,
)  # fmt: skip


def read_phrase(index: NameIndex, profile: Profile, words: list[str]) -> Resolution | None:
    """The taxon that a phrase of normalised words names, misspellings apart; None without one."""
    spans = windows(profile, words)[:MOST_WINDOWS]
    return _first(index, profile, words, spans, _LOOKS)


def read_misspelt(index: NameIndex, profile: Profile, words: list[str]) -> Resolution | None:
    """The same for a misspelt name: the whole phrase, or what is left without any word that may stand beside it."""
    spans = windows(profile, words)
    return _first(index, profile, words, spans if len(spans) < 3 else [spans[0], spans[-1]], (looks.misspelling,))


def read_name(index: NameIndex, profile: Profile, text: str) -> Resolution | None:
    """The resolution of a text that is itself a name; None if it is none."""
    found = looks.as_it_stands(index, profile, normalize(text).split())
    if found is None:
        return None
    return Resolution(
        status=found.status, candidates=found.nodes, group=found.group, span=text.strip(), trace=(found.how,)
    )


def _first(
    index: NameIndex, profile: Profile, words: list[str], spans: list[tuple[int, int]], ways: tuple[_Look, ...]
) -> Resolution | None:
    for look in ways:
        for start, end in spans:
            found = look(index, profile, words[start:end])
            noun = end == start + 1 and words[start] in known.NOUNS
            if found and fits(index, found, words[:start], words[end:], noun=noun):
                return _resolution(index, profile, found, words, start, end)
    return None


def _resolution(index: NameIndex, profile: Profile, found: Found, words: list[str], start: int, end: int) -> Resolution:
    left, right = words[:start], words[end:]
    nodes = at_stated_rank(index.taxonomy, found, left, right) if profile.ranks else found.nodes
    steps = [found.how]
    if nodes != found.nodes:
        steps.append("by the rank said: " + "; ".join(map(index.taxonomy.describe, nodes)))
    if left or right:
        steps.append(f'apart from "{" ".join([*left, "…", *right])}"')
    group = found.group if nodes == found.nodes else found.group and len(nodes) > 1
    return Resolution(
        status=_status(found, nodes, group, whole=not left and not right),
        candidates=nodes,
        group=group,
        span=" ".join(words[start:end]),
        trace=tuple(steps),
    )


def _status(found: Found, nodes: tuple[int, ...], group: bool, *, whole: bool) -> Status:
    if len(nodes) > 1 and not group:
        return "ambiguous"
    if found.status == "fuzzy" or (whole and nodes == found.nodes):
        return found.status
    return "parsed"

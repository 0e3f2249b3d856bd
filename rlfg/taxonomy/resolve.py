"""From an answer's text to taxa, without seeing the truth: exact names and aliases only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.tree import NameKind, Taxonomy

Status = Literal["exact", "synonym", "vernacular", "ambiguous", "several", "abstain", "unresolved"]

ABSTENTIONS = frozenset({
    "none", "none of the above", "none of these", "nothing", "null", "n a", "no answer", "abstain",
    "unknown", "unsure", "uncertain", "undetermined", "indeterminate", "unidentified", "unidentifiable",
    "cannot tell", "cant tell", "hard to tell", "i have no idea",
})  # fmt: skip
"""Normalised texts that decline to answer."""
ABSTENTION_OPENINGS = (
    "i dont know", "i do not know", "dont know", "do not know", "not sure", "im not sure", "i am not sure",
    "i cannot", "i cant", "i am unable", "im unable", "unable to", "cannot determine", "cannot identify",
    "cannot be", "cant be", "no idea", "impossible to", "it is impossible to", "not possible to",
    "it is not possible to", "not identifiable", "sorry",
)  # fmt: skip
"""Normalised texts that begin with one of these decline, whatever follows."""

_KINDS: dict[NameKind, str] = {"name": "the name", "synonym": "a synonym", "vernacular": "a common name"}
_STATUSES: dict[NameKind, Status] = {"name": "exact", "synonym": "synonym", "vernacular": "vernacular"}
_LIST = re.compile(r"[,;/|\n]|\bor\b", re.IGNORECASE)
_JOINED = re.compile(r"[+&]|\b(?:and|vs|versus)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """What a text names, and how that was found."""

    status: Status
    candidates: tuple[int, ...] = ()
    """One node if "exact", "synonym" or "vernacular" (by the kind of its name); several if "ambiguous" (one name, many
    taxa); the nodes of all options that resolve if "several"; none otherwise."""
    span: str | None = None
    """The part of the text that names the candidates; None if "several" or none was found."""
    trace: tuple[str, ...] = ()
    """The steps, for a person to check."""


def resolve(taxonomy: Taxonomy, text: str) -> Resolution:
    """Find the taxa that a text names.

    In this order: an abstention ("None", "I don't know …"); the whole text as a name or alias; a list
    ("A or B", "A/B", "A, B"), which is "several" options unless all of them name one and the same taxon;
    two taxa joined by "and" or "vs". Anything else is "unresolved".
    """
    key = normalize(text)
    trace = (f'normalised to "{key}"',)
    if _abstains(key):
        return Resolution(status="abstain", trace=(*trace, "declines to answer"))
    if taxonomy.lookup(text):
        return _named(taxonomy, text.strip(), trace)
    if len(options := _split(_LIST, text)) > 1:
        return _list(taxonomy, options, trace)
    if len(options := _split(_JOINED, text)) > 1:
        known = [option for option in options if taxonomy.lookup(option)]
        if len({taxonomy.lookup(option) for option in known}) > 1:
            return _several(taxonomy, known, trace)
    return Resolution(status="unresolved", trace=(*trace, "no name or alias in the taxonomy"))


def _abstains(key: str) -> bool:
    return key in ABSTENTIONS or any(f"{key} ".startswith(f"{opening} ") for opening in ABSTENTION_OPENINGS)


def _named(taxonomy: Taxonomy, span: str, trace: tuple[str, ...]) -> Resolution:
    """The resolution of a text that is a name or an alias."""
    found = taxonomy.lookup(span)
    if len(found) > 1:
        places = "; ".join(_place(taxonomy, node) for node in found)
        step = f"a name of {len(found)} taxa: {places}"
        return Resolution(status="ambiguous", candidates=found, span=span, trace=(*trace, step))
    kind = taxonomy.name_kind(found[0], span)
    step = f"{_KINDS[kind]} of {taxonomy.describe(found[0])}"
    return Resolution(status=_STATUSES[kind], candidates=found, span=span, trace=(*trace, step))


def _list(taxonomy: Taxonomy, options: list[str], trace: tuple[str, ...]) -> Resolution:
    if all(_abstains(normalize(option)) for option in options):
        return Resolution(status="abstain", trace=(*trace, "declines to answer"))
    found = [taxonomy.lookup(option) for option in options]
    if len(found[0]) == 1 and len(set(found)) == 1:
        return _named(taxonomy, options[0], (*trace, f"{len(options)} names of one taxon"))
    return _several(taxonomy, options, trace)


def _several(taxonomy: Taxonomy, options: list[str], trace: tuple[str, ...]) -> Resolution:
    nodes = tuple(dict.fromkeys(node for option in options for node in taxonomy.lookup(option)))
    known = "; ".join(taxonomy.describe(node) for node in nodes) or "none of them in the taxonomy"
    return Resolution(status="several", candidates=nodes, trace=(*trace, f"{len(options)} options: {known}"))


def _split(separator: re.Pattern[str], text: str) -> list[str]:
    return [part.strip() for part in separator.split(text) if normalize(part)]


def _place(taxonomy: Taxonomy, node: int) -> str:
    """Words that tell namesakes apart."""
    above = int(taxonomy.parent[node])
    return taxonomy.describe(node) if above < 0 else f"{taxonomy.describe(node)} in {taxonomy.describe(above)}"

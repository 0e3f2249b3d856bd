"""Scientific names with what belongs to them: authors, subspecies, abbreviated genera, hybrid signs."""

from __future__ import annotations

import re

from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.resolving.index import NameIndex
from rlfg.taxonomy.resolving.looks import is_leaf
from rlfg.taxonomy.resolving.model import Resolution

_AUTHORS = re.compile(
    r"[\s(,]*(?:(?:[A-Z\u00c0-\u00de][\w.\u2019'-]*+|et|ex|and|al\.?|de|von|van|in|&)[\s,)(]*){0,6}(?:\d{4}[a-z]?)?[\s).]*$"
)
_HAS_AUTHOR = re.compile(r"\d{4}|^\W*L\.?\W*$|Linnaeus")
_SUBSPECIES = re.compile(r"(?:subsp|ssp|subspecies|var|cv|f|forma)\.? ?", re.IGNORECASE)
_LATIN_ENDING = re.compile(r"[a-z]{2,}(?:us|a|um|is|i|ae|ensis|oides|or|ens|ans|ix|ax|ys|on|os|o)$")
_ABBREVIATED = re.compile(r"([A-Z])\.? ([a-z]{3,})$")
_HYBRID_SIGN = re.compile(r"\s+(?:x|×|✕)\s+|\s*[×✕]\s*", re.IGNORECASE)
HYBRIDS = frozenset("x×✕")
"""A text without one of these signs has no parents."""
_HYBRID_WORD = re.compile(r"\b(?:hybrid|cross(?:breed)?|mix)\b", re.IGNORECASE)
_BINOMIAL = re.compile(r"([A-Z][a-z\u00e0-\u00ff-]{2,} [a-z\u00e0-\u00ff-]{3,})\b")

MOST_EPITHETS = 1024
"""So many names with an epithet are looked at for one with the right initial."""


def read_scientific(index: NameIndex, text: str) -> Resolution | None:
    """A binomial (or genus with authors) and what belongs to it; None where the text is anything else."""
    text = text.strip()
    if found := _with_rest(index, text) or _hybrid_name(index, text):
        return found
    return (_abbreviated(index, text) or _of_leaf_genus(index, text)) if text[:1].isupper() else None


def hybrid_parents(text: str) -> list[str]:
    """The two parents of a cross ("A x B", "A and B hybrid"); empty where there is none."""
    parts = [part for part in _HYBRID_SIGN.split(_HYBRID_WORD.sub(" ", text)) if normalize(part)]
    return parts if len(parts) == 2 else []


def looks_scientific(text: str) -> bool:
    """Whether a text has the shape of a binomial with Latin endings."""
    match = _BINOMIAL.match(text.strip())
    return match is not None and _LATIN_ENDING.search(match.group(1).split()[1]) is not None


def is_authorship(text: str) -> bool:
    """Whether a text is authors and a year."""
    return _HAS_AUTHOR.search(text) is not None and _AUTHORS.match(text) is not None


def _is_author(rest: str) -> bool:
    """Whether what follows a binomial that is known is authors, be it one word."""
    return _AUTHORS.match(rest) is not None and (" " not in rest or _is_abbreviated_author(rest))


def _is_abbreviated_author(rest: str) -> bool:
    """Whether a text is authors with a year or full stops ("F.H. Wigg.")."""
    return _AUTHORS.match(rest) is not None and ("." in rest or is_authorship(rest))


def _with_rest(index: NameIndex, text: str) -> Resolution | None:
    """The longest scientific name that the text begins with, if the rest is authors, or one more Latin epithet."""
    words = text.split()
    binomial = looks_scientific(" ".join(words[:2]))
    for count in range(min(3, len(words) - 1), 0 if is_authorship(" ".join(words[1:])) else 1, -1):
        if count > 1 and not binomial:
            continue
        name, rest = " ".join(words[:count]).rstrip(","), " ".join(words[count:])
        if not (nodes := index.taxonomy.lookup(name)):
            continue
        status = "parsed" if len(nodes) == 1 else "ambiguous"
        epithet = _SUBSPECIES.sub("", rest)
        if (epithet != rest and " " not in epithet) or _LATIN_ENDING.match(rest):
            step = f'"{epithet}" is not in the taxonomy: its species counts'
        elif _is_author(rest):
            step = f'"{rest}" are its authors'
        else:
            continue
        how = f"the binomial of {'; '.join(map(index.taxonomy.describe, nodes))}"
        return Resolution(status=status, candidates=nodes, span=name, trace=(how, step))  # type: ignore[arg-type]
    return None


def _abbreviated(index: NameIndex, text: str) -> Resolution | None:
    """Reads "L. argentatus", where one binomial alone fits."""
    match = _ABBREVIATED.match(text)
    if match is None:
        return None
    initial, epithet = match.group(1).lower(), normalize(match.group(2))
    nodes = {
        found
        for name in index.names.pick(index.words.names(epithet)[:MOST_EPITHETS].tolist())
        if (words := name.split()) and len(words) == 2 and words[1] == epithet and words[0][0] == initial
        for found in index.taxonomy.lookup(name)
    }
    if len(nodes) != 1:
        return None
    (node,) = nodes
    return Resolution(
        status="parsed",
        candidates=(node,),
        span=text,
        trace=(f"short for the binomial of {index.taxonomy.describe(node)}",),
    )


def _of_leaf_genus(index: NameIndex, text: str) -> Resolution | None:
    """A binomial whose genus is a leaf: the taxonomy goes no further, and the genus counts."""
    genus, *epithet = text.split(maxsplit=2)
    if not epithet or not looks_scientific(text) or (len(epithet) > 1 and not _is_abbreviated_author(epithet[1])):
        return None
    named = index.taxonomy.lookup(genus)
    nodes = tuple(node for node in named if index.taxonomy.name_kind(node, genus) != "vernacular")
    if len(nodes) != 1 or not is_leaf(index.taxonomy, nodes[0]):
        return None
    step = f"{index.taxonomy.describe(nodes[0])} is a leaf: a species of it counts as it"
    return Resolution(status="parsed", candidates=nodes, span=genus, trace=(step,))


def _hybrid_name(index: NameIndex, text: str) -> Resolution | None:
    """Reads "Mentha × piperita": a name that the taxonomy has without the sign."""
    plain = text if HYBRIDS.isdisjoint(text.lower()) else _HYBRID_SIGN.sub(" ", text)
    nodes = index.taxonomy.lookup(plain) if plain != text else ()
    if len(nodes) != 1:
        return None
    how = f"without the hybrid sign, a name of {index.taxonomy.describe(nodes[0])}"
    return Resolution(status="parsed", candidates=nodes, span=plain.strip(), trace=(how,))

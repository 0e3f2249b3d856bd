"""Skeletons: one form for the ways a name is written: glued or hyphenated, singular or plural, grey or gray."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from rlfg.taxonomy.names import normalize

_IRREGULAR = {
    "geese": "goose", "mice": "mouse", "wolves": "wolf", "calves": "calf", "leaves": "leaf", "irises": "iris",
    "oxen": "ox", "children": "child", "st": "saint", "mt": "mount", "vw": "volkswagen", "chevy": "chevrolet",
    "labrador": "labrador", "lab": "lab",
}  # fmt: skip
_VARIANTS = (
    ("grai", "grei"), ("colour", "color"), ("sulphur", "sulfur"), ("vermillion", "vermilion"), ("moustach", "mustach"),
    ("centre", "center"), ("harbour", "harbor"), ("armour", "armor"), ("mercedesbenz", "mercedes"), ("jewell", "jewel"),
)  # fmt: skip
_PLURAL_E = re.compile("(?:ch|sh|[xzo])e$")


@lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """A normalised word without a plural or possessive s ("brewers", "finches" and "canaries" lose theirs).

    "ies" and "y" both end in "i"; words of up to three letters stay as they are.
    """
    word = _IRREGULAR.get(word, word)
    if len(word) < 4:
        return word
    bare = word.rstrip("s")
    if len(bare) < 2:
        return word
    if _PLURAL_E.search(bare) or bare.endswith("ie"):
        bare = bare[:-1]
    return bare[:-1] + "i" if bare.endswith("y") else bare


def skeleton(words: list[str]) -> str:
    """Stems run together, with the commonest variant spellings made one.

    Args:
        words: of a normalised text.
    """
    return _made_one("".join(map(stem, words)))


def skeletons(names: Iterable[str]) -> Iterator[str]:
    """Those of many normalised names; each distinct word is looked at once."""
    known = _Stems()
    for name in names:
        yield _made_one("".join(map(known.__getitem__, name.split())))


class _Stems(dict[str, str]):
    def __missing__(self, word: str) -> str:
        found = self[word] = stem(word)
        return found


def _made_one(glued: str) -> str:
    glued = glued.replace("y", "i")  # in "lady bug" the y ends a word, in "ladybug" it does not
    for variant, chosen in _VARIANTS:
        if variant in glued:
            glued = glued.replace(variant, chosen)
    return glued


def stems(text: str) -> list[str]:
    """The words of any text, each with its stem's spelling made one."""
    return [skeleton([word]) for word in normalize(text).split()]

"""Misspellings: a typo must match, an invented name beside a real one must not.

A text misspells a name if both have the same words in the same order, save for one or two of them which are each a word
that no name has and no common name uses otherwise ("Eastern"), begin with the same letter and lie within `allowance`
edits. Two words may be misspelt only in a name of three or more, and one name must be nearer than all others.
"""

from __future__ import annotations

from functools import reduce
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from rlfg.taxonomy.packed import Array, utf8
from rlfg.taxonomy.resolving.index import NameIndex
from rlfg.taxonomy.resolving.spelling import stem
from rlfg.taxonomy.resolving.wordset import word_set

MOST_WORDS = 8
MOST_GLUED = 4
MOST_LONGER = 12
"""A name that is looked for glued has at most so many bytes more than the text."""
FEW_NAMES = 8
"""So many names are read rather than looked for under the other words."""
GLUED_LENGTH = 12
"""Shortest run of letters in which one edit is forgiven where words are also glued or cut."""
REAL_WORDS = word_set(
    """
    black white brown green blue yellow orange purple violet golden silver scarlet crimson olive bronze copper ruby
    emerald pink grey gray rufous chestnut cinnamon ashy dusky sooty buff tawny ochre azure cobalt ivory pale dark
    bright striped spotted barred streaked banded masked hooded crested tufted horned collared ringed speckled
    mottled marbled painted bearded winged tailed headed backed bellied breasted billed throated crowned capped
    necked fronted faced cheeked browed eared footed legged toed rumped vented sided shouldered naped eyed northern
    southern eastern western central common greater lesser great little small large giant dwarf pygmy least royal
    house field forest river marsh water mountain desert island coast ocean beach arctic antarctic american african
    asian european australian canadian mexican indian chinese japanese russian california florida carolina hawaiian
    pacific atlantic tropical alpine prairie meadow spring summer autumn winter evening morning snow stone sandy
    rocky cactus bush grass canyon swamp heron goose finch eagle eastern robin martin swift sparrow warbler wagtail
    thrush trogon falcon
    """
)
"""Words that stand in names of their own: never read as misspellings of others."""


def misspelt(index: NameIndex, words: list[str]) -> tuple[str, tuple[int, ...]] | None:
    """The one name that these words misspell, and the taxa it names; None if there is none, or more than one."""
    if not words or len(words) > MOST_WORDS:
        return None
    options = list(takewhile(bool, (_options(index, word) for word in words)))
    if len(options) < len(words):
        return _glued(index, words)
    wrong = sum(option != [word] for option, word in zip(options, words, strict=True))
    if not 1 <= wrong <= (2 if len(words) > 2 else 1):
        return None
    return _one(index, words, _names_with(index, options))


def _options(index: NameIndex, word: str) -> list[str]:
    """The word itself if names have it, else the words that it may misspell."""
    like = index.words.like(word)
    return [] if like != [word] and (word in REAL_WORDS or stem(word) in REAL_WORDS) else like


def _names_with(index: NameIndex, options: list[list[str]]) -> list[str]:
    """Names made of one option of each word, in order."""
    names = index.names.pick(_numbers_with(index, options)[: index.words.most_names].tolist())
    return [name for name in dict.fromkeys(names) if _fits(name.split(), options)]


def _numbers_with(index: NameIndex, options: list[list[str]]) -> Array:
    """Names that have one option of each word, in any order."""
    holders = [[index.words.names(word) for word in option] for option in options]
    rarest, *others = sorted(holders, key=lambda arrays: sum(map(len, arrays)))
    found = np.concatenate(rarest) if len(rarest) > 1 else rarest[0]
    for arrays in others:
        if len(found) <= FEW_NAMES:
            break
        found = found[reduce(np.logical_or, (_are_in(array, found) for array in arrays))]
    return found


def _are_in(ordered: Array, wanted: Array) -> NDArray[np.bool_]:
    """Which of `wanted` are in a sorted array."""
    places = ordered.searchsorted(wanted)
    places[places == len(ordered)] = 0
    return np.asarray(ordered[places] == wanted)


def _fits(words: list[str], options: list[list[str]]) -> bool:
    return len(words) == len(options) and all(word in option for word, option in zip(words, options, strict=True))


def _one(index: NameIndex, words: list[str], names: list[str]) -> tuple[str, tuple[int, ...]] | None:
    """The nearest of the names, if one taxon is nearest."""
    text = " ".join(words)
    by_distance: dict[int, dict[tuple[int, ...], str]] = {}
    for name in names:
        by_distance.setdefault(OSA.distance(text, name), {}).setdefault(index.taxonomy.by_name.find(name), name)
    if not by_distance or len(nearest := by_distance[min(by_distance)]) > 1:
        return None
    ((found, name),) = nearest.items()
    return (name, found) if found else None


def _glued(index: NameIndex, words: list[str]) -> tuple[str, tuple[int, ...]] | None:
    """One edit in a text that also glues or cuts the words of a name: some of its words must be right or nearly so.

    A letter by itself is a word, not a slip: "Cessna Citation X" is no Cessna Citation.
    """
    glued = "".join(words)
    if len(words) > MOST_GLUED or min(map(len, words)) == 1 or len(glued) < GLUED_LENGTH or not glued.isalpha():
        return None
    known = [names for names in map(index.words.names, words) if len(names)]
    known = known or [index.words.names(like) for word in words for like in index.words.like(word)]
    if not known:
        return None
    rarest = min(known, key=len)
    if len(rarest) > FEW_NAMES:
        least = len(utf8(glued)) - 4
        rarest = index.names.of_length(rarest, least, least + 4 + MOST_LONGER)[: index.words.most_names]
        rarest = index.names.starting(rarest, utf8(glued)[0])
    near = [
        name
        for name in index.names.pick(rarest.tolist())
        if name[0] == glued[0]
        and name.count(" ") + 1 != len(words)
        and OSA.distance(glued, name.replace(" ", ""), score_cutoff=1) <= 1
    ]
    return _one(index, words, near)

"""Which names have a word, and which words are spelled like one: integer arrays over all names."""

from __future__ import annotations

from array import array
from functools import lru_cache
from typing import final

import numpy as np
from rapidfuzz.distance import OSA

from rlfg.taxonomy.keytable import KeyTable, every, key_table
from rlfg.taxonomy.packed import Array, Texts, offsets
from rlfg.taxonomy.packing import pack
from rlfg.taxonomy.resolving.csr import Table, build_table, distinct

LIKE_WORDS = 256
"""At most so many words with the same beginning or end are compared with a misspelt one."""
LIKE_NAMES = 256
"""At most so many names with the right words are compared with a text."""


def allowance(length: int) -> int:
    """Edits (a swap of neighbours counts as one) that are still a misspelling of a word of this length.

    None in words of up to four letters, where another word is one edit away ("Pine", "Pink"); one up to eight; two
    beyond.
    """
    return 0 if length <= 4 else 1 if length <= 8 else 2


@final
class WordIndex:
    """The distinct words of all names, numbered as the keys of `table`, the names that have them, and their ends.

    A word is compared with all that one edit away from it may be, by `cuts`. If there is none, a long one is compared
    with those that begin with the same letter and share four letters at one end or two at both, and that have nearly
    the same letters. `exhaustive` compares all, to measure what the ends and the caps lose.
    """

    def __init__(self, *, table: KeyTable, cuts: Table, ends: Table, letters: Array, exhaustive: bool = False) -> None:
        """Reads what `build_words`, `index_cuts`, `index_ends` and `letter_sets` make."""
        self.table, self.cuts, self.ends, self.letters = table, cuts, ends, letters
        self.exhaustive = exhaustive
        self.most_names = 1 << 30 if exhaustive else LIKE_NAMES
        self.like = lru_cache(maxsize=1 << 13)(self._like)

    def __contains__(self, word: str) -> bool:
        """Whether any name has this word."""
        return self.table.place(word) is not None

    def names(self, word: str) -> Array:
        """The names that have this word, by number, ascending."""
        return self.table.array(word)

    def _like(self, word: str) -> list[str]:
        """The words that `word` may misspell: the same first letter and few edits, the nearest ones only.

        A word of a name is itself the nearest.
        """
        if word in self:
            return [word]
        edits = allowance(len(word))
        if not edits or len(word) > 40 or not word.isalpha():
            return []
        if self.exhaustive:
            return _nearest(word, list(self.table.keys), edits)
        found = _nearest(word, self._one_away(word), 1)
        return found or (_nearest(word, self._two_away(word), 2) if edits == 2 else [])

    def _one_away(self, word: str) -> list[str]:
        found = [numbers.tolist() for numbers in map(self.cuts.get, _cuts(word)) if len(numbers)]
        numbers = {number for some in found for number in some}
        return self.table.keys.pick(sorted(numbers)[:LIKE_WORDS])

    def _two_away(self, word: str) -> list[str]:
        numbers = np.concatenate([self.ends.get(end) for end in _ends(word)])
        differing = np.bitwise_count(self.letters[numbers] ^ np.uint64(_letter_set(word)))
        return self.table.keys.pick(np.unique(numbers[differing <= 4])[:LIKE_WORDS].tolist())


def _nearest(word: str, others: list[str], edits: int) -> list[str]:
    near = [
        (other, distance)
        for other in others
        if other[0] == word[0]
        and (distance := OSA.distance(word, other, score_cutoff=edits)) <= min(edits, allowance(len(other)))
    ]
    least = min((distance for _, distance in near), default=0)
    return sorted(other for other, distance in near if distance == least)


def build_words(names: Texts) -> KeyTable:
    """Word → numbers of the names that have it."""
    number: dict[str, int] = {}
    pairs = array("Q")
    for i, name in enumerate(names):
        pairs.extend([number.setdefault(word, len(number)) << 32 | i for word in name.split()])
    words = key_table(pack(number), np.arange(len(number), dtype=np.int32), every)
    place = np.empty(len(number), dtype=np.uint64)
    place[words.nodes] = np.arange(len(number), dtype=np.uint64)
    both = np.frombuffer(pairs, dtype=np.uint64) if pairs else np.empty(0, dtype=np.uint64)
    both = distinct(place[both >> np.uint64(32)] << np.uint64(32) | both & np.uint64(0xFFFFFFFF))
    counts = np.bincount((both >> np.uint64(32)).astype(np.int64), minlength=len(number))
    return KeyTable(words.keys, words.buckets, offsets(counts), (both & np.uint64(0xFFFFFFFF)).astype(np.int32))


def index_cuts(words: Texts) -> Table:
    """Words, and words without one of their letters → numbers: two words one edit apart share one of these."""
    return build_table(
        (cut, number) for number, word in enumerate(words) if allowance(len(word)) for cut in _cuts(word)
    )


def _cuts(word: str) -> list[str]:
    return [word, *(word[:i] + word[i + 1 :] for i in range(len(word)))]


def index_ends(words: Texts) -> Table:
    """Beginnings and ends of long words → numbers of the words that have them."""
    long = ((number, word) for number, word in enumerate(words) if allowance(len(word)) == 2)
    return build_table((end, number) for number, word in long for end in _ends(word))


def _ends(word: str) -> tuple[str, ...]:
    return f"^{word[:4]}", f"^{word[0]}{word[-4:]}$", f"^{word[:2]}{word[-2:]}$"


def letter_sets(words: Texts) -> Array:
    """(words,) uint64: which letters, modulo 32, each word has once, and twice.

    One edit sets at most one of the bits, and clears at most one.
    """
    return np.fromiter(map(_letter_set, words), dtype=np.uint64, count=len(words))


def _letter_set(word: str) -> int:
    once = twice = 0
    for letter in word:
        bit = 1 << ord(letter) % 32
        twice |= once & bit
        once |= bit
    return twice << 32 | once

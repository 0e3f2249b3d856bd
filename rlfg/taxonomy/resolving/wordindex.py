"""Which names have a word, and which words are spelled like one: integer arrays over all names."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import final

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from rlfg.taxonomy.keytable import KeyTable, every, key_table
from rlfg.taxonomy.packed import Array, Texts, offsets, pack
from rlfg.taxonomy.resolving.csr import Table, build_table, distinct

LIKE_WORDS = 256
"""At most so many words with the same beginning or end are compared with a misspelt one."""
LIKE_NAMES = 256
"""At most so many names with the right words are compared with a text."""
_LONG = 8
"""Words from this length on share four letters at an end rather than three."""


def allowance(length: int) -> int:
    """Edits (a swap of neighbours counts as one) that are still a misspelling of a word of this length.

    None in words of up to four letters, where another word is one edit away ("Pine", "Pink"); one up to eight; two
    beyond.
    """
    return 0 if length <= 4 else 1 if length <= 8 else 2


@final
class WordIndex:
    """The distinct words of all names, numbered as the keys of `table`, the names that have them, and their ends.

    Words are compared only if they begin with the same letter and also share three letters at one end (four if long)
    or two at both (short ones: at the end), and if few letters are in only one of them. `exhaustive` compares all, to
    measure what the ends and the caps lose; the letters lose nothing.
    """

    def __init__(self, table: KeyTable, ends: Table, letters: Array, *, exhaustive: bool = False) -> None:
        """Reads what `build_words`, `index_ends` and `letter_sets` make."""
        self.table, self.ends, self.letters = table, ends, letters
        self.exhaustive = exhaustive
        self.most_names = 1 << 30 if exhaustive else LIKE_NAMES
        self.like = lru_cache(maxsize=1 << 13)(self._like)

    def __contains__(self, word: str) -> bool:
        """Whether any name has this word."""
        return self.table.place(word) is not None

    def names(self, word: str) -> Sequence[int]:
        """The names that have this word, by number."""
        return self.table.find(word)

    def _like(self, word: str) -> list[str]:
        """The words that `word` may misspell: the same first letter and few edits, the nearest ones only."""
        edits = allowance(len(word))
        if not edits or len(word) > 40 or not word.isalpha():
            return []
        alike = [w for w in self._alike(word, edits) if w[0] == word[0] and abs(len(w) - len(word)) <= edits]
        if not self.exhaustive:
            alike = alike[:LIKE_WORDS]
        found = extract(word, alike, scorer=OSA.distance, score_cutoff=edits, limit=None)
        near = [(hit[0], hit[1]) for hit in found if hit[1] <= allowance(len(hit[0]))]
        least = min((distance for _, distance in near), default=0)
        return sorted(other for other, distance in near if distance == least)

    def _alike(self, word: str, edits: int) -> Iterable[str]:
        words = self.table.keys
        if self.exhaustive:
            return words
        numbers = np.concatenate([self.ends.get(end) for end in _asked_ends(word)])
        differing = np.bitwise_count(self.letters[numbers] ^ np.uint64(_letter_set(word)))
        return [words[number] for number in dict.fromkeys(numbers[differing <= 2 * edits].tolist())]


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


def index_ends(words: Texts) -> Table:
    """Beginnings and ends → numbers of the words that have them."""
    return build_table((end, number) for number, word in enumerate(words) for end in _indexed_ends(word))


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


def _indexed_ends(word: str) -> tuple[str, ...]:
    if not allowance(len(word)):
        return ()
    first = word[0]
    ends = (
        f"^{word[:3]}", f"^{word[:4]}", f"^{first}{word[-3:]}$", f"^{first}{word[-4:]}$", f"^{word[:2]}{word[-2:]}$"
    )  # fmt: skip
    return (*ends, f"^{first}{word[-2:]}$") if len(word) < _LONG else ends


def _asked_ends(word: str) -> tuple[str, ...]:
    n = 4 if len(word) >= _LONG else 3
    first = word[0]
    ends = f"^{word[:n]}", f"^{first}{word[-n:]}$", f"^{word[:2]}{word[-2:]}$"
    return (*ends, f"^{first}{word[-2:]}$") if len(word) < _LONG else ends

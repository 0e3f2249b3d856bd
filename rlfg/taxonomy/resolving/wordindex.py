"""Which names have a word, and which words are spelled like one: integer arrays over all names."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import final

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from rlfg.taxonomy.resolving.csr import Table, build_table

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
    """The distinct words of all names, their taxa, and their ends.

    Words are compared only if they begin with the same three letters (four in long ones), end with the same, or begin
    and end with the same two (short ones: begin with the same one); `exhaustive` compares all, to measure what that
    and the caps lose.
    """

    def __init__(self, names: Iterable[tuple[int, str]], *, exhaustive: bool = False) -> None:
        """Index (node, normalised name) pairs."""
        self.exhaustive = exhaustive
        self.most_names = 1 << 30 if exhaustive else LIKE_NAMES
        self._words: list[str] = []
        self._number: dict[str, int] = {}
        self._nodes = build_table(self._collect(names))
        self._ends: Table | None = None
        self.like = lru_cache(maxsize=1 << 13)(self._like)

    def __contains__(self, word: str) -> bool:
        """Whether any name has this word."""
        return word in self._number

    def nodes(self, word: str) -> array[int]:
        """The taxa one of whose names has this word."""
        return self._nodes.get(word)

    def _like(self, word: str) -> list[str]:
        """The words that `word` may misspell: the same first letter and few edits, the nearest ones only."""
        edits = allowance(len(word))
        if not edits or len(word) > 40 or not word.isalpha():
            return []
        alike = [
            w for w in self._alike(word) if w[0] == word[0] and allowance(len(w)) and abs(len(w) - len(word)) <= edits
        ]
        if not self.exhaustive:
            alike = alike[:LIKE_WORDS]
        found = extract(word, alike, scorer=OSA.distance, score_cutoff=edits, limit=None)
        near = [(hit[0], hit[1]) for hit in found if hit[1] <= allowance(len(hit[0]))]
        least = min((distance for _, distance in near), default=0)
        return sorted(other for other, distance in near if distance == least)

    def _alike(self, word: str) -> list[str]:
        if self.exhaustive:
            return self._words
        if self._ends is None:
            self._ends = build_table((end, number) for number, w in enumerate(self._words) for end in _indexed_ends(w))
        numbers = {number: None for end in _asked_ends(word) for number in self._ends.get(end)}
        return [self._words[number] for number in numbers]

    def _collect(self, names: Iterable[tuple[int, str]]) -> Iterator[tuple[str, int]]:
        for node, name in names:
            for word in name.split():
                if word not in self._number:
                    self._number[word] = len(self._words)
                    self._words.append(word)
                yield word, node


def _indexed_ends(word: str) -> tuple[str, ...]:
    if not allowance(len(word)):
        return ()
    ends = f"^{word[:3]}", f"{word[-3:]}$", f"^{word[:4]}", f"{word[-4:]}$", f"^{word[:2]}{word[-2:]}$"
    return (*ends, f"^{word[0]}{word[-2:]}$") if len(word) < _LONG else ends


def _asked_ends(word: str) -> tuple[str, ...]:
    n = 4 if len(word) >= _LONG else 3
    ends = f"^{word[:n]}", f"{word[-n:]}$", f"^{word[:2]}{word[-2:]}$"
    return (*ends, f"^{word[0]}{word[-2:]}$") if len(word) < _LONG else ends

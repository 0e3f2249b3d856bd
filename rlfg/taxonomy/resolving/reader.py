"""The order in which a text is read: each step is tried where those before it found nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.resolving import clauses
from rlfg.taxonomy.resolving.beside import is_filler, is_generic
from rlfg.taxonomy.resolving.index import NameIndex
from rlfg.taxonomy.resolving.looks import is_leaf
from rlfg.taxonomy.resolving.model import Resolution, Status, unresolved
from rlfg.taxonomy.resolving.options import agreement, same_taxon, several
from rlfg.taxonomy.resolving.phrase import read_misspelt, read_name, read_phrase
from rlfg.taxonomy.resolving.profiles import Profile
from rlfg.taxonomy.resolving.refusals import abstains, declines
from rlfg.taxonomy.resolving.scientific import HYBRIDS, hybrid_parents, is_authorship, looks_scientific, read_scientific

MOST_LEVELS = 3
"""Options of lists inside clauses inside refusals: what lies deeper is not read."""
_LIST_WORDS = 4
"""Options of a bare list that names no taxon are at most so long; longer ones are a description."""
_Step = Callable[[str, list[str], int], Resolution | None]
"""Of a text, its normalised words and its level."""


@final
class Reader:
    """Reads texts by one taxonomy and profile."""

    def __init__(self, index: NameIndex, profile: Profile) -> None:
        """Keeps both."""
        self.index, self.profile, self.taxonomy = index, profile, index.taxonomy
        self._steps: tuple[tuple[_Step, frozenset[str] | None], ...] = (
            (self._phrase, None),
            (self._refusal, clauses.REFUSALS),
            (self._negation, clauses.NEGATIONS),
            (self._alternatives, clauses.OPTIONS),
            (self._hybrid, HYBRIDS),
            (self._scientific, None),
            (self._glosses, clauses.GLOSSES),
            (self._clauses, clauses.CLAUSES),
            (self._joined, clauses.JOINTS),
            (self._in_a_row, None),
            (self._details, clauses.DETAILS),
            (self._misspelt, None),
        )
        """Each with the signs of which a text must have one, if any is needed."""

    def read(self, text: str, level: int = 0) -> Resolution:
        """The resolution of a text, whose trace says which step found it."""
        key = normalize(text)
        if not key:
            return unresolved("no letter or digit")
        if abstains(key):
            return Resolution(status="abstain", trace=("declines to answer",))
        if found := read_name(self.index, self.profile, text):
            return found
        if level > MOST_LEVELS:
            return unresolved("no name or alias in the taxonomy, as far as it was read")
        if declines(key):
            return self._declined(text, level)
        words = key.split()
        signs = clauses.signs(text, words)
        for step, needed in self._steps:
            if (needed is None or not needed.isdisjoint(signs)) and (found := step(text, words, level)):
                return found
        return unresolved("no name or alias in the taxonomy")

    def _phrase(self, text: str, words: list[str], level: int) -> Resolution | None:
        if found := read_phrase(self.index, self.profile, words):
            return found
        plain = clauses.without_possessives(text)
        return read_phrase(self.index, self.profile, normalize(plain).split()) if plain != text else None

    def _misspelt(self, text: str, words: list[str], level: int) -> Resolution | None:
        plain = clauses.without_possessives(text)
        return read_misspelt(self.index, self.profile, normalize(plain).split() if plain != text else words)

    def _declined(self, text: str, level: int) -> Resolution:
        """A refusal with a guess is the guess."""
        guess = clauses.guess(text)
        found = self.read(guess, level + 1) if guess else None
        if found and (found.named or found.status == "several"):
            return found.after("declines, and yet guesses").then(status=_parsed(found))
        return Resolution(status="abstain", trace=("declines to answer",))

    def _refusal(self, text: str, words: list[str], level: int) -> Resolution | None:
        """A name beside a refusal is the name."""
        cut = clauses.refusing_clauses(text)
        if not cut.parts:
            return None
        found = self.read(cut.rest, level + 1) if normalize(cut.rest) else None
        if found and (found.named or found.status == "several"):
            return found.after("names something beside a refusal").then(status=_parsed(found))
        return Resolution(status="abstain", trace=("declines to answer",))

    def _negation(self, text: str, words: list[str], level: int) -> Resolution | None:
        cut = clauses.negation(text)
        if not cut.parts:
            return None
        denied = f'"{"; ".join(" ".join(part.split()) for part in cut.parts)}" is denied'
        if is_filler(self.profile, normalize(cut.rest).split()):
            return unresolved(denied)
        found = self.read(cut.rest, level + 1)
        return found.after(denied).then(status=_parsed(found))

    def _alternatives(self, text: str, words: list[str], level: int) -> Resolution | None:
        options = clauses.alternatives(text)
        return self._list(options, level) if len(options) > 1 else None

    def _list(self, options: list[str], level: int) -> Resolution:
        readings = self._read_all(options, level)
        if all(reading.status == "abstain" for reading in readings):
            return readings[0]
        if same := same_taxon(readings):
            return same.then(f"{len(options)} names of one taxon")
        return several(self.taxonomy, readings)

    def _read_all(self, options: list[str], level: int) -> list[Resolution]:
        """A reading for each; after so many distinct ones the rest stay unread, and the whole is a list."""
        distinct = list(dict.fromkeys(options))[: clauses.MOST_OPTIONS]
        readings = {option: self.read(option, level + 1) for option in distinct}
        return [readings.get(option) or unresolved("not read") for option in options]

    def _hybrid(self, text: str, words: list[str], level: int) -> Resolution | None:
        parents = hybrid_parents(text) if self.profile.binomials else []
        if not parents or (found := read_scientific(self.index, text)):
            return found if parents else None
        readings = self._read_all(parents, level)
        return several(self.taxonomy, readings).after("a hybrid") if any(r.named for r in readings) else None

    def _scientific(self, text: str, words: list[str], level: int) -> Resolution | None:
        return read_scientific(self.index, text) if self.profile.binomials else None

    def _glosses(self, text: str, words: list[str], level: int) -> Resolution | None:
        """A name with others in brackets: they must agree, and a group needs no more precise name that is unknown."""
        cut = clauses.glosses(text)
        if not cut.parts:
            return None
        said = [part for part in cut.parts if not self._is_aside(part)]
        head = self.read(cut.rest, level + 1) if normalize(cut.rest) else unresolved()
        if head.status in ("several", "abstain") or not said:
            return head.then(status=_parsed(head))
        readings = self._read_all(said, level)
        lists = any(reading.status == "several" and reading.candidates for reading in readings)
        if lists or any(_is_option(part) for part in said):
            return several(self.taxonomy, [head, *readings])
        resolved = [reading for reading in readings if reading.named]
        if not head.named:
            return self._by_gloss(resolved)
        if not self._is_leaf(head) and any(not r.named and _is_name(p) for p, r in zip(said, readings, strict=True)):
            return unresolved(f'"{cut.rest}" is made more precise by a name that is not in the taxonomy')
        agreed = agreement(self.taxonomy, [head, *resolved])
        return agreed.then(f"read with {len(said)} more in brackets", status=_parsed(agreed)) if agreed else several(
            self.taxonomy, [head, *resolved]
        )  # fmt: skip

    def _by_gloss(self, resolved: list[Resolution]) -> Resolution | None:
        """An unknown name is what its brackets say, if that is a leaf: a family says only where it belongs."""
        leaves = [reading for reading in resolved if self._is_leaf(reading)]
        agreed = agreement(self.taxonomy, leaves) if leaves else None
        return agreed and agreed.then("an unknown name, known by the one in brackets", status=_parsed(agreed))

    def _clauses(self, text: str, words: list[str], level: int) -> Resolution | None:
        parts = clauses.clauses(text)
        if len(parts) < 2:
            return None
        if len(parts) == 2 and (turned := read_name(self.index, self.profile, f"{parts[1]} {parts[0]}")):
            return turned.then("turned round", status=_parsed(turned))
        said = [part for part in parts if not self._is_aside(part)]
        if len(said) < 2:
            found = self.read(said[0], level + 1) if said else None
            return found and found.then(status=_parsed(found))
        readings = self._read_all(said, level)
        if all(reading.status == "abstain" for reading in readings):
            return readings[0]
        if same := same_taxon(readings):
            return same.then(f"{len(said)} names of one taxon")
        return self._apposition(said, readings)

    def _apposition(self, said: list[str], readings: list[Resolution]) -> Resolution | None:
        """A name and what is told about it; a lineage; or else a list."""
        kept = [r for part, r in zip(said, readings, strict=True) if r.named or not clauses.describes(part)]
        if not all(reading.named for reading in kept):
            listed = any(r.candidates for r in kept) or all(len(part.split()) <= _LIST_WORDS for part in said)
            return several(self.taxonomy, readings) if listed else None
        agreed = agreement(self.taxonomy, kept) if kept else None
        if agreed:
            return agreed.then(f"read from {len(said)} clauses", status=_parsed(agreed))
        return several(self.taxonomy, kept) if kept else None

    def _joined(self, text: str, words: list[str], level: int) -> Resolution | None:
        """Of "A and B" both must be known to be several; beside something unknown a name does not count."""
        together = clauses.accompanied(text)
        parts = [part for whole in together for part in ([whole] if self._is_name(whole) else clauses.joined(whole))]
        said = [part for part in parts if not self._is_aside(part)]
        if len(parts) < 2 or not said:
            return None
        readings = [reading for reading in self._read_all(said, level) if reading.named]
        if len({reading.candidates for reading in readings}) > 1:
            return several(self.taxonomy, readings)
        return readings[0].then(status=_parsed(readings[0])) if len(said) == len(readings) == 1 else None

    def _in_a_row(self, text: str, words: list[str], level: int) -> Resolution | None:
        """Two names without anything between them; a binomial may be made of two genera, and is not."""
        if len(words) > 2 * _LIST_WORDS or looks_scientific(text):
            return None
        find = self.taxonomy.by_name.find
        for cut in range(1, len(words)):
            head = " ".join(words[:cut])
            if find(head) and find(tail := " ".join(words[cut:])):
                readings = [reading for part in (head, tail) if (reading := read_name(self.index, self.profile, part))]
                return agreement(self.taxonomy, readings) or several(self.taxonomy, readings)
        return None

    def _details(self, text: str, words: list[str], level: int) -> Resolution | None:
        """The name before what is told about it; "the bird is a …" and "an image of a …" name nothing before that."""
        for head in clauses.before_details(text):
            found = self.read(head, level + 1)
            if found.named:
                said = clauses.says_what_it_is(text[len(head) :]) and is_generic(self.profile, normalize(head).split())
                return None if said else found.then("without what is told about it", status=_parsed(found))
        return None

    def _is_aside(self, text: str) -> bool:
        words = normalize(text).split()
        number = all(word.isdigit() for word in words) and not self._is_name(text)
        return number or is_filler(self.profile, words) or is_authorship(text)

    def _is_name(self, text: str) -> bool:
        return bool(self.taxonomy.lookup(text))

    def _is_leaf(self, reading: Resolution) -> bool:
        return not reading.group and all(is_leaf(self.taxonomy, node) for node in reading.candidates)


def _parsed(found: Resolution) -> Status | None:
    return "parsed" if found.status in ("exact", "synonym", "vernacular") else None


def _is_option(text: str) -> bool:
    return normalize(text).startswith(("or ", "possibly ", "maybe ", "perhaps "))


def _is_name(text: str) -> bool:
    """Whether a text in brackets is short enough for a name, or has a binomial's shape."""
    return looks_scientific(text) or len(text.split()) <= 3

"""The species of the embedded world: traits, invented names and what a model may be taught.

    order  = body shape (3)      family = body × tail (6)
    genus  = body × tail × crest (12)      species = genus × colour × pattern (5 in each genus, 60)

In each genus three species are *seen* (named in SFT), one is *rare* (in the RL set, its name never
taught, so that the honest answer is its genus) and one is *unseen* (evaluation only). The novelty of
rare and unseen species is visible: one of their traits, a colour or a pattern, occurs in no seen
species. A trait that marks a rare species in one genus marks an unseen one in another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BODIES = ("round", "long", "pointed")
TAILS = ("forked", "club")
CRESTS = ("horn", "fan")
COLOURS = ("red", "yellow", "green", "blue", "pink", "orange", "teal", "violet")
"""The first five are colours of seen species; the last three occur only in rare and unseen ones."""
PATTERNS = ("plain", "striped", "spotted", "ringed")
"""The first three are patterns of seen species; "ringed" occurs only in rare and unseen ones."""
SEEN_COLOURS, SEEN_PATTERNS = 5, 3
TRAITS = {"body": BODIES, "tail": TAILS, "crest": CRESTS, "colour": COLOURS, "pattern": PATTERNS}

NAME_SEED = 7
"""Fixes names and the trait table. The shipped base model has learnt the words of this one world."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Species:
    """One species: its lineage and the traits a picture shows."""

    order: str
    family: str
    genus: str
    name: str
    """Binomial: genus and epithet."""
    group: str
    """"seen", "rare" or "unseen"."""
    body: int
    tail: int
    crest: int
    colour: int
    pattern: int

    @property
    def lineage(self) -> tuple[str, str, str, str]:
        """Order, family, genus, species."""
        return (self.order, self.family, self.genus, self.name)

    @property
    def traits(self) -> tuple[int, int, int, int, int]:
        """Body, tail, crest, colour, pattern: indices into `TRAITS`."""
        return (self.body, self.tail, self.crest, self.colour, self.pattern)


def _invent(rng: np.random.Generator, n: int, syllables: int, taken: set[str]) -> list[str]:
    """`n` new pronounceable words, none within `taken`."""
    onsets = [*"bdfgklmnprstvz", "br", "dr", "kl", "pl", "tr", "st", "sk"]
    vowels = [*"aeiou"]
    words: list[str] = []
    while len(words) < n:
        word = "".join(str(rng.choice(onsets)) + str(rng.choice(vowels)) for _ in range(syllables))
        if word not in taken:
            taken.add(word)
            words.append(word)
    return words


def _novel_traits(genus: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """(colour, pattern) of the rare and the unseen species of a genus.

    Even genera have a rare species of a new colour and an unseen one of the new pattern; odd genera
    the reverse. New colours rotate, so each marks rare species here and unseen ones there.
    """
    new_colour = (SEEN_COLOURS + genus // 2 % 3, genus % SEEN_PATTERNS)
    new_pattern = ((genus * 2 + 1) % SEEN_COLOURS, SEEN_PATTERNS)
    return (new_colour, new_pattern) if genus % 2 == 0 else (new_pattern, new_colour)


def species_list() -> tuple[Species, ...]:
    """All 60 species, in taxonomic order; always the same."""
    rng = np.random.default_rng(NAME_SEED)
    taken: set[str] = set()
    orders = [word.capitalize() + "formes" for word in _invent(rng, 3, 1, taken)]
    families = [word.capitalize() + "idae" for word in _invent(rng, 6, 1, taken)]
    genera = [word.capitalize() for word in _invent(rng, 12, 2, taken)]
    epithets = iter(_invent(rng, 60, 2, taken))
    known = [(c, p) for c in range(SEEN_COLOURS) for p in range(SEEN_PATTERNS)]
    out: list[Species] = []
    for g, genus in enumerate(genera):
        body, tail, crest = g // 4, g // 2 % 2, g % 2
        seen = [known[i] for i in rng.choice(len(known), size=3, replace=False)]
        rare, unseen = _novel_traits(g)
        groups = [*(("seen", look) for look in seen), ("rare", rare), ("unseen", unseen)]
        for group, (colour, pattern) in groups:
            out.append(
                Species(
                    order=orders[body], family=families[g // 2], genus=genus,
                    name=f"{genus} {next(epithets)}", group=group,
                    body=body, tail=tail, crest=crest, colour=colour, pattern=pattern,
                )
            )  # fmt: skip
    return tuple(out)

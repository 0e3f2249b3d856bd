"""The species of the embedded world: traits, invented names and what a model may be taught.

    order  = body shape (3)      family = body × tail (6)
    genus  = body × tail × crest (12)      species = genus × colour × pattern (6 in each genus, 72)

In each genus three species are *seen* (named in SFT), two are *rare* (in the RL set, their names never
taught, so that the honest answer is the genus) and one is *unseen* (evaluation only). The novelty of
rare and unseen species is visible: they are violet or ringed, as no seen species is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BODIES = ("round", "long", "pointed")
TAILS = ("forked", "club")
CRESTS = ("horn", "fan")
COLOURS = ("red", "yellow", "green", "blue", "pink", "orange", "teal", "violet")
"""The first five are colours of seen species, violet of rare and unseen ones; orange and teal occur in the
base model's captions alone."""
PATTERNS = ("plain", "striped", "spotted", "ringed")
"""The first three are patterns of seen species; "ringed" occurs only in rare and unseen ones."""
SEEN_COLOURS, SEEN_PATTERNS = 5, 3
NEW_COLOUR, NEW_PATTERN = COLOURS.index("violet"), PATTERNS.index("ringed")
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


def _novel_looks(genus: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """(colour, pattern) of the two rare species of a genus and of its unseen one.

    One rare species has the new colour, the other the new pattern. The unseen one has the new colour with
    another pattern (even genera) or the new pattern in another colour (odd genera).
    """
    by_colour = (NEW_COLOUR, genus % SEEN_PATTERNS)
    by_pattern = ((genus * 2 + 1) % SEEN_COLOURS, NEW_PATTERN)
    if genus % 2 == 0:
        return by_colour, by_pattern, (NEW_COLOUR, (genus + 1) % SEEN_PATTERNS)
    return by_pattern, by_colour, ((genus * 2 + 3) % SEEN_COLOURS, NEW_PATTERN)


def species_list() -> tuple[Species, ...]:
    """All 72 species, in taxonomic order; always the same."""
    rng = np.random.default_rng(NAME_SEED)
    taken: set[str] = set()
    orders = [word.capitalize() + "formes" for word in _invent(rng, 3, 1, taken)]
    families = [word.capitalize() + "idae" for word in _invent(rng, 6, 1, taken)]
    genera = [word.capitalize() for word in _invent(rng, 12, 2, taken)]
    epithets = iter(_invent(rng, 60, 2, taken))
    unseen_epithets = iter(_invent(np.random.default_rng(NAME_SEED + 1), 12, 2, taken))
    known = [(c, p) for c in range(SEEN_COLOURS) for p in range(SEEN_PATTERNS)]
    out: list[Species] = []
    for g, genus in enumerate(genera):
        body, tail, crest = g // 4, g // 2 % 2, g % 2
        seen = [known[i] for i in rng.choice(len(known), size=3, replace=False)]
        one, two, unseen = _novel_looks(g)
        groups = [*(("seen", look) for look in seen), ("rare", one), ("rare", two), ("unseen", unseen)]
        for group, (colour, pattern) in groups:
            out.append(
                Species(
                    order=orders[body], family=families[g // 2], genus=genus,
                    name=f"{genus} {next(unseen_epithets if group == 'unseen' else epithets)}", group=group,
                    body=body, tail=tail, crest=crest, colour=colour, pattern=pattern,
                )
            )  # fmt: skip
    return tuple(out)

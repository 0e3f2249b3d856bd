"""Profiles: which habits of naming a domain has. A habit that is switched off is not read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from rlfg.errors import RlfgError
from rlfg.named import is_named, load_named
from rlfg.taxonomy.tree import Taxonomy

CATALOGUE_DIGITS = 0.2
"""A taxonomy without genera or species, with digits in more than this share of its leaves' names, is read as a
catalogue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What `resolve` reads besides names."""

    name: str
    binomials: bool = True
    """Scientific names: authorship, "sp.", subspecies, abbreviated genera, hybrids."""
    ranks: bool = True
    """Ranks said aloud: "family Laridae", "the gull family"."""
    sex_and_age: bool = True
    """"male", "juvenile", "puppy"."""
    group_nouns: bool = True
    """Group nouns by the rule of `groups`; those of the source are always read."""
    products: bool = False
    """Model years, body styles and shortened model names."""
    fuzzy: bool = True
    """Misspellings."""


PROFILES: Mapping[str, Profile] = {
    "general": Profile(name="general"),
    "catalogue": Profile(
        name="catalogue", binomials=False, ranks=False, sex_and_age=False, group_nouns=False, products=True
    ),
    "exact": Profile(
        name="exact", binomials=False, ranks=False, sex_and_age=False, group_nouns=False, fuzzy=False
    ),
}  # fmt: skip
"""By name: "general" for what lives, "catalogue" for products, "exact" for names as they stand, with little else."""


def profile_of(taxonomy: Taxonomy, profile: Profile | str | None) -> Profile:
    """The profile itself, the one of that name, or one of the user's own; by default what the leaves' names suggest.

    One of the user's own ("file.py:NAME") is called what it was named by.

    Raises:
        RlfgError: no profile has that name, or what it names is none.
    """
    if profile is None:
        return _suggested(taxonomy)
    if isinstance(profile, Profile):
        return profile
    if profile in PROFILES:
        return PROFILES[profile]
    if not is_named(profile):
        known = ", ".join(PROFILES)
        raise RlfgError(f'there is no profile "{profile}"; known are {known}, or give file.py:NAME of your own')
    own = load_named(profile, "profile")
    if not isinstance(own, Profile):
        raise RlfgError(f"profile {profile!r}: it is no `Profile` of rlfg.taxonomy, but {type(own).__name__}")
    return replace(own, name=profile)


@lru_cache(maxsize=8)
def _suggested(taxonomy: Taxonomy) -> Profile:
    if {"genus", "species"} & set(taxonomy.main_ranks):
        return PROFILES["general"]
    leaves = taxonomy.leaves()
    numbered = sum(any(char.isdigit() for char in taxonomy.names[leaf]) for leaf in leaves)
    return PROFILES["catalogue" if numbered > CATALOGUE_DIGITS * len(leaves) else "general"]

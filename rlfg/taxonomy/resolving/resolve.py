"""From an answer's text to taxa, without seeing the truth."""

from __future__ import annotations

from functools import lru_cache

from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.resolving import clauses
from rlfg.taxonomy.resolving.index import index_of
from rlfg.taxonomy.resolving.model import Resolution
from rlfg.taxonomy.resolving.profiles import Profile, profile_of
from rlfg.taxonomy.resolving.reader import Reader
from rlfg.taxonomy.tree import Taxonomy

MOST_CHARACTERS = 500
"""How much of a text is looked at: a name is short, and time must be bounded."""

REMEMBERED = 1 << 15
"""Texts whose resolution is kept, about 20 MB: verdicts, traces and classes ask for the same, and models repeat."""


def resolve(taxonomy: Taxonomy, text: str, profile: Profile | str | None = None) -> Resolution:
    """Find the taxa that a text names, by the whole claim or not at all; `docs/resolution.md` has the policy.

    Args:
        taxonomy: whose names are looked up.
        text: any text; only its first `MOST_CHARACTERS` characters are looked at, and the trace says so.
        profile: which habits of naming are read; None for the one that suits the taxonomy, see `profile_of`.

    Raises:
        RlfgError: no profile has that name.
    """
    return _resolve(_reader(taxonomy, profile_of(taxonomy, profile)), text)


@lru_cache(maxsize=REMEMBERED)
def _resolve(read: Reader, text: str) -> Resolution:
    seen = text[:MOST_CHARACTERS]
    trace: tuple[str, ...] = (f'normalised to "{normalize(seen)}"',)
    if len(seen) < len(text):
        trace += (f"only the first {MOST_CHARACTERS} of {len(text)} characters were looked at",)
    found = read.read(seen)
    if found.status == "unresolved" and (plain := clauses.tidy(seen)) != seen.strip():
        found = read.read(plain)
    return found.after(*trace)


@lru_cache(maxsize=32)
def _reader(taxonomy: Taxonomy, profile: Profile) -> Reader:
    return Reader(index_of(taxonomy), profile)

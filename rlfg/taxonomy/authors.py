"""Scientific names as tables of biologists hold them: with their authors behind.

    Larus argentatus Pontoppidan, 1763 · Passer montanus (Linnaeus, 1758) · Picea abies (L.) H. Karst.

A person, and a model, says the name alone, so that is what the taxon is called.
"""

from __future__ import annotations

import re

_LETTERS = "a-zß-öø-ÿ"
_NAME = rf"[A-Z][{_LETTERS}-]+(?: [{_LETTERS}-]{{3,}}){{1,2}}"
_AUTHOR = rf"(?:[A-ZÀ-Þ][\w.'’-]*[{_LETTERS}.]|[A-Z]|d['’]\w+|de[rn]?|du|la|le|von|van|et|ex|in|and|al\.|&)"
_AUTHORED = re.compile(rf"({_NAME}) (\(?{_AUTHOR}[,)]*(?: \(?{_AUTHOR}[,)]*){{0,7}}(?: \(?\d{{4}}\)*)?)")
_SURE = re.compile(r", \d{4}\)*$|\([^\d)][^)]*\d{4}\)$|\.|\bLinnaeus\b")
"""What tells authors from a cultivar, a strain or a model: a year behind a comma or in their brackets, an abbreviation,
or Linnaeus."""


def names_in(cell: str) -> tuple[str, tuple[str, ...]]:
    """What a taxon is called whose cell may have authors, and its synonyms: the cell itself, if it has."""
    name = without_authors(cell)
    return name, (cell,) if name != cell else ()


def without_authors(name: str) -> str:
    """The binomial or trinomial of a name with authors; any other name as it is."""
    found = _AUTHORED.fullmatch(name)
    return found[1] if found and _SURE.search(found[2]) else name

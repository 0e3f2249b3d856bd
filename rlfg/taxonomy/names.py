"""Normalisation: the one form in which names, aliases, answers and truths are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_APOSTROPHES = re.compile("['`\u02b9\u02bb\u02bc\u02be\u02bf\u2018\u2019\u201b\u2032]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_ASCII = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else ord(" ") for code in range(256))
"""What becomes of each ASCII character."""


def normalize(text: str) -> str:
    """Fold case, accents, punctuation and white space.

    Accents go, apostrophes close up ("Brewer's" → "brewers"), "&" is "and", and every other run of
    characters that are neither letters nor digits becomes one space ("Black-footed" → "black footed").
    Applying it twice changes nothing.

    Returns:
        The folded text; "" where no letter or digit is left.
    """
    return _remembered(text)


def fold(text: str) -> str:
    """The same as `normalize`, without remembering: for texts that are new each time."""
    if text.isascii():
        return _fold_ascii(text)
    text = text.replace("\u00b4", "'")  # an acute accent by itself would decompose to a space
    folded = _ACCENTS.sub("", _decompose(_decompose(text).casefold()))
    closed = _APOSTROPHES.sub("", folded).replace("&", " and ")
    if closed.isascii():
        return _fold_ascii(closed)
    spaced = "".join(char if _is_word(char) else " " for char in closed)
    return unicodedata.normalize("NFC", " ".join(spaced.split()))


def _fold_ascii(text: str) -> str:
    if "&" in text:
        text = text.replace("&", " and ")
    return " ".join(text.encode().translate(_ASCII, b"'`").decode().split())


_remembered = lru_cache(maxsize=2**14)(fold)  # groups of rollouts repeat their answers


def _decompose(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def _is_word(char: str) -> bool:
    """Letters, digits, and the vowel signs that Indic and other scripts write as marks."""
    return char.isalnum() or unicodedata.category(char).startswith("M")

"""Languages of common names: a few codes that sources write in two ways."""

from __future__ import annotations

from collections.abc import Sequence

_THREE_LETTERS = {
    "ar": "ara", "bg": "bul", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng",
    "es": "spa", "et": "est", "eu": "eus", "fi": "fin", "fr": "fra", "ga": "gle", "he": "heb", "hi": "hin",
    "hr": "hrv", "hu": "hun", "id": "ind", "is": "isl", "it": "ita", "ja": "jpn", "ko": "kor", "la": "lat",
    "lt": "lit", "lv": "lav", "ms": "msa", "nl": "nld", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron",
    "ru": "rus", "sk": "slk", "sl": "slv", "sr": "srp", "sv": "swe", "th": "tha", "tr": "tur", "uk": "ukr",
    "vi": "vie", "zh": "zho",
}  # fmt: skip


def wanted_language(language: str, languages: Sequence[str]) -> bool:
    """Whether a common name's language is among those asked for; without any, all are.

    "en", "eng" and "en-GB" are one language, whichever of them is asked for; a name of no language is
    in none.
    """
    return not languages or _code(language) in map(_code, languages)


def _code(language: str) -> str:
    main = language.strip().casefold().replace("_", "-").partition("-")[0]
    return _THREE_LETTERS.get(main, main)

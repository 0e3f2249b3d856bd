"""Rationales that speak of what the student is never shown.

A teacher is told the label and the attributes of a class. Where it says so ("this matches the provided description"), a
student learns to cite papers that it does not have: about 30 % of the rationales that Fine-R1 released do.
"""

from __future__ import annotations

import re

_GIVEN = r"(?:provided|given|supplied|accompanying|attached|aforementioned|stated|specified|mentioned|referenced?)"
_SECRET = (
    r"(?:descriptions?|descriptors?|information|info|details?|labels?|attributes?|concepts?|hints?|clues?|texts?|contexts?|"
    r"ground[- ]truth|answers?|class(?:es|ification)?|(?:sub-?)?categor(?:y|ies)|species|names?|characteristics|traits|"
    r"features?|data|metadata|captions?|annotations?|references?|definitions?|notes?|prompt)"
)
_SAY = r"(?:says?|states?|mentions?|notes?|indicates?|specif(?:y|ies)|provided|given|describes?|lists?|tells?)"
_TOLD = r"(?:descriptions?|labels?|hints?|attributes?|concepts?|information|annotations?|ground[- ]truth)"
_LEAKS = re.compile(
    "|".join(
        (
            rf"\b(?:the|all|these|those|this|its|your|any)\s+{_GIVEN}\s+(?:[\w'’-]+\s+){{0,3}}?{_SECRET}\b",
            rf"\b(?:with|from|by|to|per|in|on|and|of|using)\s+{_GIVEN}\s+(?:[\w'’-]+\s+){{0,2}}?{_TOLD}\b",
            rf"\bthe\s+(?:\w+\s+){{0,2}}?{_SECRET}\s+(?:that\s+(?:was|were|is|are)\s+|which\s+(?:was|were)\s+|was\s+|were\s+|"
            r"you\s+(?:have\s+)?)?(?:provided|supplied|given\s+(?:to|above|here|in\s+the\s+prompt))\b",
            rf"\bthe\s+(?:textual\s+|visual\s+|class\s+)?{_TOLD}\s+(?:also\s+|clearly\s+|explicitly\s+)?{_SAY}\b",
            rf"\b(?:according\s+to|based\s+on|as\s+per|consistent\s+with|aligns?\s+with|match(?:es|ing)?|in\s+line\s+with|"
            rf"confirmed\s+by|supported\s+by|as\s+(?:described|stated|noted|mentioned|specified)\s+(?:in|by))\s+"
            rf"(?:the|your|this|all\s+the)\s+(?:textual\s+|class\s+)?{_TOLD}\b(?!\s+of\b)",
            r"\bground[- ]truth\b",
            r"\b(?:correct|true|actual|expected|target|known)\s+(?:label|answer|class|category)\b",
            r"\b(?:I|we)\s+(?:was|were|am|are|have\s+been)\s+(?:told|given|informed|provided|supplied)\b",
            r"\byou\s+(?:have\s+|'ve\s+)?(?:provided|told|gave|given|mentioned|supplied|described|said)\b",
            r"\b(?:since|as|because)\s+the\s+(?:label|answer|class|category|species|name)\s+is\s+(?:given|known|provided)\b",
        )
    ),
    re.IGNORECASE,
)
_SHOWN = re.compile(r"\b(?:image|picture|photo(?:graph)?|question|candidates?|options?|view|frame)\b", re.IGNORECASE)
"""What a student is shown: to speak of the provided image is no leak."""


def find_leak(rationale: str) -> str | None:
    """The first words that refer to something told, with a few around them; None where there are none."""
    for found in _LEAKS.finditer(rationale):
        if _SHOWN.search(found[0]):
            continue
        start, end = max(0, found.start() - 30), min(len(rationale), found.end() + 30)
        return " ".join(rationale[start:end].split())
    return None

"""FGVQA's own reading of a reply (Marsili et al. 2025; `fgvqa_*` in their fork of lmms-eval).

It takes the last "yes" or "no", or the last number from 0 to 3, that is said: "not the same, no; yes?" is a yes, and
"2 or 3" is 3. Their `overall_total` is the mean over all questions of both kinds.
"""

from __future__ import annotations

import re

_SPAN = re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?answer>", re.IGNORECASE)
_NUMBER = re.compile(r"<answer>\s*([0-3])\s*</answer>", re.IGNORECASE)
_ALONE = {
    **dict.fromkeys(("yes", "y", "yeah", "yep", "true", "1"), "yes"),
    **dict.fromkeys(("no", "n", "nope", "false", "0"), "no"),
}
"""What counts where nothing else is said, in ASCII letters."""


def says_yes_or_no(reply: str) -> str | None:
    """What the first answer span says; the whole reply where there is none, or nothing in it."""
    span = _SPAN.search(reply)
    said = (span[1] if span and span[1].strip() else _TAG.sub("", reply)).lower()
    if words := re.findall(r"\b(yes|no)\b", said):
        return str(words[-1])
    return _ALONE.get(re.sub(r"[^a-z0-9]", "", said))


def says_number(reply: str) -> str | None:
    """The number that is an answer span's whole text, else the last in the reply."""
    if alone := _NUMBER.search(reply):
        return alone[1]
    numbers = re.findall(r"\b([0-3])\b", reply) or re.findall(r"\b([0-3])\b", _TAG.sub("", reply))
    return str(numbers[-1]) if numbers else None

"""The four parts of a rationale, after Fine-R1 (ICLR 2026): visual analysis, candidates, comparison, prediction."""

from __future__ import annotations

import re
from dataclasses import dataclass

PARTS = ("analysis", "candidates", "comparison", "prediction")
_NAMES = {
    "analysis": r"(?:(?:visual|image|picture|feature)\s+)?(?:analysis|examination|observations?)",
    "candidates": r"(?:(?:possible|potential|plausible|likely)\s+)?(?:candidates?|sub-?categor(?:y|ies))",
    "comparison": r"comparisons?|comparative\s+analysis|comparing",
    "prediction": r"(?:final\s+)?(?:prediction|decision|conclusion|identification)",
}
_MARKS = r"(?:[#>*_\-•\s]|\(?\d{1,2}[.)]|step\s+\d{1,2}\s*[.:)-])*"
_HEADING = re.compile(
    rf"^{_MARKS}(?:{'|'.join(f'(?P<{part}>{name})' for part, name in _NAMES.items())})\b[^\n:.]{{0,60}}"
    r"(?::[*_]*[ \t]*|$)",
    re.IGNORECASE | re.MULTILINE,
)
_ITEM = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(?P<text>.+)$", re.MULTILINE | re.IGNORECASE)
_NAME_ENDS = re.compile(r"\s*(?::|\s[–—-]\s|\(|;)")
_LISTS = re.compile(r"^.*?(?:\b(?:are|include|includes|is)\b|:)\s*:?\s*", re.IGNORECASE)
"""What comes before the names in "The candidates are …"."""
SENTENCE = 8
"""Words of a line that is more than a name."""
_BETWEEN = re.compile(r"\s*[,;]\s*(?:(?:and|or)\s+)?|\s+(?:and|or)\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a rationale says, part by part."""

    texts: dict[str, str]
    """By name; parts that are not there are not in it."""
    candidates: tuple[str, ...]
    """Names, as they are written."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Those that are not there, or are empty."""
        return tuple(part for part in PARTS if not self.texts.get(part))


def split_parts(rationale: str) -> Parts:
    """Finds the parts by their headings, however these are marked up; a heading seen again goes on with its part."""
    found = list(_HEADING.finditer(rationale))
    texts: dict[str, str] = {}
    ends = [*(heading.start() for heading in found[1:]), len(rationale)]
    for heading, end in zip(found, ends, strict=False):
        part = next(part for part in PARTS if heading[part])
        body = rationale[heading.end() : end].strip()
        texts[part] = f"{texts[part]}\n{body}".strip() if part in texts else body
    return Parts(texts=texts, candidates=_candidates(texts.get("candidates", "")))


def _candidates(text: str) -> tuple[str, ...]:
    """Items of a list; else short lines, one name each; else what a sentence lists."""
    lines = [line for line in text.splitlines() if line.strip()]
    items = [item["text"] for item in _ITEM.finditer(text)]
    if not items and len(lines) > 1 and all(len(line.split()) < SENTENCE for line in lines):
        items = lines
    if items:
        names = [_NAME_ENDS.split(item.replace("**", "").replace("__", ""), maxsplit=1)[0] for item in items]
    else:
        listed = _LISTS.sub("", re.sub(r"\([^)]*\)", "", next(iter(lines), "")))
        names = _BETWEEN.split(listed.rstrip(". "))
    tidy = (name.strip(" .*_\"'“”`") for name in names)
    return tuple(dict.fromkeys(name for name in tidy if name))

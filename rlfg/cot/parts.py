"""The four parts of a rationale, after Fine-R1 (ICLR 2026): visual analysis, candidates, comparison, prediction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import dedent

PARTS = ("analysis", "candidates", "comparison", "prediction")
_KINDS = (
    r"(?:species|breeds?|models?|variants?|class(?:es)?|types?|names?|varieties|labels?|(?:sub-?)?categor(?:y|ies))"
)
_NAMES = {
    "comparison": r"(?:(?:candidates?|detailed|visual|feature|side-by-side|sub-?categor(?:y|ies))\s+){0,3}"
    r"(?:comparisons?|comparative\s+analysis|comparing)",
    "candidates": r"(?:(?:the\s+)?analysis\s+of\s+)?"
    r"(?:(?:possible|potential|plausible|likely|top|main|key|closest|identifying|listing|list\s+of|"
    rf"selection\s+of)\s+){{0,2}}(?:candidates?|sub-?categor(?:y|ies)|(?<=possible\s){_KINDS}|(?<=potential\s){_KINDS})",
    "prediction": r"(?:the\s+)?(?:final\s+)?(?:prediction|decision|conclusion|identification|classification|"
    r"determination|verdict|(?<=final\s)answer)",
    "analysis": r"(?:(?:detailed|initial|overall|visual|image|picture|feature)\s+){0,3}"
    r"(?:analysis|examination|observations?|inspection|(?<=visual\s)(?:features?|cues|characteristics|description)|"
    r"(?<=image\s)(?:features?|description))",
}
_MARKS = r"(?:[#>*_\-•\[\s]|\(?\d{1,2}[.)]|\(?[a-d][.)]\s|(?:step|part|section)\s+\d{1,2}\s*[.:)–—-])*"
_HEADING = re.compile(
    rf"^{_MARKS}(?:{'|'.join(f'(?P<{part}>{name})' for part, name in _NAMES.items())})\b[^\n:.]{{0,60}}"
    r"(?::[*_]*[ \t]*|$)",
    re.IGNORECASE | re.MULTILINE,
)
_ITEM = re.compile(
    r"^(?P<indent>[ \t]*)(?:(?P<bullet>[-*•+])|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(?P<text>.+)$",
    re.MULTILINE | re.IGNORECASE,
)
_NUMBERED = re.compile(r"^[*_\s]*candidates?\s+(?:\d{1,2}|[a-d])\s*[:.)–—-]\s*", re.IGNORECASE)
_BOLD = re.compile(r"^\s*(?:\*\*|__)(?P<name>.+?)(?:\*\*|__)")
_NAME_ENDS = re.compile(r"\s*(?::|\s[–—-]\s|—|\(|;)")
_LISTS = re.compile(r"^.*?(?:\b(?:are|include|includes|including|is)\b|:)\s*:?\s*", re.IGNORECASE)
"""What comes before the names in "The candidates are …"."""
_SENTENCE_ENDS = re.compile(r"(?<!\bSt)(?<!\bMt)(?<!\bDr)(?<!\bMr)\.\s+(?=[A-Z])")
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
    """Finds the parts by their headings, however these are marked up; a heading seen again goes on with its part.

    What stands before the first of them is analysis, where no other is called so; and what follows the list of
    candidates and speaks of two of them again is their comparison.
    """
    found = _in_order([(_part(heading), heading) for heading in _HEADING.finditer(rationale)])
    texts: dict[str, str] = {}
    ends = [*(heading.start() for _, heading in found[1:]), len(rationale)]
    for (part, heading), end in zip(found, ends, strict=False):
        body = dedent(rationale[heading.end() : end].strip("\n")).strip()
        texts[part] = f"{texts[part]}\n{body}".strip() if part in texts else body
    candidates = _candidates(texts.get("candidates", ""))
    if found and "analysis" not in texts:
        texts["analysis"] = rationale[: found[0][1].start()].strip()
    if "candidates" in texts and "comparison" not in texts:
        texts["candidates"], texts["comparison"] = _after_list(texts["candidates"], candidates)
    return Parts(texts=texts, candidates=candidates)


def _after_list(text: str, candidates: Sequence[str]) -> tuple[str, str]:
    """The candidates, and what is said of two of them below their list; "" where nothing is."""
    items = list(_ITEM.finditer(text))
    below = next((i for i in items if bool(i["bullet"]) != bool(items[0]["bullet"]) and not i["indent"]), None)
    end = below.start() if below else items[-1].end() if items else len(text)
    said = text[end:].lower()
    if sum(name.lower() in said for name in candidates) < 2:
        return text, ""
    return text[:end].strip(), text[end:].strip()


def _part(heading: re.Match[str]) -> str:
    return next(part for part in PARTS if heading[part])


def _in_order(found: list[tuple[str, re.Match[str]]]) -> list[tuple[str, re.Match[str]]]:
    """Headings in the order of the parts, as many parts as there are: "Candidate 1:" in a comparison begins no part."""
    best: dict[int, list[tuple[str, re.Match[str]]]] = {}
    for part, heading in found:
        place = PARTS.index(part)
        before = max((best[k] for k in best if k <= place), key=_worth, default=[])
        chosen = [*before, (part, heading)]
        if _worth(chosen) > _worth(best.get(place, [])):
            best[place] = chosen
    return max(best.values(), key=_worth, default=[])


def _worth(found: list[tuple[str, re.Match[str]]]) -> tuple[int, int]:
    return len({part for part, _ in found}), len(found)


def _candidates(text: str) -> tuple[str, ...]:
    """Items of a list, without the lists under them; else short lines, one name each; else what a sentence lists."""
    lines = [line for line in text.splitlines() if line.strip()]
    items = list(_ITEM.finditer(text))
    if items:
        first = items[0]
        outer = [
            i for i in items if len(i["indent"]) <= len(first["indent"]) and bool(i["bullet"]) == bool(first["bullet"])
        ]
        names = [_name(item["text"]) for item in outer]
    elif len(lines) > 1 and all(len(line.split()) < SENTENCE or _BOLD.match(line) for line in lines):
        names = [_name(line) for line in lines]
    else:
        sentence = _SENTENCE_ENDS.split(re.sub(r"\([^)]*\)", "", next(iter(lines), "")), maxsplit=1)[0]
        names = _BETWEEN.split(_LISTS.sub("", sentence).rstrip(". "))
    tidy = (re.sub(r"^(?:the|an?)\s+", "", name.strip(" .*_\"'“”`,:")) for name in names)
    return tuple(dict.fromkeys(name for name in tidy if name))


def _name(item: str) -> str:
    """The name that an item begins with: what is bold, or what comes before a colon, a dash or a bracket."""
    bold = _BOLD.match(item)
    plain = (bold["name"] if bold else item).replace("**", "").replace("__", "")
    return _NAME_ENDS.split(_NUMBERED.sub("", plain), maxsplit=1)[0]

"""Cutting a text where its commas, brackets, refusals and negations are; nothing here knows any taxon."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.resolving.refusals import abstains, declines
from rlfg.taxonomy.resolving.wordset import word_set

MOST_OPTIONS = 24
"""So many distinct options of a list are read."""
MOST_DETAILS = 3
"""So many places are tried where details may begin."""
_JUNK = re.compile(
    r"^\s*(?:\d{1,2}[.)]|[-*•>#]+)\s+|\bconfidence(?: level| score)?\s*[:=]?\s*(?:\d[\d.]{0,6}\s?%?|high|low|medium)"
    r"|~?\b\d{1,3}(?:\.\d{1,4})?\s?%(?: (?:sure|certain|confident|confidence))?|[*_`\"“”«»<>{}]+",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"['\u2019\u02bc](?<=\w.)s\b")
_BRACKETS = re.compile(r"[(\[（【]([^()\[\]（）【】]*)(?:[)\]）】]|$)")
_AKA = re.compile(
    r",?\s*\b(?:also (?:known|called|named|referred to)(?: as)?|a\.?k\.?a\.?|i\.e\.?|formerly(?: known as)?"
    r"|commonly (?:known|called)(?: as)?|better known as|otherwise known as|known as|scientifically(?: known as)?"
    r"|(?:whose |its |with the )?scientific name(?: is| of)?)(?=[\s:,])[:,]?\s*",
    re.IGNORECASE,
)
_OR = re.compile(r"\b(?:or|vs|versus|and/or)\b\.?|[/|]", re.IGNORECASE)
_LIST = re.compile(r"[,;/|\n]|\b(?:or|vs|versus|and/or)\b\.?", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;:\n•]|\s[-–—]+\s|—|(?<=\w{4})[.?!]+\s+(?=[A-Z])")
_JOINED = re.compile(r"[+&]|\b(?:and|with|plus)\b", re.IGNORECASE)
_WITH = re.compile(r"\+|\b(?:with|plus)\b", re.IGNORECASE)
_TURN = re.compile(r"[,;\n]|(?<=\w{3})[.?!]+\s+|\b(?:but|though|although|however|still|yet)\b", re.IGNORECASE)
_GUESS = re.compile(
    r"\b(?:but|however|though|perhaps|maybe|possibly|probably|most likely|likely"
    r"|(?:best|educated) guess(?: (?:is|would be))?|if i had to (?:guess|choose|say)"
    r"|(?<=[,;.] )it (?:looks like|appears to be|could be|might be|may be|seems to be|is))\b[,:]?",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"(?<![-\w])(?:(?:is|are|was|definitely|certainly|clearly|probably|and|but) )*"
    "(?:not|(?:is|are|was|does)n['\u2019]?t|never|neither|nor|rather than|instead of|as opposed to"
    r"|unlike|except|excluding|don['\u2019]?t think|doubt|^no|anything but)(?![-\w])",
    re.IGNORECASE,
)
_NEGATION_ENDS = re.compile(r"[.,;\n]|\bbut\b|$", re.IGNORECASE)
_AFTER_NAME = re.compile(
    r"(?:\s+|,\s*)(?:with|in|on|at|near|by|which|that|who|whose|because|since|due|based|given|as|while|during|found|seen"
    r"|native|having|wearing|feeding|eating|resting|perched|perching|sitting|standing|flying|swimming|walking|running|lying"
    r"|looking|facing|blooming|parked|driving|against|among|under|over|above|behind|beside|next|characteri[sz]ed"
    r"|recogni[sz]able|identifiable|has|have|is|are|it|its"
    r"|garnished|topped|served|drizzled|covered|surrounded)\s",
    re.IGNORECASE,
)
_NAMES = re.compile(r"\b(?:is|are|was|be|looks? like|resembles?)\s+(?:\w+ly\s+)?(?:an?|the)\s", re.IGNORECASE)
_DESCRIBES = re.compile(
    r"^(?:a|an|the|which|with|known|found|native|commonly|often|also|this|it|its|these|they"
    r"|recogni[sz]able"
    r"|characteri[sz]ed|identifiable|(?:specifically|likely)(?! (?:an?|the) )|member|based|due|because|as|showing"
    r"|has|having|both|all|one|perched|sitting|standing"
    r"|flying|in|on|of|and its)\b",
    re.IGNORECASE,
)
_MARK = re.compile(r"[^\w\s'\u2019-]|(?<!\S)-|\n|_")
_ENDS = " .?!\t\n"
"""What ends a text cuts nothing."""
_STOPS = word_set(". ? ! , ;") | {"\n"}
REFUSALS = _STOPS | word_set("but though although however still yet")
NEGATIONS = word_set(
    """
    not isnt arent wasnt doesnt never neither nor rather instead opposed unlike except excluding dont doubt no
    anything
    """
)
OPTIONS = word_set("or vs versus / |")
GLOSSES = word_set("( [ （ 【 also k ka ak aka e formerly commonly better otherwise known scientifically scientific")
CLAUSES = _STOPS | word_set(": • - – —")
JOINTS = word_set("+ & and with plus")
DETAILS = word_set(
    """
    with in on at near by which that who whose because since due based given as while during found seen native having
    wearing feeding eating resting perched perching sitting standing flying swimming walking running lying looking
    facing blooming parked driving against among under over above behind beside next characterized characterised
    recognizable recognisable identifiable has have is are it its garnished topped served drizzled covered surrounded
    """
)
"""Without one of these `signs` the patterns above find nothing to cut: 0.1 µs to see, where a pattern takes 2 to 12."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A text without some of its parts."""

    rest: str
    parts: tuple[str, ...]
    """What was taken out; empty if nothing."""


def tidy(text: str) -> str:
    """Without list marks, percentages of confidence, quotation marks and mark-up."""
    if _MARK.search(text) or "confidence" in text.lower():
        text = _JUNK.sub(" ", text)
    return text.strip()


def signs(text: str, words: list[str]) -> set[str]:
    """What a text may be cut at: its normalised words, and its marks but for hyphens, apostrophes and the last stop."""
    return {*words, *_MARK.findall(text.rstrip(_ENDS))}


def without_possessives(text: str) -> str:
    """So that "Harris's Sparrow" is "Harris Sparrow"."""
    return _POSSESSIVE.sub("", text)


def alternatives(text: str) -> list[str]:
    """The options of "A or B", "A/B", "A, B or C", outside brackets; one if there is no such list."""
    masked = _masked(text)
    return _split(_LIST, masked, text) if _OR.search(masked) else [text]


def clauses(text: str) -> list[str]:
    """The parts between commas, colons, dashes, lines and sentences, outside brackets."""
    return _split(_CLAUSE, _masked(text), text)


def accompanied(text: str) -> list[str]:
    """The parts of "A with B"; A may be "fish and chips"."""
    return _split(_WITH, text, text)


def joined(text: str) -> list[str]:
    """The parts of "A and B"."""
    return _split(_JOINED, text, text)


def glosses(text: str) -> Cut:
    """What stands in brackets, or after "also known as"."""
    inside = tuple(part for part in _BRACKETS.findall(text) if normalize(part))
    outside = _BRACKETS.sub(" ", text)
    head, *others = _AKA.split(outside) if _AKA.search(outside) else [outside]
    return Cut(rest=head.strip(), parts=(*inside, *(other for other in others if normalize(other))))


def guess(text: str) -> str:
    """What a text that declines guesses after "but" or "maybe"; empty if it declines that too."""
    match = _GUESS.search(text)
    rest = text[match.end() :] if match and not abstains(normalize(text)) else ""
    return "" if not normalize(rest) or declines(normalize(rest)) else rest


def refusing_clauses(text: str) -> Cut:
    """The clauses that decline to answer, though the whole does not begin so."""
    if not _TURN.search(text):
        return Cut(rest=text, parts=())
    parts = _split(_TURN, text, text)
    refusing = tuple(part for part in parts if declines(normalize(part)) and not abstains(normalize(part)))
    return Cut(rest=", ".join(part for part in parts if part not in refusing) if refusing else text, parts=refusing)


def negation(text: str) -> Cut:
    """What is said not to be the answer, each part up to a comma, a full stop or "but"."""
    kept, denied, at = [], [], 0
    while match := _NEGATION.search(text, at):
        end = _NEGATION_ENDS.search(text, match.end())
        stop = end.end() if end else len(text)
        kept.append(text[at : match.start()])
        denied.append(text[match.start() : stop])
        at = stop
        if stop >= len(text):
            break
    return Cut(rest=" ".join([*kept, text[at:]]).strip(), parts=tuple(denied))


def before_details(text: str) -> list[str]:
    """What may be a name, before what is told about it ("perched on a twig", "with a red bill"), the shortest first."""
    text = text.strip()
    starts = islice(_AFTER_NAME.finditer(text), MOST_DETAILS)
    return [head for match in starts if normalize(head := text[: match.start()].strip())]


def says_what_it_is(text: str) -> bool:
    """Whether a text goes on to name something: "is a …", "looks like the …"."""
    return _NAMES.search(text) is not None


def describes(text: str) -> bool:
    """Whether a clause begins as one that tells something about what was named before it."""
    return _DESCRIBES.match(text.strip()) is not None


def _masked(text: str) -> str:
    """The same length, with brackets and what they hold blotted out."""
    return _BRACKETS.sub(lambda match: "\0" * len(match.group()), text)


def _split(separator: re.Pattern[str], where: str, text: str) -> list[str]:
    parts, at = [], 0
    for match in separator.finditer(where):
        parts.append(text[at : match.start()])
        at = match.end()
    return [part for part in map(str.strip, (*parts, text[at:])) if normalize(part)]

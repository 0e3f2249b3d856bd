"""Which samples a student may learn from, and why not the others."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from rewards.verifier import Verifier
from rlfg.cot.formats import Sample
from rlfg.cot.leakage import find_leak
from rlfg.cot.parts import Parts, split_parts
from rlfg.data import parse_answer
from rlfg.taxonomy import Taxonomy, normalize, resolve
from rlfg.types import Relation

FILTERS = (
    "record", "format", "parts", "label", "candidates", "prediction", "taxonomy", "near", "language", "length",
    "leakage", "copying",
)  # fmt: skip
ENGLISH = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "has", "have", "in", "into", "is", "it",
        "its", "more", "not", "of", "on", "or", "so", "such", "than", "that", "the", "their", "there", "these", "they",
        "this", "to", "was", "which", "while", "with",
    )
)  # fmt: skip
_LATIN = ("LATIN", "MODIFIER", "MICRO SIGN", "MASCULINE ORDINAL", "FEMININE ORDINAL")
"""How the names of letters begin that English is written with: "Kākāpō", "ʻIʻiwi", "5 µm", "45º"."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How strict the filters are."""

    min_words: int = 100
    max_words: int = 1000
    """Of the rationale; Fine-R1's have 250 to 830."""
    max_candidates: int = 4
    near: int = 2
    """Ranks above the answer within which all candidates meet (2: in its family, for a species)."""
    english: float = 0.15
    """The least share of common English words in a paragraph; plain English has about 0.4. 0 takes any language."""
    copied_words: int = 12
    """A run of the question's words that long is copied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """A sample and what is wrong with it."""

    sample: Sample
    reasons: dict[str, str]
    """By filter, in the order of `FILTERS`; none is an accepted sample."""
    unchecked: tuple[str, ...]
    """Filters that had nothing to go by."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All samples, in the order of the file."""

    checked: tuple[Checked, ...]

    @property
    def accepted(self) -> list[Sample]:
        """Those without a reason against them."""
        return [one.sample for one in self.checked if not one.reasons]

    @property
    def rejected(self) -> list[Checked]:
        """The others."""
        return [one for one in self.checked if one.reasons]

    def counts(self) -> dict[str, dict[str, int]]:
        """By filter: how many it rejects, and how many it could not check. A sample may be rejected by several."""
        rejects = Counter(name for one in self.checked for name in one.reasons)
        unchecked = Counter(name for one in self.checked for name in one.unchecked)
        return {name: {"rejected": rejects[name], "unchecked": unchecked[name]} for name in FILTERS}


def check(
    samples: Sequence[Sample],
    *,
    verifier: Verifier | None = None,
    taxonomy: Taxonomy | None = None,
    limits: Limits = Limits(),
    profile: str | None = None,
) -> Report:
    """Applies every filter to every sample.

    Args:
        samples: as `read_samples` gives them.
        verifier: the one of the reward; compares answers with labels, where samples have one.
        taxonomy: for what candidates are and how near they stand.
        limits: of the filters.
        profile: how names are read; None for the one that suits the taxonomy.
    """
    verdicts = {}
    if verifier is not None:
        asked = [sample for sample in samples if sample.label is not None and sample.problem is None]
        found = verifier.verify([(sample.answer, str(sample.label)) for sample in asked])
        verdicts = dict(zip((sample.where for sample in asked), found, strict=True))
    checked = []
    for sample in samples:
        if sample.problem is not None:
            checked.append(Checked(sample=sample, reasons={"record": sample.problem}, unchecked=FILTERS[1:]))
            continue
        parts = split_parts(sample.rationale)
        judge = _Judgement(sample, parts, limits)
        judge.form()
        if sample.where in verdicts and sample.answer is not None:
            verdict = verdicts[sample.where]
            if verdict.relation is None and not verdict.unparsed:
                judge.unchecked.append("label")
            elif verdict.relation not in (Relation.SPECIFIC, Relation.MORE_SPECIFIC):
                judge.against("label", f"{sample.answer!r} is {verdict.label} beside {sample.label!r}")
        else:
            judge.unchecked.append("label")
        judge.names(taxonomy, profile)
        judge.text()
        reasons = {name: judge.reasons[name] for name in FILTERS if name in judge.reasons}
        checked.append(Checked(sample=sample, reasons=reasons, unchecked=tuple(judge.unchecked)))
    return Report(checked=tuple(checked))


class _Judgement:
    """One sample, filter by filter."""

    def __init__(self, sample: Sample, parts: Parts, limits: Limits) -> None:
        self.sample, self.parts, self.limits = sample, parts, limits
        self.reasons: dict[str, str] = {}
        self.unchecked: list[str] = []

    def against(self, name: str, why: str) -> None:
        self.reasons.setdefault(name, why)

    def form(self) -> None:
        """Tags, parts, and candidates as texts."""
        if not parse_answer(self.sample.completion, "strict").answer:
            self.against("format", "not <think>…</think><answer>…</answer> and nothing else")
        if self.parts.missing:
            self.against("parts", f"no {', '.join(self.parts.missing)}")
        if "candidates" in self.parts.missing:
            self.unchecked.append("candidates")
        elif not 1 < len(self.parts.candidates) <= self.limits.max_candidates:
            count, most = len(self.parts.candidates), self.limits.max_candidates
            self.against("candidates", f"{count} candidates ({'; '.join(self.parts.candidates[:6])}); 2 to {most}")

    def names(self, taxonomy: Taxonomy | None, profile: str | None) -> None:
        """The answer among the candidates; the candidates in the taxonomy, and near one another."""
        answer, names = self.sample.answer, self.parts.candidates
        if answer is None or not names:
            self.unchecked += ["prediction", "taxonomy", "near"]
            return
        nodes = {name: _node(taxonomy, name, profile) for name in (answer, *names)} if taxonomy is not None else {}
        said = {normalize(name) for name in names}
        same = nodes.get(answer) is not None and nodes[answer] in {nodes[name] for name in names}
        if normalize(answer) not in said and not same:
            self.against("prediction", f"{answer!r} is none of the candidates ({'; '.join(names)})")
        if taxonomy is None:
            self.unchecked += ["taxonomy", "near"]
            return
        unknown = [name for name in names if nodes[name] is None]
        if unknown:
            self.against("taxonomy", f"not in the taxonomy: {'; '.join(unknown)}")
        known = [node for name in names if (node := nodes[name]) is not None]
        if (target := nodes[answer]) is None or len(known) < 2:
            self.unchecked.append("near")
            return
        meet = reduce(taxonomy.lca, known, target)
        ranks = int(taxonomy.depth[target]) - int(taxonomy.depth[meet])
        if ranks > self.limits.near:
            where = taxonomy.describe(meet)
            self.against(
                "near", f"candidates meet in {where}, {ranks} ranks above the answer; at most {self.limits.near}"
            )

    def text(self) -> None:
        """Language, length, leaks, copies."""
        rationale, limits = self.sample.rationale, self.limits
        strange = _strange(rationale, limits.english) if limits.english else None
        if strange is not None:
            self.against("language", f"not English: {strange[:80]!r}")
        words = len(rationale.split())
        if not limits.min_words <= words <= limits.max_words:
            self.against("length", f"{words} words; {limits.min_words} to {limits.max_words}")
        leak = find_leak(rationale)
        if leak is not None:
            self.against("leakage", f"speaks of what a student is not shown: …{leak}…")
        copied = _copied(self.sample.question, rationale, limits.copied_words)
        if copied is not None:
            self.against("copying", f"copies the question: {copied!r}")


def _node(taxonomy: Taxonomy, name: str, profile: str | None) -> int | None:
    """The taxon of a name; of a group noun or of namesakes the one that holds all of them."""
    found = resolve(taxonomy, name, profile)
    return reduce(taxonomy.lca, found.candidates) if found.named else None


def _strange(text: str, least: float) -> str | None:
    """Letters of another script, or a paragraph without the words that English cannot do without."""
    for word in () if text.isascii() else _WORD.findall(text):
        if any(not unicodedata.name(c, "LATIN").startswith(_LATIN) for c in word if c.isalpha()):
            return str(word)
    for paragraph in text.split("\n"):
        words = [word.lower() for word in _WORD.findall(paragraph)]
        if len(words) >= 15 and sum(word in ENGLISH for word in words) < least * len(words):
            return paragraph.strip()
    return None


def _copied(question: str, rationale: str, run: int) -> str | None:
    """The first run of the question's words that the rationale repeats."""
    asked, said = (_WORD.findall(text.lower()) for text in (question, rationale))
    runs = {tuple(asked[i : i + run]) for i in range(len(asked) - run + 1)}
    places = (said[i : i + run] for i in range(len(said) - run + 1))
    return next((" ".join(words) for words in places if tuple(words) in runs), None)

"""From N sampled answers about a picture to a confidence for every taxon: summed up the taxonomy.

A taxon's confidence is the share of all N, the unreadable and the refusals included, that name it or something below
it. From the root, the path goes on to the child with the most of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Literal

from rlfg.data import ParseMode, parse_answer
from rlfg.taxonomy import Taxonomy, resolve

Outcome = Literal["resolved", "unresolved", "refused", "unparsed"]
OUTCOMES: tuple[Outcome, ...] = ("resolved", "unresolved", "refused", "unparsed")
REMEMBERED = 1 << 16
Reader = Callable[[str], "Read"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """One sampled answer, as the rewards' own parser and resolver read it."""

    outcome: Outcome
    node: int | None = None
    """The taxon it names, if resolved; what stands above all of them, of a group noun or of namesakes."""
    thoughts: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Confidence:
    """What N answers say of one picture."""

    asked: int
    named: Counter[int]
    """Answers that name exactly a taxon."""
    support: Counter[int]
    """Answers that name it or something below it."""
    path: tuple[int, ...]
    """The most supported, root first; empty where nothing was named. Of equals, the first in the taxonomy."""

    def of(self, node: int) -> float:
        """Share of all answers."""
        return self.support[node] / self.asked


def reader(taxonomy: Taxonomy, *, profile: str | None, mode: ParseMode) -> Reader:
    """Reads completions; what an answer names is remembered, for a model repeats itself."""
    name = namer(taxonomy, profile)

    def read(completion: str) -> Read:
        parsed = parse_answer(completion, mode)
        if parsed.answer is None:
            return Read(outcome="unparsed", thoughts=parsed.thoughts)
        outcome, node = name(parsed.answer)
        return Read(outcome=outcome, node=node, thoughts=parsed.thoughts)

    name("a nameless thing")  # Makes all of the resolver's index now, and not under the first request.
    return read


def namer(taxonomy: Taxonomy, profile: str | None) -> Callable[[str], tuple[Outcome, int | None]]:
    """What a bare answer names, without sight of any truth."""

    @lru_cache(REMEMBERED)
    def name(answer: str) -> tuple[Outcome, int | None]:
        found = resolve(taxonomy, answer, profile)
        if found.status == "abstain":
            return "refused", None
        return ("resolved", reduce(taxonomy.lca, found.candidates)) if found.named else ("unresolved", None)

    return name


def confidence(taxonomy: Taxonomy, nodes: Sequence[int | None]) -> Confidence:
    """Sums answers up the taxonomy.

    Args:
        taxonomy: what they name.
        nodes: the taxon of each of the N answers; None where it names none.
    """
    named = Counter(node for node in nodes if node is not None)
    support: Counter[int] = Counter()
    for node, count in named.items():
        for above in taxonomy.lineage(node):
            support[above] += count
    return Confidence(asked=len(nodes), named=named, support=support, path=tuple(_path(taxonomy, support)))


def _path(taxonomy: Taxonomy, support: Counter[int]) -> list[int]:
    path = [0] if support else []
    while path:
        below = [node for node in support if node and int(taxonomy.parent[node]) == path[-1]]
        if not below:
            break
        path.append(min(below, key=lambda node: (-support[node], node)))
    return path

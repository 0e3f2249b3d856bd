"""From N sampled answers to one taxon, or to none: the deepest that enough of them name, or name something below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, Literal

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


def reader(taxonomy: Taxonomy, *, profile: str | None, mode: ParseMode) -> Reader:
    """Reads completions; what an answer names is remembered, for a model repeats itself."""

    @lru_cache(REMEMBERED)
    def name(answer: str) -> tuple[Outcome, int | None]:
        found = resolve(taxonomy, answer, profile)
        if found.status == "abstain":
            return "refused", None
        return ("resolved", reduce(taxonomy.lca, found.candidates)) if found.named else ("unresolved", None)

    def read(completion: str) -> Read:
        parsed = parse_answer(completion, mode)
        if parsed.answer is None:
            return Read(outcome="unparsed", thoughts=parsed.thoughts)
        outcome, node = name(parsed.answer)
        return Read(outcome=outcome, node=node, thoughts=parsed.thoughts)

    name("")  # Makes the resolver's index now, and not under the first request.
    return read


def vote(taxonomy: Taxonomy, reads: Sequence[Read], *, threshold: float) -> dict[str, Any]:
    """The answer to a picture, as the API has it, from all N of its sampled answers.

    A taxon's confidence is the share of all N, the unreadable included, that name it or something below it. From the
    root the path goes on to the child with most of them (of equals, the first in the taxonomy). What is vouched for is
    the deepest taxon on it with at least `threshold`; the root vouches for nothing, so that only it is abstaining.
    """
    asked = len(reads)
    named = Counter(read.node for read in reads if read.node is not None)
    support: Counter[int] = Counter()
    for node, count in named.items():
        for above in taxonomy.lineage(node):
            support[above] += count
    path = most_supported_path(taxonomy, support)
    vouched = next((node for node in reversed(path) if node and support[node] >= threshold * asked), None)

    def taxon(node: int, **more: float) -> dict[str, Any]:
        return {**describe(taxonomy, node), **more}

    return {
        "answer": None if vouched is None else taxonomy.node_name(vouched),
        "abstained": vouched is None,
        "taxon": None if vouched is None else taxon(vouched),
        "lineage": [taxon(node, confidence=support[node] / asked) for node in path],
        "confidence": {str(rank): support[node] / asked for node in path if (rank := taxonomy.ranks[node]) is not None},
        "candidates": [
            taxon(node, confidence=count / asked)
            for node, count in sorted(named.items(), key=lambda one: (-one[1], one[0]))
        ],
        "samples": {"asked": asked} | {o: sum(read.outcome == o for read in reads) for o in OUTCOMES},
        "rationale": None if vouched is None else rationale(taxonomy, reads, vouched),
    }


def most_supported_path(taxonomy: Taxonomy, support: Counter[int]) -> list[int]:
    """From the root down; empty where nothing was named."""
    path = [0] if support else []
    while path:
        supported = [node for node in support if node and int(taxonomy.parent[node]) == path[-1]]
        if not supported:
            break
        path.append(min(supported, key=lambda node: (-support[node], node)))
    return path


def rationale(taxonomy: Taxonomy, reads: Sequence[Read], vouched: int) -> str | None:
    """The thoughts of the first answer that names the vouched taxon or something below it."""
    return next(
        (
            read.thoughts
            for read in reads
            if read.thoughts
            and read.node is not None
            and (read.node == vouched or taxonomy.is_ancestor(vouched, read.node))
        ),
        None,
    )


def describe(taxonomy: Taxonomy, node: int) -> dict[str, Any]:
    """A taxon: the source's identifier (its number in the tree where the source gives none), name and rank."""
    ids = taxonomy.ids[node]
    return {"id": ids[0] if ids else str(node), "name": taxonomy.node_name(node), "rank": taxonomy.ranks[node]}

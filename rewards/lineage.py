"""The lineage term: do the ranks that the thoughts name go with the answer?

"It has the bill of the family Laridae … <answer>Mallard</answer>" contradicts itself, and a model is better off
noticing. What is read is a rank said aloud beside a taxon of that rank ("family Laridae", "the genus is Larus", "Larus
genus"), neither negated nor compared with just before ("not in the family Laridae", "unlike the genus Sterna"); a
bare name may be a comparison, and is not read. A rank for which two taxa are named is undecided and not read either,
so that naming all of them earns nothing and weighing two costs nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict

from rewards.group import Group
from rlfg.data.answers import parse_answer
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, normalize
from rlfg.types import Verdict

_SENTENCE = re.compile(r"[.;!?\n]|,? but ")
_SET_APART = {
    "compared", "excludes", "excluding", "instead", "isnt", "like", "neither", "never", "no", "nor", "not", "rather",
    "resembles", "similar", "than", "unlike", "versus", "vs",
}  # fmt: skip
_REACH = 4
"""Words before a claim in which one of these counts."""
_LINKS = {"is", "of", "the", "called", "named"}
_LONGEST = 3
"""Words of a name beside a rank."""


def lineage(group: Group, *, taxonomy: Taxonomy | None) -> list[float]:
    """1 if the thoughts name ranks and all go with a correct answer, -1 if any contradicts the answer, else 0.

    A named taxon goes with an answer that it stands above, or is. What stands below the answer says more than was
    answered: it is neither paid nor a contradiction, since every name goes with "organism". Nor is a taxon paid that
    holds every leaf of the tree, nor any where the answer is wrong or that no taxonomy resolved, so that a made-up
    lineage earns nothing by agreeing with a made-up answer.

    Args:
        group: with its completions.
        taxonomy: the verifier's; None only where a configuration is checked.

    Raises:
        RlfgError: There is no taxonomy.
    """
    if group.verdicts and taxonomy is None:
        raise RlfgError('the term "lineage" reads ranks by a taxonomy; add verifier.taxonomy, or leave the term out')
    return [_grade(taxonomy, v, text) for v, text in zip(group.verdicts, group.completions, strict=False) if taxonomy]


def _grade(taxonomy: Taxonomy, verdict: Verdict, completion: str) -> float:
    answer = verdict.answer_node
    thoughts = parse_answer(completion).thoughts
    if answer is None or not thoughts:
        return 0.0
    named = claims(taxonomy, thoughts)
    if any(not any(_on_path(taxonomy, node, answer) for node in claim) for claim in named):
        return -1.0
    correct = verdict.relation is not None and verdict.relation.is_correct
    return float(correct and any(_supports(taxonomy, node, answer) for claim in named for node in claim))


def claims(taxonomy: Taxonomy, thoughts: str) -> list[tuple[int, ...]]:
    """For each rank of which one taxon is named beside it, that taxon (its namesakes of that rank)."""
    ranks = {normalize(rank) for rank in taxonomy.main_ranks}
    named: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for sentence in _SENTENCE.split(thoughts):
        words = normalize(sentence).split()
        for i, word in enumerate(words):
            if word in ranks and not _SET_APART & set(words[max(0, i - _REACH) : i]):
                named[word].add(_beside(taxonomy, words, i))
    return [claim for found in named.values() if len(found - {()}) == 1 for claim in found - {()}]


def _beside(taxonomy: Taxonomy, words: list[str], i: int) -> tuple[int, ...]:
    """The taxa of the rank at `words[i]` that are named after it, else before it; the longest name counts."""
    start = next((j for j in range(i + 1, len(words)) if words[j] not in _LINKS), len(words))
    after = [words[start : start + length] for length in range(_LONGEST, 0, -1)]
    before = [words[max(0, i - length) : i] for length in range(_LONGEST, 0, -1)]
    for name in (*after, *before):
        found = tuple(n for n in taxonomy.lookup(" ".join(name)) if normalize(taxonomy.ranks[n] or "") == words[i])
        if found:
            return found
    return ()


def _supports(taxonomy: Taxonomy, claim: int, answer: int) -> bool:
    """Whether the claim tells something of the answer: it is or holds it, and does not hold everything."""
    tells = int(taxonomy.leaf_count[claim]) < int(taxonomy.leaf_count[0])
    return tells and (claim == answer or taxonomy.is_ancestor(claim, answer))


def _on_path(taxonomy: Taxonomy, a: int, b: int) -> bool:
    return a == b or taxonomy.is_ancestor(a, b) or taxonomy.is_ancestor(b, a)

"""The lineage term: do the ranks that the thoughts name go with the answer?

"It has the bill of the family Laridae … <answer>Mallard</answer>" contradicts itself, and a model is better off
noticing. What is read is a rank said aloud beside a taxon of that rank ("family Laridae", "the genus Larus", "Larus
genus"), not negated just before ("not in the family Laridae"); a bare name may be a comparison, and is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rewards.group import Group
from rlfg.data.answers import parse_answer
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, normalize
from rlfg.types import Verdict

_SENTENCE = re.compile(r"[.;!?\n]|,? but ")
_NEGATIONS = {"not", "no", "neither", "nor", "unlike", "isnt", "never", "excludes", "excluding", "rather", "instead"}
_REACH = 4
"""Words before a claim in which a negation counts."""


def lineage(group: Group, *, taxonomy: Taxonomy | None) -> list[float]:
    """1 if the thoughts name ranks and all go with a correct answer, -1 if any contradicts the answer, else 0.

    A named taxon goes with an answer that it stands above or below, or is. Nothing is paid to an answer that is
    wrong, or that no taxonomy resolved, so that a made-up lineage earns nothing by agreeing with a made-up answer.

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
    fits = [any(_on_path(taxonomy, node, answer) for node in claim) for claim in claims(taxonomy, thoughts)]
    if not all(fits):
        return -1.0
    return float(bool(fits) and verdict.relation is not None and verdict.relation.is_correct)


def claims(taxonomy: Taxonomy, thoughts: str) -> Iterator[tuple[int, ...]]:
    """For each rank said aloud, the taxa of that rank that are named beside it."""
    ranks = {normalize(rank) for rank in taxonomy.main_ranks}
    for sentence in _SENTENCE.split(thoughts):
        words = normalize(sentence).split()
        for i, word in enumerate(words):
            if word in ranks and not _NEGATIONS & set(words[max(0, i - _REACH) : i]):
                beside = words[i + 1 : i + 2], words[i - 1 : i] if i else []
                for name in (side[0] for side in beside if side):
                    found = tuple(n for n in taxonomy.lookup(name) if normalize(taxonomy.ranks[n] or "") == word)
                    if found:
                        yield found
                        break


def _on_path(taxonomy: Taxonomy, a: int, b: int) -> bool:
    return a == b or taxonomy.is_ancestor(a, b) or taxonomy.is_ancestor(b, a)

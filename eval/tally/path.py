"""Answers to one question a rank: right at each, and one path of the tree or not."""

from __future__ import annotations

from itertools import accumulate, pairwise
from operator import and_

from eval.tally.mark import Mark, Outcome, answers_of, key_of
from rlfg.data import ParseMode
from rlfg.taxonomy import Taxonomy, normalize, resolve
from rlfg.types import Prediction


def mark_path(line: Prediction, mode: ParseMode, taxonomy: Taxonomy) -> Mark:
    """Right at a rank where the answer names the truth's taxon of that very rank.

    `right_at_RANK` by rank; after Tan, Qing & Gong 2025 (arXiv 2505.24840) `hca`, 1 where all ranks are right, `tor`,
    the share of neighbouring ranks that are right together (none for a truth of one rank, which is 0 in their code),
    `por`, the share of ranks that are right, and `strict_por`, of those before the first that is not; `consistent`, 1
    where all answers are taxa of one path, right or wrong. Ranks that the truth has no taxon at (a genus has no
    species) take no part.
    """
    ranks = key_of(line, "ranks")
    truths = _path_of(taxonomy, line.truth)
    outcomes: list[Outcome] = []
    nodes: list[int | None] = []
    values: dict[str, float] = {}
    answers = answers_of(line, len(ranks), mode)
    for rank, answer in zip(ranks, answers, strict=True):
        node = None if answer is None else named_at(taxonomy, answer, rank, truths.get(rank))
        nodes.append(node)
        if rank not in truths:
            outcomes.append("no_truth")
            continue
        right = node == truths[rank]
        values[f"right_at_{rank}"] = float(right)
        outcomes.append("empty" if answer is None else "unreadable" if node is None else "right" if right else "wrong")
    asked = [outcome == "right" for outcome in outcomes if outcome != "no_truth"]
    if len(asked) > 1:
        values["tor"] = sum(a and b for a, b in pairwise(asked)) / (len(asked) - 1)
    if asked:
        values["hca"] = float(all(asked))
        values["por"] = sum(asked) / len(asked)
        values["strict_por"] = sum(accumulate(asked, and_)) / len(asked)
        at_truths = [node for node, outcome in zip(nodes, outcomes, strict=True) if outcome != "no_truth"]
        named = [node for node in at_truths if node is not None]
        one_path = len(named) == len(at_truths) and all(taxonomy.is_ancestor(a, b) for a, b in pairwise(named))
        values["consistent"] = float(one_path)
    said = tuple(None if node is None else taxonomy.describe(node) for node in nodes)
    return Mark(outcomes=tuple(outcomes), said=said, answers=tuple(answers), values=values)


def named_at(taxonomy: Taxonomy, answer: str, rank: str, truth: int | None = None) -> int | None:
    """The one taxon of this rank that an answer names; a name that a genus shares with its family is either's.

    Of namesakes at this rank (Dodge's Sprinter and Mercedes-Benz's) it is the truth, as for every verdict.
    """
    found = resolve(taxonomy, answer)
    if not found.named or (found.group and len(found.candidates) > 1):
        return None
    wanted = normalize(found.span or answer)
    there = {node for node in found.candidates if taxonomy.ranks[node] == rank} or {
        above
        for node in found.candidates
        for above in taxonomy.lineage(node)
        if taxonomy.ranks[above] == rank
        and wanted in map(normalize, (taxonomy.node_name(above), *taxonomy.other_names(above)))
    }
    if truth in there:
        return truth
    return there.pop() if len(there) == 1 else None


def _path_of(taxonomy: Taxonomy, truth: str) -> dict[str, int]:
    """The truth's taxon at each rank; empty where it is no taxon."""
    found = resolve(taxonomy, truth)
    if not found.named or len(found.candidates) != 1:
        return {}
    lineage = taxonomy.lineage(found.candidates[0])
    return {rank: node for node in lineage[1:] if (rank := taxonomy.ranks[node]) is not None}

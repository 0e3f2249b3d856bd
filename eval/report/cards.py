"""The cards of the gallery: a picture, or those of one question, with what is true of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from eval.report.closed import KINDS, ClosedRun
from eval.score import ScoredItem
from eval.tally import TalliedItem
from rlfg.taxonomy import Taxonomy

Key = str | tuple[str, str, str | None]
"""Of a card: the id of a picture with open answers; id, truth and group of a closed question about another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What stands on it before any answer."""

    id: str
    truth: str
    above: str
    """The taxa above the truth, without the root, as one text; of a closed question its kind."""
    group: str | None
    files: tuple[str, ...]


def make_cards(
    runs: Sequence[Sequence[ScoredItem]], closed: Sequence[ClosedRun], taxonomy: Taxonomy | None
) -> dict[Key, Card]:
    """A card for each picture and question, in order of appearance; an answer that did not fail says the truth."""
    first: dict[str, ScoredItem] = {}
    for items in runs:
        for item in items:
            if item.id not in first or (first[item.id].error is not None and item.error is None):
                first[item.id] = item
    above = _lineages(taxonomy)
    cards: dict[Key, Card] = {
        id_: Card(
            id=id_,
            truth=item.truth,
            above=above(item),
            group=item.group,
            files=() if item.image is None else (item.image,),
        )
        for id_, item in first.items()
    }
    for run in closed:
        for question in run.items:
            key = card_key(question, cards)
            card = cards.setdefault(key, _of_question(question, run.metrics["protocol"]))
            if not card.files and question.images:
                cards[key] = replace(card, files=question.images)
    return cards


def _of_question(question: TalliedItem, protocol: str) -> Card:
    return Card(
        id=question.id,
        truth=question.truth,
        above=KINDS.get(protocol, protocol),
        group=question.group,
        files=question.images,
    )


def card_key(question: TalliedItem, cards: Mapping[Key, Card]) -> Key:
    """The card of the same picture where there is one with the same truth and group; else its own."""
    card = cards.get(question.id)
    if card is not None and card.truth == question.truth and question.group in (None, card.group):
        return question.id
    return question.id, question.truth, question.group


def _lineages(taxonomy: Taxonomy | None) -> Callable[[ScoredItem], str]:
    """What stands above an item's truth; of one that has nothing but the root there, what it is."""

    @lru_cache(None)
    def of_node(node: int) -> str:
        assert taxonomy is not None
        return " › ".join(map(taxonomy.node_name, taxonomy.lineage(node)[1:-1])) or taxonomy.describe(node)

    def above(item: ScoredItem) -> str:
        if taxonomy is None:
            return item.truth_taxon or ""
        node = item.class_node if item.verdict.truth_node is None else item.verdict.truth_node
        return "not in the taxonomy" if node is None else of_node(node)

    return above

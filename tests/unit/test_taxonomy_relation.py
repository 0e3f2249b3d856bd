"""Verdicts and specificity of node pairs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, relation, specificity, taxonomy_from_lineages
from rlfg.taxonomy.build import TaxonRecord, build_taxonomy
from rlfg.types import Relation

RANKS = ("order", "family", "genus", "species", "subspecies")
GULLS = taxonomy_from_lineages(
    {
        "argenteus": ["Charadriiformes", "Laridae", "Larus", "Herring Gull", "argenteus"],
        "Common Gull": ["Charadriiformes", "Laridae", "Larus", "Common Gull"],
        "Wren": ["Passeriformes", "Troglodytidae", "Troglodytes", "Wren"],
    },
    ranks=RANKS,
    root="bird",
)


def node(tree: Taxonomy, name: str) -> int:
    (found,) = tree.lookup(name)
    return found


@pytest.mark.parametrize(
    ("answer", "expected", "share"),
    [
        ("Herring Gull", Relation.SPECIFIC, 1.0),
        ("argenteus", Relation.MORE_SPECIFIC, 1.0),
        ("Larus", Relation.LESS_SPECIFIC, 3 / 4),
        ("Laridae", Relation.LESS_SPECIFIC, 2 / 4),
        ("Charadriiformes", Relation.GENERIC, 1 / 4),
        ("bird", Relation.GENERIC, 0.0),
        ("Common Gull", Relation.WRONG, None),
        ("Passeriformes", Relation.WRONG, None),
    ],
)
def test_a_species_with_the_default_border(answer: str, expected: Relation, share: float | None) -> None:
    pair = node(GULLS, answer), node(GULLS, "Herring Gull")
    assert relation(GULLS, *pair) is expected
    assert specificity(GULLS, *pair) == share


@pytest.mark.parametrize(
    ("border", "close"),
    [
        (0, []),
        (1, ["Larus"]),
        (3, ["Larus", "Laridae", "Charadriiformes"]),
        (9, ["Larus", "Laridae", "Charadriiformes"]),
    ],
)
def test_the_border_moves_but_never_takes_in_the_root(border: int, close: list[str]) -> None:
    truth = node(GULLS, "Herring Gull")
    above = GULLS.lineage(truth)[:-1]
    verdicts = {GULLS.names[a]: relation(GULLS, a, truth, border=border) for a in above}
    assert [n for n in reversed(verdicts) if verdicts[n] is Relation.LESS_SPECIFIC] == close
    assert verdicts["bird"] is Relation.GENERIC


def test_a_negative_border_is_an_error() -> None:
    with pytest.raises(RlfgError, match="border is -1"):
        relation(GULLS, 0, 1, border=-1)


def test_the_root_as_truth_is_only_ever_met_or_exceeded() -> None:
    assert relation(GULLS, 0, 0) is Relation.SPECIFIC
    assert relation(GULLS, 3, 0) is Relation.MORE_SPECIFIC
    assert specificity(GULLS, 0, 0) == specificity(GULLS, 3, 0) == 1.0


def test_a_border_of_edges_without_ranks() -> None:
    tree = taxonomy_from_lineages({"pho": ["food", "main", "soup", "noodle soup", "pho"]})
    verdicts = [relation(tree, answer, node(tree, "pho")).value for answer in range(tree.n)]
    assert verdicts == ["GENERIC", "GENERIC", "LESS_SPECIFIC", "LESS_SPECIFIC", "SPECIFIC"]


def test_a_clade_counts_as_its_ranked_ancestor_does() -> None:
    chain = [
        ("life", None), ("order", "order"), ("suborder", "suborder"), ("family", "family"),
        ("tribe", None), ("genus", "genus"), ("section", "section"), ("species", "species"),
    ]  # fmt: skip
    records = [
        TaxonRecord(id=i, parent=i - 1 if i else None, name=name, rank=rank, where="toy")
        for i, (name, rank) in enumerate(chain)
    ]
    tree = build_taxonomy(records, source="toy", main_ranks=("order", "family", "genus", "species"))
    verdicts = [relation(tree, answer, 7).value for answer in range(7)]
    assert verdicts == ["GENERIC"] * 3 + ["LESS_SPECIFIC"] * 4
    assert [specificity(tree, answer, 7) for answer in range(7)] == [
        0,
        1 / 4,
        1 / 4,
        2 / 4,
        2 / 4,
        3 / 4,
        3 / 4,
    ]


@st.composite
def trees_with_a_pair(draw: st.DrawFn) -> tuple[Taxonomy, int, int]:
    """Some nodes ranked by how many ranks have been passed above them, others clades."""
    ranked = draw(st.booleans())
    levels = [-1]
    records = [TaxonRecord(id=0, parent=None, name="0", where="toy")]
    for i in range(1, draw(st.integers(2, 14))):
        parent = draw(st.integers(0, i - 1))
        level = draw(st.sampled_from([None, *range(levels[parent] + 1, len(RANKS))]))
        levels.append(levels[parent] if level is None else level)
        rank = None if level is None or not ranked else RANKS[level]
        records.append(TaxonRecord(id=i, parent=parent, name=str(i), rank=rank, where="toy"))
    tree = build_taxonomy(records, source="toy", main_ranks=RANKS if ranked else ())
    return tree, draw(st.integers(0, tree.n - 1)), draw(st.integers(0, tree.n - 1))


@given(trees_with_a_pair(), st.integers(0, 4))
def test_duality_and_range(case: tuple[Taxonomy, int, int], border: int) -> None:
    tree, a, b = case
    forth, back = relation(tree, a, b, border=border), relation(tree, b, a, border=border)
    assert (forth is Relation.MORE_SPECIFIC) == tree.is_ancestor(b, a)
    assert (forth is Relation.SPECIFIC) == (a == b) == (back is Relation.SPECIFIC)
    assert (forth is Relation.WRONG) == (back is Relation.WRONG) == (tree.lca(a, b) not in (a, b))
    assert (forth is Relation.MORE_SPECIFIC) == (back in (Relation.GENERIC, Relation.LESS_SPECIFIC))
    share = specificity(tree, a, b)
    assert (share is not None) == forth.is_correct
    assert share is None or 0 <= share <= 1
    assert forth.order < 4 or share == 1.0
    assert not (a == 0 and b != 0) or (forth is Relation.GENERIC and share == 0.0)


@given(trees_with_a_pair(), st.integers(0, 4))
def test_going_down_towards_the_truth_never_lowers_the_verdict(case: tuple[Taxonomy, int, int], border: int) -> None:
    tree, _, truth = case
    path = tree.lineage(truth)
    orders = [relation(tree, answer, truth, border=border).order for answer in path]
    shares = [specificity(tree, answer, truth) or 0.0 for answer in path]
    assert orders == sorted(orders)
    assert shares == sorted(shares)

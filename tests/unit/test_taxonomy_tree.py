"""The tree: ids, look-up, depth, hash."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, TaxonRecord, build_taxonomy, taxonomy_from_lineages

# bird ─ Apodi ─ Swift
#      └ Passeri ┬ Corvi ┬ Jay
#                │       └ Rook
#                └ Wren
BIRDS = taxonomy_from_lineages(
    {
        "Rook": ["Passeri", "Corvi", "Rook"],
        "Jay": ["Passeri", "Corvi", "Jay"],
        "Wren": ["Passeri", "Wren"],
        "Swift": ["Apodi", "Swift"],
    },
    root="bird",
    root_aliases=["birds"],
)


def record(
    key: str,
    parent: str | None,
    *,
    name: str | None = None,
    rank: str | None = None,
    aliases: tuple[str, ...] = (),
) -> TaxonRecord:
    return TaxonRecord(id=key, parent=parent, name=name or key, rank=rank, vernaculars=aliases, where=f"toy:{key}")


def build(*records: TaxonRecord, main_ranks: tuple[str, ...] = (), root: str | None = None) -> Taxonomy:
    return build_taxonomy(records, source="toy", main_ranks=main_ranks, root=root)


def test_ids_run_depth_first_in_alphabetical_order() -> None:
    assert BIRDS.names == ("bird", "Apodi", "Swift", "Passeri", "Corvi", "Jay", "Rook", "Wren")
    assert BIRDS.parent.tolist() == [-1, 0, 1, 0, 3, 4, 4, 3]
    assert BIRDS.n == 8


def test_walking() -> None:
    assert BIRDS.lineage(6) == (0, 3, 4, 6)
    assert BIRDS.lineage(0) == (0,)
    assert BIRDS.children(0) == (1, 3)
    assert BIRDS.children(3) == (4, 7)
    assert BIRDS.children(7) == ()
    assert BIRDS.leaves() == (2, 5, 6, 7)
    assert BIRDS.leaf_count.tolist() == [4, 1, 1, 3, 2, 1, 1, 1]
    assert BIRDS.lca(6, 7) == 3
    assert BIRDS.lca(6, 2) == 0
    assert BIRDS.lca(4, 6) == 4
    assert BIRDS.is_ancestor(3, 6)
    assert not BIRDS.is_ancestor(6, 3)
    assert not BIRDS.is_ancestor(3, 3)


def test_depth_counts_edges_without_ranks() -> None:
    assert BIRDS.main_ranks == ()
    assert BIRDS.depth.tolist() == [0, 1, 2, 1, 2, 3, 3, 2]


def test_several_top_taxa_are_joined_under_the_declared_root() -> None:
    assert BIRDS.lookup("Bird") == BIRDS.lookup("birds") == (0,)
    assert BIRDS.ranks[0] is None


def test_no_text_names_a_root_that_was_not_declared() -> None:
    unnamed = build(record("a", None), record("b", None))
    assert unnamed.n == 3
    assert unnamed.lookup("root") == unnamed.lookup("(root)") == ()


def test_a_single_top_taxon_keeps_its_name_and_gets_the_declared_ones() -> None:
    single = build_taxonomy(
        [record("Aves", None, rank="class"), record("Wren", "Aves")],
        source="toy",
        root="bird",
        root_aliases=["birds", "aves"],
    )
    assert single.names == ("Aves", "Wren")
    assert single.other_names(0) == ("bird", "birds")
    assert single.lookup("BIRDS") == (0,)


def test_lookup_folds_and_finds_aliases() -> None:
    tree = build(record("a", None), record("b", "a", name="Brewer's Blackbird", aliases=("Euphagus", "mirlo")))
    assert tree.lookup("brewers-blackbird") == tree.lookup("EUPHAGUS") == tree.lookup("mirlo") == (1,)
    assert tree.lookup("blackbird") == tree.lookup("") == ()


def test_a_name_along_one_lineage_means_its_deepest_node() -> None:
    tree = taxonomy_from_lineages(
        {"Phoebe": ["Aves", "Phoebe", "Sayornis", "Phoebe"], "Gorilla": ["Aves", "Gorilla", "Gorilla"]}
    )
    (phoebe,) = tree.lookup("phoebe")
    (gorilla,) = tree.lookup("gorilla")
    assert tree.depth[phoebe] == 3
    assert tree.depth[gorilla] == 2


def test_a_name_on_two_lineages_gives_both_and_drops_only_what_is_above_one_of_them() -> None:
    tree = taxonomy_from_lineages(
        {
            "Iris": ["Plants", "Iris"],
            "Iris oratoria": ["Animals", "Iris", "Iris oratoria"],
            "Iris nova": ["Fungi", "Iris", {"name": "Iris nova", "common": "iris"}],
        }
    )
    found = tree.lookup("iris")
    assert [[tree.names[n] for n in tree.lineage(node)[1:]] for node in found] == [
        ["Animals", "Iris"],
        ["Fungi", "Iris", "Iris nova"],
        ["Plants", "Iris"],
    ]


MAIN = ("order", "family", "genus", "species")
RANKED = build(
    record("Formes", None, rank="order"),
    record("Clade", "Formes", rank="clade"),
    record("Idae", "Clade", rank="family"),
    record("Tribe", "Idae"),
    record("Genus", "Tribe", rank="genus"),
    record("sp", "Genus", rank="species"),
    record("subsp", "sp", rank="subspecies"),
    record("stray", "Formes", rank="species"),
    record("Other", None, rank="family"),
    main_ranks=MAIN,
    root="thing",
)


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("thing", 0), ("Formes", 1), ("Clade", 1), ("Idae", 2), ("Tribe", 2), ("Genus", 3), ("sp", 4),
        ("subsp", 4), ("stray", 4), ("Other", 2),
    ],
)  # fmt: skip
def test_depth_counts_main_ranks_and_clades_have_that_of_their_ranked_ancestor(name: str, depth: int) -> None:
    (node,) = RANKED.lookup(name)
    assert RANKED.depth[node] == depth


def test_depth_starts_at_a_ranked_root() -> None:
    tree = build(record("Idae", None, rank="family"), record("sp", "Idae", rank="species"), main_ranks=MAIN)
    assert tree.depth.tolist() == [0, 2]


def test_describe_names_the_rank_where_there_is_one() -> None:
    assert RANKED.describe(RANKED.lookup("sp")[0]) == "species sp"
    assert RANKED.describe(0) == RANKED.node_name(0) == "thing"


def test_it_cannot_be_changed_and_survives_pickling() -> None:
    with pytest.raises(ValueError, match="read-only"):
        BIRDS.parent[1] = 2
    with pytest.raises(AttributeError):
        BIRDS.names = ()  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(BIRDS))
    assert copy.hash == BIRDS.hash
    assert copy.lookup("jay") == (5,)


BASE = (
    record("a", None, rank="order"),
    record("b", "a", rank="family", aliases=("x", "y")),
    record("c", "a", rank="family"),
    record("d", "b", rank="genus"),
)


def test_hash_does_not_depend_on_the_order_of_the_file() -> None:
    base, turned = build(*BASE), build(*reversed(BASE))
    assert base.hash == turned.hash
    assert base.names == turned.names
    assert np.array_equal(base.parent, turned.parent)


@pytest.mark.parametrize(
    "changed",
    [
        build(*BASE[:3], record("d", "b", name="e", rank="genus")),
        build(*BASE[:3], record("d", "c", rank="genus")),
        build(*BASE[:3], record("d", "b", rank="tribe")),
        build(*BASE[:3], record("d", "b", rank="genus", aliases=("z",))),
        build(*BASE[:3]),
        build(*BASE, main_ranks=("order", "family", "genus")),
        build(*BASE, root="thing"),
    ],
    ids=["name", "edge", "rank", "alias", "node", "main ranks", "root alias"],
)
def test_hash_changes_with_the_content(changed: Taxonomy) -> None:
    assert changed.hash != build(*BASE).hash


def test_errors_name_the_place() -> None:
    for records, message in (
        ((), "toy: there are no taxa in this file"),
        ((record("a", None, name="?!"),), r'^toy:a: the name "\?!" has no letter'),
        ((record("a", None), record("a", None, name="b")), '^toy:a: id "a" was already used at toy:a'),
        ((record("a", None), record("b", "z")), '^toy:b: "b" cannot be reached: its parent "z" is not in'),
        ((record("b1", None, name="B"), record("b2", None, name="b")), '"b" stands twice.*also at toy:b1'),
    ):
        with pytest.raises(RlfgError, match=message):
            build(*records)


def test_a_cycle_names_its_taxa_even_if_a_tree_stands_beside_it() -> None:
    with pytest.raises(RlfgError, match="cycle") as caught:
        build(record("top", None), record("a", "c"), record("b", "a"), record("c", "b"), record("d", "c"))
    message = str(caught.value)
    assert all(f'"{key}" (id {key})' in message for key in "abc")
    assert "(id d)" not in message
    assert "(id top)" not in message
    assert '"b" (id b) is below "a" (id a)' in message


def test_a_taxon_cannot_be_its_own_parent() -> None:
    with pytest.raises(RlfgError, match=r'"a" \(id a\) is below "a" \(id a\)'):
        build(record("a", "a"))


def test_main_ranks_must_descend() -> None:
    with pytest.raises(RlfgError, match=r'^toy:g: genus "g" stands below species "s"'):
        build(
            record("s", None, rank="species"),
            record("t", "s"),
            record("g", "t", rank="genus"),
            main_ranks=MAIN,
        )


@st.composite
def random_trees(draw: st.DrawFn) -> Taxonomy:
    parents = [draw(st.integers(0, node - 1)) for node in range(1, draw(st.integers(2, 12)))]
    return build(record("0", None), *(record(str(i), str(p)) for i, p in enumerate(parents, start=1)))


@given(random_trees(), st.data())
def test_ancestors_are_the_lineage_and_lca_is_its_lowest_common_part(tree: Taxonomy, data: st.DataObject) -> None:
    a, b = (data.draw(st.integers(0, tree.n - 1)) for _ in range(2))
    assert tree.is_ancestor(a, b) == (a in tree.lineage(b)[:-1])
    common = [x for x, y in zip(tree.lineage(a), tree.lineage(b), strict=False) if x == y]
    assert tree.lca(a, b) == tree.lca(b, a) == common[-1]
    assert tree.depth[a] == len(tree.lineage(a)) - 1
    assert tree.leaf_count[a] == sum(leaf == a or tree.is_ancestor(a, leaf) for leaf in tree.leaves())
    assert all(tree.parent[child] == a for child in tree.children(a))
    assert sum(len(tree.children(node)) for node in range(tree.n)) == tree.n - 1

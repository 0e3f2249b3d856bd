"""Newick trees."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taxonomy_toys import account, failure, one

from rlfg.taxonomy import load_taxonomy
from rlfg.taxonomy.newick import _parse

TREE = """\
[a tree of [&R] two lines]
((Larus_argentatus:1.2e-3,'Brewer''s gull (old)':2)Larus:.1,(Sterna_hirundo,
  (a1,a2)98.5,(b1)'77.0:Beta')'0.99/100':3,Uria aalge)Charadriiformes[note];
"""


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_labels_and_what_is_no_label(tmp_path: Path) -> None:
    tree = load_taxonomy(put(tmp_path / "t.nwk", TREE.replace("[&R] ", "")))
    assert tree.names[0] == "Charadriiformes"
    assert [tree.names[n] for n in tree.children(0)] == [
        "Beta", "Larus", "Sterna hirundo", "Uria aalge", "a1", "a2",
    ]  # fmt: skip
    assert tree.parent[one(tree, "Brewers gull old")] == one(tree, "Larus")
    found = account(tree)
    assert found.used == {"taxon": 10}
    assert found.skipped == {"internal node without a name": 2}


def test_a_top_without_a_label_is_joined_only_where_it_must(tmp_path: Path) -> None:
    tree = load_taxonomy(put(tmp_path / "t.tre", "((a,b)c,d);"), root="life")
    assert tree.names == ("life", "c", "a", "b", "d")
    assert load_taxonomy(put(tmp_path / "t.txt", "((a,b)c);")).names == ("c", "a", "b")


def test_open_tree_labels(tmp_path: Path) -> None:
    tree = load_taxonomy(put(tmp_path / "t.tre", "((Homo_sapiens_ott770315,Pan_ott1)mrcaott1ott770315)Hominidae_ott2;"))
    assert tree.names == ("Hominidae", "Homo sapiens", "Pan")
    assert tree.find_id("ott770315") == 1


@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5))
def test_any_name_can_be_quoted(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    quoted = ",".join("'" + name.replace("'", "''") + "'" for name in names)
    path = tmp_path_factory.mktemp("newick") / "t.nwk"
    path.write_bytes(f"({quoted})'top';".encode())
    top, *leaves = _parse(path)
    assert top.label == "top"
    assert [leaf.label for leaf in leaves] == [" ".join(name.split()) for name in names]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("((a,b)c", 't.nwk: the tree is cut off: no ";" at its end, or 1 "("'),
        ("(a,b)c", "t.nwk: the tree is cut off"),
        ("(a,b;", "t.nwk: the tree is cut off"),
        ("(a,,b);", "t.nwk:1: a leaf has no label"),
        ("(a,\n);", "t.nwk:2: a leaf has no label"),
        ("(a,b));", 't.nwk:1: ")" outside all parentheses'),
        ("a,b;", 't.nwk:1: "," outside all parentheses'),
        ("(a,b)c(d);", 't.nwk:1: "(" behind a label or a clade'),
        ("('a''b'c,d);", 't.nwk:1: two labels in a row, "a\'b" and "c"'),
        ("(a,b);\n(c,d);", "t.nwk:2: more behind the end of the tree"),
        ("(a,b[c);", 't.nwk:1: cannot read on at "[c);"'),
        ("(a,'b);", "t.nwk:1: cannot read on at"),
        ("(a:,b);", "t.nwk:1: cannot read on at"),
        ("", "t.nwk: the tree is cut off"),
        ("(a,a)b;", 't.nwk:1: "a" stands twice under the same parent'),
    ],
)
def test_bad_trees(tmp_path: Path, text: str, message: str) -> None:
    assert failure(put(tmp_path / "t.nwk", text)).startswith(message)

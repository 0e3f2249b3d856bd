"""What holds of the resolver for any text: it answers, in bounded time, and always the same."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlfg.taxonomy import STATUSES, load_taxonomy, normalize, resolve
from rlfg.taxonomy.resolving.refusals import abstains

TREES = {name: load_taxonomy(f"builtin:{name}") for name in ("cub200", "stanford_cars", "flowers102")}
BIRDS = TREES["cub200"]
PIECES = """
a the not or and , ( ) / - but maybe gull gulls Herring Western Larus argentatus sp. x family Laridae I don't know
female pink-bellied 2012 sparow . ; : × 's None unknown cannot tell aka with
"""
texts = st.one_of(st.text(max_size=700), st.lists(st.sampled_from(PIECES.split()), max_size=40).map(" ".join))


@given(texts, st.sampled_from([*TREES]))
@settings(deadline=None, max_examples=300)
def test_any_text_has_a_consistent_resolution(text: str, name: str) -> None:
    tree = TREES[name]
    found = resolve(tree, text)
    assert found == resolve(tree, text)
    assert found.status in STATUSES and found.trace
    assert all(0 <= node < tree.n for node in found.candidates)
    assert len(set(found.candidates)) == len(found.candidates)
    if found.status in ("abstain", "unresolved"):
        assert not found.candidates
    if found.named and not found.group:
        assert (len(found.candidates) > 1) == (found.status == "ambiguous")


@pytest.mark.parametrize("name", TREES)
def test_the_name_of_one_taxon_is_that_taxon(name: str) -> None:
    tree = TREES[name]
    for node in range(tree.n):
        for text in (tree.names[node], *tree.other_names(node)):
            nodes = tree.lookup(text)
            if len(nodes) == 1 and not abstains(normalize(text)):
                assert resolve(tree, text).candidates == nodes
                assert resolve(tree, text).status in ("exact", "synonym", "vernacular")


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_an_article_or_a_full_stop_changes_nothing_but_the_status(data: st.DataObject) -> None:
    leaf = data.draw(st.sampled_from(BIRDS.leaves()))
    frame = data.draw(
        st.sampled_from(["a {}", "{}.", "It is a {}.", "possibly {}", "{}, perhaps", "Answer: {}", "**{}**"])
    )
    for name in (BIRDS.names[leaf], *BIRDS.vernaculars[leaf]):
        if BIRDS.lookup(name) == (leaf,):
            assert resolve(BIRDS, frame.format(name)).candidates == (leaf,), name


@pytest.mark.parametrize(
    "piece",
    ["(", ")", "gull or ", "a,", "not ", " ", "is ", "a ", "- ", "x × ", "but maybe it is ", "L. ",
     "Herring Gull (Western Gull) ", "é", "鳥", "\u0301", "ﷺ", "cannot too blurry to ", "female ",
     "sparow ", "'s ", ". ", "\u200b", "(a or not b, but "],
)  # fmt: skip
def test_time_is_bounded_whatever_the_length(piece: str) -> None:
    for tree in TREES.values():
        resolve(tree, "sparow wrblr")
        began = process_time()
        resolve(tree, piece * 100_000)
        assert process_time() - began < 0.2, "about 0.01 s"

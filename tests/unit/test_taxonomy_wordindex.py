"""Which words a misspelt one is compared with, against comparing it with all."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from rlfg.taxonomy.packing import pack
from rlfg.taxonomy.resolving.wordindex import WordIndex, build_words, index_cuts, index_ends, letter_sets

words = st.text(alphabet="abcø", min_size=4, max_size=11)


@settings(deadline=None)
@given(names=st.lists(st.lists(words, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=30), asked=words)
def test_no_word_one_edit_away_is_missed(names: list[str], asked: str) -> None:
    table = build_words(pack(dict.fromkeys(names)))
    parts = {"cuts": index_cuts(table.keys), "ends": index_ends(table.keys), "letters": letter_sets(table.keys)}
    found = WordIndex(table=table, **parts).like(asked)
    of_all = WordIndex(table=table, **parts, exhaustive=True).like(asked)
    assert set(found) <= set(of_all)
    if any(OSA.distance(asked, word) <= 1 for word in of_all):
        assert found == of_all


@settings(deadline=None)
@given(names=st.lists(words, min_size=1, max_size=9, unique=True))
def test_the_names_of_a_word(names: list[str]) -> None:
    pairs = [f"{a} {b}" for a, b in zip(names, reversed(names), strict=True)]
    distinct = list(dict.fromkeys(pairs))
    table = build_words(pack(distinct))
    for word in names:
        assert table.array(word).tolist() == [i for i, name in enumerate(distinct) if word in name.split()]
    assert table.place("dddd") is None
    assert not table.array("dddd").size


@given(a=words, b=words)
def test_an_edit_changes_two_letters_at_most(a: str, b: str) -> None:
    first, second = letter_sets(pack([a, b])).tolist()
    assert (first ^ second).bit_count() <= 2 * OSA.distance(a, b)

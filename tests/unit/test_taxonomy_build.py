"""`build_taxonomy` against its plain statement, on random records with every fault."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from taxonomy_reference import Plain, outcome, plain_build

from rlfg.taxonomy import Taxonomy, TaxonRecord, build_taxonomy, open_saved, save
from rlfg.taxonomy.ledger import Ledger

# Few names and ids, so that twins, homonyms, cycles and repeated ids are frequent.
names = st.sampled_from(
    ["Larus", "larus", "Larus  fuscus", "?", "!?", "ß", "SS", "Brewer's", "brewers", "か\u3099", "が", "(root)"]
)  # fmt: skip
lists = st.lists(names | st.sampled_from(["", "Möwe", "gull ", "1", "-"]), max_size=3).map(tuple)
ids = st.integers(0, 9)
ranks = st.sampled_from([None, None, "class", "order", "family", "genus", "tribe"])


@st.composite
def many_records(draw: st.DrawFn) -> list[TaxonRecord]:
    sound = draw(st.booleans())
    keys = draw(st.lists(ids, max_size=10, unique=sound or draw(st.booleans())))
    found = []
    for line, key in enumerate(keys):
        above: int | None
        if sound:
            above = keys[draw(st.integers(0, line - 1))] if line and draw(st.integers(0, 4)) else None
        else:
            above = draw(st.none() | ids)
        found.append(
            TaxonRecord(
                id=key,
                parent=above,
                name=draw(names),
                rank=draw(ranks),
                vernaculars=draw(lists),
                synonyms=draw(lists),
                ids=draw(st.lists(st.sampled_from("pqrs"), max_size=2).map(tuple)),
                where=f"t:{line}",
            )
        )
    return draw(st.permutations(found))


ARGUMENTS: dict[str, Any] = {
    "records": many_records(),
    "main_ranks": st.sampled_from([None, (), ("class", "order", "family", "genus"), ("genus", "tribe")]),
    "root": st.none() | names,
    "root_aliases": st.lists(names, max_size=2),
    "merge": st.booleans(),
}


def summary(tree: Taxonomy | Plain) -> dict[str, Any]:
    """All content, as plain values."""
    packed = isinstance(tree, Taxonomy)
    return {
        "parent": list(map(int, tree.parent)),
        **{name: list(getattr(tree, name)) for name in ("names", "ranks", "vernaculars", "synonyms")},
        "ids": list(tree.ids) if any(tree.ids) else [],
        "main_ranks": tree.main_ranks,
        "depth": tree.depth.tolist() if packed else tree.depth(),
        "leaf_count": tree.leaf_count.tolist() if packed else tree.leaf_count(),
        "hash": tree.hash if packed else tree.hash(),
    }


@settings(max_examples=400, deadline=None)
@given(**ARGUMENTS)
def test_it_is_what_the_plain_statement_says(
    records: Sequence[TaxonRecord],
    main_ranks: Sequence[str] | None,
    root: str | None,
    root_aliases: Sequence[str],
    merge: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    ledger = Ledger()
    options: dict[str, Any] = {"main_ranks": main_ranks, "root": root, "root_aliases": root_aliases}
    plain = outcome(lambda: plain_build(records, **options, merge=merge))
    siblings: Any = "merge" if merge else "distinct"
    tree = outcome(
        lambda: build_taxonomy((r for r in records), source="t", siblings=siblings, ledger=ledger, **options)
    )
    if not isinstance(plain, Plain) or not isinstance(tree, Taxonomy):
        assert tree == plain
        return
    path = tmp_path_factory.mktemp("built") / "t"
    save(tree, path)
    texts = {text for r in records for text in (r.name, *r.vernaculars, *r.synonyms)} | {root or "", "(root)"}
    first = {key: node for node in reversed(range(tree.n)) for key in plain.ids[node]}
    for made in (tree, open_saved(path), pickle.loads(pickle.dumps(tree))):
        assert summary(made) == summary(plain)
        for text in texts:
            assert made.lookup(text) == plain.lookup(text)
        assert all(made.find_id(key) == first.get(key) for key in "pqrst")
        for node in range(made.n):
            assert made.children(node) == tuple(n for n in range(made.n) if plain.parent[n] == node)
            assert [n for n in range(made.n) if made.is_ancestor(node, n)] == plain.below(node)
    assert (ledger.used, ledger.notes) == (plain.used, plain.notes)

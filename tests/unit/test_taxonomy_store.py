"""Built taxonomies, parts of taxonomies, and the commands that make them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from taxonomy_toys import DATA, account, as_folder, failure, needs_data, one

from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.taxonomy import TaxonRecord, build_taxonomy, clade, load_taxonomy, open_saved, resolve, save, spanning, store
from rlfg.taxonomy.parent_table import write_parent_table
from rlfg.taxonomy.resolving.index import RULES, NameIndex
from rlfg.taxonomy.store import _open

TABLE = """\
id,parent_id,name,rank,common,synonyms
1,,Aves,class,bird;birds,
2,1,Laridae,family,,
3,2,Larus,genus,gull,
4,3,Larus argentatus,species,Herring Gull,Larus smithsonianus
5,3,Larus canus,species,,
6,2,Sterna,genus,tern,
7,6,Sterna hirundo,species,,
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "birds.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_what_is_saved_opens_the_same(table: Path) -> None:
    tree = load_taxonomy(table, root="avian")
    save(tree, table.with_name("birds.tax"))
    for again in (open_saved(table.with_name("birds.tax")), load_taxonomy(table.with_name("birds.tax"))):
        assert again.hash == tree.hash
        assert again.provenance == tree.provenance
        assert (again.ids, again.vernaculars, again.synonyms) == (tree.ids, tree.vernaculars, tree.synonyms)
        assert again.find_id("4") == one(again, "herring gull")
        assert again.depth.tolist() == tree.depth.tolist()
        assert account(again).format == "parent-table"
    assert not list(table.parent.glob(".*"))


def test_the_arrays_are_memory_mapped(table: Path) -> None:
    save(load_taxonomy(table), table.with_name("t"))
    _, arrays = _open(table.with_name("t"))
    assert all(isinstance(array, np.memmap) for array in arrays.values() if len(array))
    assert all(array.offset % 64 == 0 for array in arrays.values() if isinstance(array, np.memmap))


texts = st.text(min_size=1, max_size=6).filter(lambda text: not any(0xD800 <= ord(c) < 0xE000 for c in text))
others = st.lists(texts, max_size=3).map(tuple)


@given(
    taxa=st.lists(
        st.tuples(texts, st.none() | st.sampled_from(["genus", "クラス"]), others, others, st.integers(0, 9)),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_every_taxonomy_survives(taxa: list[tuple[str, str | None, tuple[str, ...], tuple[str, ...], int]],
                                 tmp_path_factory: pytest.TempPathFactory) -> None:  # fmt: skip
    records = [
        TaxonRecord(
            id=i, parent=above % i if i else None, name=name, rank=rank, vernaculars=a, synonyms=b, ids=b, where="t"
        )
        for i, (name, rank, a, b, above) in enumerate(taxa)
    ]
    tree = build_taxonomy(records, source="t", siblings="merge")
    path = tmp_path_factory.mktemp("saved") / "t"
    save(tree, path)
    again = open_saved(path)
    for field in ("hash", "names", "ranks", "vernaculars", "synonyms", "ids", "main_ranks", "source"):
        assert getattr(again, field) == getattr(tree, field)
    assert again.parent.tolist() == tree.parent.tolist()


def test_damage(table: Path) -> None:
    path = table.with_name("t")
    save(load_taxonomy(table), path)
    whole = path.read_bytes()
    for content, message in (
        (whole[:-1], "t: this built taxonomy is damaged"),
        (whole[:15], "t: not a built taxonomy"),
        (whole[:40], "t: this built taxonomy is damaged"),
        (whole[:8] + b"\7" + whole[9:], "t: version 7 of the format, this is 2"),
        (whole.replace(b"Larus canus", b"Larus lanus"), "t: this built taxonomy is damaged"),
    ):
        path.write_bytes(content)
        assert failure(path).startswith(message)
    with pytest.raises(RlfgError, match="not a built taxonomy"):
        open_saved(table)
    with pytest.raises(RlfgError, match="cannot write"):
        save(load_taxonomy(table), table.with_name("no") / "t")


def test_a_built_taxonomy_was_told_everything(table: Path) -> None:
    path = table.with_name("t")
    save(load_taxonomy(table, root="avian"), path)
    assert load_taxonomy(path, root="avian", root_aliases=["birds"]).n == 7
    assert '"life" does not name the root' in failure(path, root="life")
    assert "takes no options of reading" in failure(path, ranks=["genus"])


def test_parts(table: Path) -> None:
    tree = load_taxonomy(table)
    gulls = clade(tree, one(tree, "gull"))
    assert gulls.names == ("Larus", "Larus argentatus", "Larus canus")
    assert gulls.depth.tolist() == [0, 1, 1]
    assert gulls.find_id("4") == 1
    terns = spanning(tree, ["tern"])
    assert terns.names == ("Aves", "Laridae", "Sterna")
    assert terns.depth.tolist() == tree.depth[[0, 1, 5]].tolist()
    assert spanning(tree, ["tern"], descendants=True).names[-1] == "Sterna hirundo"
    assert clade(tree, 0).hash == spanning(tree, tree.names).hash == tree.hash
    with pytest.raises(RlfgError, match=r'1 of 2 labels: label "kiwi" is not in the taxonomy'):
        spanning(tree, ["tern", "kiwi"])
    with pytest.raises(RlfgError, match="no labels"):
        spanning(tree, [])


def cli(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main(["taxonomy", *map(str, argv)])
    done = capsys.readouterr()
    return int(caught.value.code or 0), done.out + done.err


def test_build_and_show(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = table.with_name("birds.tax")
    status, text = cli(capsys, "build", table, "--out", built)
    assert status == 0
    assert "entries 7 rows" in text and "7 taxa, 3 leaves, 5 common names, 1 synonyms" in text
    for source in (table, built):
        _, text = cli(capsys, "show", source, "--depth", "1")
        assert text.splitlines()[-2:] == ['class Aves "bird"  (3 leaves)', "  family Laridae  (3 leaves)"]
        for name in ("herring gull", "4"):
            _, text = cli(capsys, "show", source, "--name", name)
            assert text.splitlines() == [
                "class Aves > family Laridae > genus Larus > species Larus argentatus",
                "common names: Herring Gull",
                "synonyms: Larus smithsonianus",
                "identifiers: 4",
                'species Larus argentatus "Herring Gull"',
            ]
        assert cli(capsys, "lint", source)[0] == 0
        assert cli(capsys, "show", source, "--name", "kiwi")[0] == 2


def test_subset(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, labels = table.with_name("part.tax"), table.with_name("labels.txt")
    assert "3 of 7 taxa" in cli(capsys, "subset", table, "--clade", "gull", "--out", out)[1]
    assert load_taxonomy(out).names[0] == "Larus"
    labels.write_text("tern\n\nHerring Gull\n", encoding="utf-8")
    assert "5 of 7 taxa" in cli(capsys, "subset", table, "--labels", labels, "--out", out)[1]
    assert "6 of 7 taxa" in cli(capsys, "subset", table, "--labels", labels, "--descendants", "--out", out)[1]
    labels.write_text("kiwi\n", encoding="utf-8")
    assert cli(capsys, "subset", table, "--labels", labels, "--out", out)[0] == 2


def test_a_clade_whose_name_is_shared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lineages = {"a": ["P", "Iris", "a"], "b": ["Q", "Iris", "b"]}
    as_folder(tmp_path, {"t.json": json.dumps(lineages)})
    status, text = cli(capsys, "subset", tmp_path / "t.json", "--clade", "Iris", "--out", tmp_path / "o")
    assert (status, "names 2 taxa: (root) > P > Iris; (root) > Q > Iris" in text) == (2, True)


@needs_data
@pytest.mark.parametrize("name", ["taxonomies/hierarchy_Inat_animal.json", "ncbi", "ncbi/gtdb_sample.tsv"])
def test_published_sources_survive(name: str, tmp_path: Path) -> None:
    tree = load_taxonomy(DATA / name)
    save(tree, tmp_path / "t")
    assert open_saved(tmp_path / "t").hash == tree.hash


@pytest.mark.parametrize("root", ["bird", None])
def test_a_parent_table_gives_the_same_content_back(tmp_path: Path, root: str | None) -> None:
    """With and without a name for the root that joins several orders."""
    source = tmp_path / "birds.csv"
    source.write_text(
        "order,family,genus,genus_common,species,species_synonyms\n"
        "Charadriiformes,Laridae,Larus,gull;mew,Larus fuscus,Larus affinis\n"
        "Passeriformes,Corvidae,Corvus,,Corvus corax,\n"
    )
    tree = load_taxonomy(source, root=root)
    for name in ("out.csv", "out.tsv"):
        write_parent_table(tree, tmp_path / name)
        again = load_taxonomy(tmp_path / name)
        assert again.hash == tree.hash and again.main_ranks == tree.main_ranks
    source.write_text("genus,species,species_common\nLarus,Larus fuscus,x\n")
    tree = load_taxonomy(source, root="a; b")
    with pytest.raises(RlfgError, match='holds a ";"'):
        write_parent_table(tree, tmp_path / "out.csv")


TEXTS = (
    "herring gulls",
    "Herring-Gull",
    "Larus argentatsu",
    "a kind of tern",
    "L. canus",
    "Sterna hirundo L., 1758",
    "x",
)


def test_the_index_is_in_the_file(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, path = load_taxonomy(table), table.with_name("t")
    save(tree, path)
    again = open_saved(path)
    made = NameIndex(tree).arrays()
    assert again.index.keys() == made.keys()
    assert all(np.array_equal(again.index[name], array) for name, array in made.items())
    assert [resolve(again, text) for text in TEXTS] == [resolve(tree, text) for text in TEXTS]
    monkeypatch.setattr(store, "RULES", RULES + 1)
    older = open_saved(path)
    assert not older.index
    assert [resolve(older, text) for text in TEXTS] == [resolve(tree, text) for text in TEXTS]


def test_the_rules_of_the_index_are_numbered(table: Path) -> None:
    """If this fails, what an index holds has changed: raise `RULES`, and put the new digest here."""
    digest = hashlib.sha256()
    for name, array in sorted(NameIndex(load_taxonomy(table)).arrays().items()):
        digest.update(name.encode() + array.astype(array.dtype.newbyteorder("<")).tobytes())
    assert (RULES, digest.hexdigest()[:16]) == (2, "b62ec7c3b0783d8e")


@pytest.mark.parametrize(
    "name", ["index_words_nodes", "index_skeletons_values", "index_ends_starts", "index_groups_at"]
)
def test_a_damaged_index_is_found_in_a_large_file(table: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table.with_name("t")
    save(load_taxonomy(table), path)
    monkeypatch.setattr(store, "SMALL", 0)
    _, arrays = _open(path)
    array = arrays[name]
    assert isinstance(array, np.memmap)
    content = bytearray(path.read_bytes())
    content[array.offset + array.nbytes - 1] = 0x70
    path.write_bytes(content)
    assert failure(path).startswith("t: this built taxonomy is damaged")

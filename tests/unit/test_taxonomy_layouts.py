"""Tables as published datasets lay them out."""

from __future__ import annotations

import builtins
import gzip
import json
from pathlib import Path

import pytest
from taxonomy_toys import account, failure, one, path_of

from rlfg.taxonomy import load_taxonomy

INAT = """\
id,kingdom,phylum,class,order,family,genus,specific_epithet,name,common_name,image_dir_name
0,Animalia,Annelida,Clitellata,Haplotaxida,Lumbricidae,Lumbricus,terrestris,Lumbricus terrestris,Common Earthworm,0_a
1,Animalia,Chordata,Mammalia,Carnivora,Canidae,Canis,lupus,Canis lupus familiaris,Domestic Dog,1_a
2,Animalia,Chordata,Aves,Anseriformes,Anatidae,Anas,rubripes,Mareca rubripes,,2_a
"""
LIFE = """\
split,treeoflife_id,kingdom,phylum,class,order,family,genus,species,common
train,a,Animalia,Chordata,Aves,Passeriformes,Corvidae,Pica,hudsonia,black-billed magpie
val,b,Animalia,Chordata,Aves,Passeriformes,Corvidae,Pica,hudsonia,black-billed magpie
train,c,Animalia,Chordata,Aves,Passeriformes,Corvidae,Pica,Pica pica,
train,d,,,,,,,,
train,e,Animalia,Chordata,Aves,Passeriformes,,,,perching bird
"""
BIOSCAN = """\
processid\tphylum\tclass\torder\tfamily\tsubfamily\ttribe\tgenus\tspecies\tdna_bin
1\tArthropoda\tInsecta\tDiptera\tCecidomyiidae\tCecidomyiinae\tAsphondyliini\tAsphondylia\tAsphondylia sarothamni\tB:1
2\tArthropoda\tInsecta\tDiptera\tCecidomyiidae\tnot_classified\tnot_classified\tnot_classified\tnot_classified\tB:2
3\tArthropoda\tInsecta\tDiptera\tCecidomyiidae\t\t\t\t\tB:3
4\tnot_classified\t\t\t\t\t\t\t\t
"""


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_inaturalist(tmp_path: Path) -> None:
    tree = load_taxonomy(put(tmp_path / "t.csv", INAT))
    assert tree.main_ranks == ("kingdom", "phylum", "class", "order", "family", "genus", "species")
    assert path_of(tree, "common earthworm")[-2:] == ["genus Lumbricus", "species Lumbricus terrestris"]
    assert path_of(tree, "domestic dog")[-2:] == ["species Canis lupus", "subspecies Canis lupus familiaris"]
    assert one(tree, "Anas rubripes") == one(tree, "Mareca rubripes")
    assert account(tree).used == {"lineage": 3}


def test_inaturalist_categories(tmp_path: Path) -> None:
    header, *rows = (line.split(",") for line in INAT.splitlines())
    categories = [dict(zip(header, row, strict=True)) for row in rows]
    table = load_taxonomy(put(tmp_path / "t.csv", INAT))
    for content in (categories, {"categories": categories, "images": []}):
        tree = load_taxonomy(put(tmp_path / "t.json", json.dumps(content)))
        assert tree.hash == table.hash
        assert account(tree).format == "inat-json"
    assert "lack genus" in failure(put(tmp_path / "u.json", '[{"name": 1}]'), format="inat-json")
    assert "not valid JSON" in failure(put(tmp_path / "u.json", "["), format="inat-json")
    assert 'expected "categories"' in failure(put(tmp_path / "u.json", "{}"), format="inat-json")


def test_tree_of_life(tmp_path: Path) -> None:
    tree = load_taxonomy(put(tmp_path / "t.csv", LIFE))
    assert path_of(tree, "black-billed magpie")[-1] == "species Pica hudsonia"
    assert path_of(tree, "Pica pica")[-1] == "species Pica pica"
    assert path_of(tree, "perching bird")[-1] == "order Passeriformes"
    found = account(tree)
    assert found.entries == {"rows": 5}
    assert found.used == {"lineage": 3, "repeated row": 1}
    assert found.skipped == {"row without a taxon": 1}


def test_bioscan(tmp_path: Path) -> None:
    tree = load_taxonomy(put(tmp_path / "t.tsv", BIOSCAN))
    assert path_of(tree, "Asphondylia sarothamni")[3:] == [
        "family Cecidomyiidae", "subfamily Cecidomyiinae", "tribe Asphondyliini", "genus Asphondylia",
        "species Asphondylia sarothamni",
    ]  # fmt: skip
    assert tree.main_ranks == ("phylum", "class", "order", "family", "genus", "species")
    assert tree.depth[one(tree, "Asphondyliini")] == tree.depth[one(tree, "Cecidomyiidae")]
    assert tree.lookup("not classified") == tree.lookup("B:1") == ()


def test_columns_that_the_caller_names(tmp_path: Path) -> None:
    text = "label,Bin,maker,english\n1,B1,Boeing,jet maker;planes\n2,B2,Airbus,\n"
    path = put(tmp_path / "t.csv", text)
    assert failure(path).startswith('t.csv:1: column "label" is not a rank; every column is a rank')
    tree = load_taxonomy(path, rank_columns=["maker", "bin"], common_column="english")
    assert tree.main_ranks == ("maker", "bin")
    assert path_of(tree, "jet maker")[-1] == "bin B1"
    assert 'no column "colour"; the columns are label, bin' in failure(path, rank_columns=["colour"])
    assert "needs the rank columns" in failure(path, common_column="english")
    assert 'rank "species" stands before' in failure(put(tmp_path / "u.csv", LIFE), rank_columns=["species", "genus"])


def test_compressed_tables(tmp_path: Path) -> None:
    plain = load_taxonomy(put(tmp_path / "t.csv", LIFE))
    packed = tmp_path / "p.csv.gz"
    packed.write_bytes(gzip.compress(LIFE.encode()))
    assert load_taxonomy(packed).hash == plain.hash
    packed.write_bytes(packed.read_bytes()[:-30])
    assert failure(packed).startswith("p.csv.gz: broken archive")


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    header, *rows = (line.split(",") for line in LIFE.splitlines())
    columns = {name: [row[i] or None for row in rows] for i, name in enumerate(header)}
    columns |= {"image": [b"\xff"] * len(rows), "boxes": [[1, 2]] * len(rows), "size": [1.5] * len(rows)}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    tree = load_taxonomy(tmp_path / "t.parquet")
    assert tree.hash == load_taxonomy(put(tmp_path / "t.csv", LIFE)).hash
    assert account(tree).entries == {"rows": 5}
    (tmp_path / "u.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-20])
    assert failure(tmp_path / "u.parquet").startswith("u.parquet: not a readable Parquet file")
    pq.write_table(pa.table({"id": [1, 2], "parent_id": [None, 1], "name": ["a", "b"]}), tmp_path / "v.parquet")
    assert load_taxonomy(tmp_path / "v.parquet").names == ("a", "b")


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **options: object) -> object:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    path = put(tmp_path / "t.parquet", "")
    assert failure(path) == "t.parquet: reading Parquet needs pyarrow; pip install 'rlfg[parquet]'"

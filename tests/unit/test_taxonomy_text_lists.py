"""Formats of one lineage a line: SpeciesNet labels, GTDB lineages, paths."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from taxonomy_toys import DATA, account, failure, needs_data, one, path_of

from rlfg.taxonomy import load_taxonomy

IDS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(10)]
SPECIESNET = f"""\
{IDS[0]};mammalia;carnivora;canidae;vulpes;vulpes;red fox
{IDS[1]};mammalia;carnivora;canidae;canis;lupus familiaris;domestic dog
{IDS[2]};mammalia;primates;hominidae;homo;sapiens;human
{IDS[3]};aves;;;;;bird
{IDS[4]};mammalia;carnivora;canidae;;;canidae family
{IDS[5]};;;;;;blank
{IDS[6]};;;;;;animal
{IDS[7]};;;;;;vehicle
{IDS[8]};no cv result;no cv result;no cv result;no cv result;no cv result;no cv result
"""
COLI = (
    "d__Bacteria;p__Pseudomonadota;c__Gammaproteobacteria;o__Enterobacterales;"
    "f__Enterobacteriaceae;g__Escherichia;s__Escherichia coli"
)
GTDB = f"""\
accession\tgtdb_taxonomy
RS_1\t{COLI}
RS_2\t{COLI}
RS_3\td__Archaea;p__Thermoproteota;c__;o__;f__;g__;s__
"""
GOOGLE = """\
# Google_Product_Taxonomy_Version: 2021-09-21
1 - Animals & Pet Supplies
3237 - Animals & Pet Supplies > Live Animals
166 - Apparel & Accessories
178 - Apparel & Accessories > Clothing Accessories > Belt > Buckles
"""


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_speciesnet(tmp_path: Path) -> None:
    tree = load_taxonomy(put(tmp_path / "labels.txt", SPECIESNET))
    assert path_of(tree, "red fox") == [
        "animal", "class Mammalia", "order Carnivora", "family Canidae", "genus Vulpes", "species Vulpes vulpes",
    ]  # fmt: skip
    assert path_of(tree, "domestic dog")[-2:] == ["species Canis lupus", "subspecies Canis lupus familiaris"]
    assert path_of(tree, "human")[-1] == "species Homo sapiens"
    assert one(tree, "bird") == one(tree, "Aves") == tree.find_id(IDS[3])
    assert one(tree, "animal") == 0
    found = account(tree)
    assert found.format == "speciesnet"
    assert found.entries == {"labels": 9}
    assert found.skipped == {"no taxon: blank": 1, "no taxon: vehicle": 1, "no taxon: no cv result": 1}
    assert load_taxonomy(tmp_path / "labels.txt", root="creature").lookup("animal") == (0,)


def test_a_speciesnet_line_with_a_field_missing(tmp_path: Path) -> None:
    path = put(tmp_path / "labels.txt", SPECIESNET + f"{IDS[9]};aves;bird\n")
    assert failure(path) == "labels.txt:10: expected uuid;class;order;family;genus;species;common name"


@pytest.mark.parametrize("name", ["t.tsv", "t.txt", "t.tsv.gz"])
def test_gtdb(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(GTDB.encode()) if name.endswith("gz") else GTDB.encode())
    tree = load_taxonomy(path)
    assert tree.main_ranks[0] == "domain"
    assert path_of(tree, "Escherichia coli")[1:3] == ["domain Bacteria", "phylum Pseudomonadota"]
    assert tree.depth[one(tree, "Escherichia coli")] == 7
    assert account(tree).used == {"lineage": 2, "repeated lineage": 1}


def test_gtdb_without_accessions(tmp_path: Path) -> None:
    bare = "\n".join(line.split("\t")[1] for line in GTDB.splitlines()[1:])
    assert load_taxonomy(put(tmp_path / "t.txt", bare)).hash == load_taxonomy(put(tmp_path / "u.tsv", GTDB)).hash


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("RS_4\tBacteria", "t.tsv:5: expected d__"),
        ("RS_4\td__Bacteria;c__X;p__Y", "t.tsv:5: the levels are not in the order"),
        ("RS_4\td__;p__", "t.tsv:5: every level of this lineage is empty"),
    ],
)
def test_bad_gtdb(tmp_path: Path, line: str, message: str) -> None:
    assert failure(put(tmp_path / "t.tsv", GTDB + line)).startswith(message)


@needs_data
def test_real_gtdb_lineages() -> None:
    tree = load_taxonomy(DATA / "ncbi" / "gtdb_sample.tsv")
    found = account(tree)
    assert found.entries == {"lines": 1000}
    assert tree.names[0] == "Bacteria"
    assert path_of(tree, "Helicobacter pylori")[-2] == "genus Helicobacter"


def test_paths(tmp_path: Path) -> None:
    path = put(tmp_path / "t.txt", GOOGLE)
    tree = load_taxonomy(path, root="product")
    assert tree.main_ranks == ()
    assert path_of(tree, "Buckles") == ["product", "Apparel & Accessories", "Clothing Accessories", "Belt", "Buckles"]
    assert tree.find_id("3237") == one(tree, "live animals")
    assert tree.find_id("9") is None
    without = "\n".join(line.split(" - ")[-1] for line in GOOGLE.splitlines())
    assert load_taxonomy(put(tmp_path / "u.txt", without), root="product").hash == tree.hash
    assert account(tree).entries == {"paths": 4}


def test_paths_may_name_two_categories_in_either_order(tmp_path: Path) -> None:
    tree = load_taxonomy(put(tmp_path / "t.txt", "Cameras > Accessories\nAccessories > Cameras\n"))
    assert len(tree.lookup("Cameras")) == 2


@pytest.mark.parametrize("line", ["A > > B", "> A", "A >"])
def test_a_path_with_an_empty_step(tmp_path: Path, line: str) -> None:
    message = failure(put(tmp_path / "t.txt", f"A > B\n{line}\n"))
    assert message == 't.txt:2: a step of this path has no name; write "A > B > C"'


def test_a_format_that_does_not_fit(tmp_path: Path) -> None:
    path = put(tmp_path / "t.txt", GOOGLE)
    assert failure(path, format="gtdb").startswith("t.txt:2: expected d__")
    assert 'there is no format "xml"; name one of these formats: rank-table' in failure(path, format="xml")
    assert failure(path, ranks=["genus"]) == "t.txt: ranks says nothing about the format paths; drop it"
    assert failure(put(tmp_path / "t.doc", "")).startswith("t.doc: unknown kind of taxonomy; name one of")

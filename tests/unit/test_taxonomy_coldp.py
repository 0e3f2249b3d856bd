"""Catalogue of Life Data Packages."""

from __future__ import annotations

from pathlib import Path

import pytest
from taxonomy_toys import Pack, account, as_folder, as_zip, failure, one, path_of

from rlfg.taxonomy import load_taxonomy


def rows(*lines: str) -> str:
    return "".join("\t".join(line.split("|")) + "\n" for line in lines)


WHOLE = {
    "metadata.yaml": "title: toys",
    "NameUsage.tsv": rows(
        "col:ID|col:parentID|col:status|col:scientificName|col:authorship|col:rank",
        "A||accepted|Animalia||kingdom",
        "G|A|provisionally accepted|Larus|Linnaeus, 1758|genus",
        'S|G|accepted|Larus argentatus|"Pontoppidan"|species',
        "Y|S|synonym|Larus argenteus|Brehm|species",
        "Z|S|ambiguous synonym|Larus smithsonianus||species",
        "M|S|misapplied|Larus canus||species",
        "B||bare name|Larus nudus||species",
    ),
    "VernacularName.tsv": rows("col:taxonID|col:name|col:language", "S|Herring Gull|eng", "S|Silbermöwe|deu"),
}
SPLIT = {
    "name.csv": "ID,scientificName,authorship,rank\nn1,Animalia,,kingdom\nn2,Larus,\"Linnaeus, 1758\",genus\n"
    "n3,Larus argentatus,\"\"\"Pontoppidan\"\"\",species\nn4,Larus argenteus,Brehm,species\n"
    "n5,Larus smithsonianus,,species\nn6,Nobody,,species\n",
    "taxon.csv": "ID,nameID,parentID\nA,n1,\nG,n2,A\nS,n3,G\n",
    "synonym.csv": "taxonID,nameID,status\nS,n4,synonym\nS,n5,\n",
    "vernacular-name.csv": "taxonID,name,language\nS,Herring Gull,eng\nS,Silbermöwe,deu\n",
}  # fmt: skip


@pytest.mark.parametrize("pack", [as_folder, as_zip])
def test_name_usages(tmp_path: Path, pack: Pack) -> None:
    tree = load_taxonomy(pack(tmp_path / "col", WHOLE), languages=["en"])
    assert path_of(tree, "Herring Gull") == ["kingdom Animalia", "genus Larus", "species Larus argentatus"]
    assert tree.lookup("Silbermöwe") == tree.lookup("Larus canus") == ()
    gull = one(tree, 'Larus argentatus "Pontoppidan"')
    assert {one(tree, name) for name in ("Larus argenteus Brehm", "Larus smithsonianus")} == {gull}
    assert tree.find_id("Z") == gull
    found = account(tree)
    assert found.format == "coldp"
    assert found.entries == {"VernacularName.tsv": 2, "NameUsage.tsv": 7}
    assert found.used == {"taxon": 3, "synonym": 2, "vernacular": 1}
    assert found.skipped == {"common name in another language": 1, "misapplied name": 1, "bare name": 1}


def test_names_taxa_and_synonyms_in_files_of_their_own(tmp_path: Path) -> None:
    tree = load_taxonomy(as_zip(tmp_path / "col", SPLIT))
    assert tree.hash == load_taxonomy(as_folder(tmp_path / "whole", WHOLE)).hash
    found = account(tree)
    assert found.entries == {"vernacular-name.csv": 2, "name.csv": 6, "taxon.csv": 3, "synonym.csv": 2}
    assert found.used == {"name": 5, "taxon": 3, "synonym": 2, "vernacular": 2}
    assert found.skipped == {"name that nothing refers to": 1}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            WHOLE | {"NameUsage.tsv": rows("ID|parentID", "1|")},
            'c/NameUsage.tsv:1: there is no column "scientificname"',
        ),
        (WHOLE | {"NameUsage.tsv": rows("ID|scientificName", "1")}, "c/NameUsage.tsv:2: 1 cells, but the first line"),
        (
            WHOLE | {"NameUsage.tsv": rows("ID|parentID|scientificName", "1|2|A")},
            'c/NameUsage.tsv:2: "A" cannot be reached',
        ),
        (SPLIT | {"taxon.csv": "ID,parentID\n"}, 'c/taxon.csv:1: there is no column "nameid"'),
    ],
)
def test_bad_packages(tmp_path: Path, files: dict[str, str], message: str) -> None:
    assert failure(as_folder(tmp_path / "c", files)).startswith(message)


def test_a_package_without_usages(tmp_path: Path) -> None:
    path = as_folder(tmp_path / "c", {"VernacularName.tsv": ""})
    assert failure(path, format="coldp").startswith("c: a ColDP package needs NameUsage.tsv, or Name.tsv and Taxon")

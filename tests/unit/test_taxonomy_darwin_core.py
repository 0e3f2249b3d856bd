"""Darwin Core Archives."""

from __future__ import annotations

from pathlib import Path

import pytest
from taxonomy_toys import Pack, account, as_folder, as_tar, as_zip, failure, one, path_of

from rlfg.taxonomy import load_taxonomy

DWC = "http://rs.tdwg.org/dwc/terms"
TERMS = {
    "canonicalName": "http://rs.gbif.org/terms/1.0/canonicalName",
    "language": "http://purl.org/dc/terms/language",
}


def meta(core: str, *, row_type: str = "Taxon", form: str = r'fieldsTerminatedBy="\t" fieldsEnclosedBy=""') -> str:
    columns = core.split()
    fields = "".join(
        f'<field index="{i}" term="{TERMS.get(name, f"{DWC}/{name}")}"/>' for i, name in enumerate(columns) if i
    )
    return f"""<?xml version="1.0"?>
<archive xmlns="http://rs.tdwg.org/dwc/text/">
 <core encoding="UTF-8" {form} linesTerminatedBy="\\n" ignoreHeaderLines="1" rowType="{DWC}/{row_type}">
  <files><location>Taxon.tsv</location></files><id index="0"/>{fields}
  <field default="a checklist" term="{DWC}/datasetName"/>
 </core>
 <extension encoding="UTF-8" fieldsTerminatedBy="\\t" fieldsEnclosedBy="" ignoreHeaderLines="1"
   rowType="http://rs.gbif.org/terms/1.0/VernacularName">
  <files><location>VernacularName.tsv</location></files><coreid index="0"/>
  <field index="1" term="{DWC}/vernacularName"/><field index="2" term="http://purl.org/dc/terms/language"/>
 </extension>
</archive>"""


def rows(*lines: str) -> str:
    return "".join("\t".join(line.split("|")) + "\n" for line in lines)


GBIF = (
    "taxonID parentNameUsageID acceptedNameUsageID scientificName scientificNameAuthorship canonicalName"
    " taxonRank taxonomicStatus"
)
FILES = {
    "meta.xml": meta(GBIF),
    "Taxon.tsv": rows(
        "|".join(GBIF.split()),
        "9|5||Larus argentatus Pontoppidan, 1763|Pontoppidan, 1763|Larus argentatus|species|accepted",
        "10|5|11|Larus argentus \"Brehm\"|\"Brehm\"|Larus argentus|species|synonym",
        "11|5|9|Larus argenteus Brehm, 1822|Brehm, 1822|Larus argenteus|species|heterotypic synonym",
        "1|||Animalia||Animalia|kingdom|accepted",
        "5|6||Larus|||genus|accepted",
        "6|1|7|Gulls old||Gulls old|genus|synonym",
        "7|1||Laridae||Laridae|family|accepted",
        "12|5||Larus argentatus|| Larus  argentatus |species|doubtful",
        "13|5||Larus canus L.|L.|Larus canus|species|misapplied",
        "14|5|99|Larus nemo||Larus nemo|species|synonym",
        "15|5||Larus nullus||Larus nullus|species|synonym",
        "16|5|17|Larus a||Larus a|species|synonym",
        "17|5|16|Larus b||Larus b|species|synonym",
    ),
    "VernacularName.tsv": rows(
        "id|name|language", "9|Herring Gull|en", "9|Silbermöwe|deu", "9|herring-gull|", "1|animals|en-GB",
        "9||en", "99|nobody|en",
    ),
}  # fmt: skip


@pytest.mark.parametrize("pack", [as_folder, as_zip, as_tar])
def test_gbif(tmp_path: Path, pack: Pack) -> None:
    tree = load_taxonomy(pack(tmp_path / "backbone", FILES))
    assert path_of(tree, "Herring Gull") == [
        "kingdom Animalia", "family Laridae", "genus Larus", "species Larus argentatus",
    ]  # fmt: skip
    gull = one(tree, "silbermöwe")
    for name in ("Larus argentus", "Larus argenteus Brehm, 1822", 'Larus argentus "Brehm"'):
        assert (one(tree, name), tree.name_kind(gull, name)) == (gull, "synonym")
    assert {tree.find_id(key) for key in ("9", "10", "11", "12")} == {gull}
    assert tree.main_ranks == ("kingdom", "family", "genus", "species")


def test_counts(tmp_path: Path) -> None:
    found = account(load_taxonomy(as_folder(tmp_path / "backbone", FILES), languages=["eng"]))
    assert found.format == "darwin-core"
    assert found.entries == {"VernacularName.tsv": 6, "Taxon.tsv": 13}
    assert found.used == {
        "taxon": 4, "synonym": 3, "vernacular": 2, "merged with a sibling of the same name": 1,
    }  # fmt: skip
    assert found.skipped == {
        "common name that is empty": 1,
        "common name in another language": 2,
        "misapplied name": 1,
        "synonym without an accepted taxon": 1,
        "synonym of no taxon in the source": 3,
        "common name of no taxon in the source": 1,
    }
    assert found.notes == {"parent that is a synonym": 1}


def test_the_catalogue_of_life_without_canonical_names_and_with_quotes(tmp_path: Path) -> None:
    columns = "id taxonID parentNameUsageID scientificName scientificNameAuthorship taxonRank taxonomicStatus"
    core = '''\
id,taxonID,parent,name,author,rank,status
1,http://x/1,,Poa,,genus,accepted
2,http://x/2,http://x/1,"Poa annua L.",L.,species,accepted
3,http://x/3,http://x/2,"Poa annua L. var. ""annua""",L.,variety,provisionally accepted
'''
    files = {
        "meta.xml": meta(columns, form='fieldsTerminatedBy="," fieldsEnclosedBy=\'"\''),
        "Taxon.tsv": core,
        "VernacularName.tsv": rows("id|name|language", "2|meadow grass|eng"),
    }
    tree = load_taxonomy(as_zip(tmp_path / "col", files))
    assert path_of(tree, "meadow grass") == ["genus Poa", "species Poa annua"]
    assert tree.names[2] == 'Poa annua var. "annua"'
    assert one(tree, "Poa annua L.") == 1
    assert tree.find_id("http://x/3") == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"meta.xml": "<archive"}, "dwca/meta.xml: not readable XML"),
        ({"meta.xml": meta(GBIF, row_type="Occurrence")}, "dwca/meta.xml: the core must be of rowType Taxon; this"),
        ({"meta.xml": meta("taxonID parentNameUsageID")}, "dwca/meta.xml: the core has no column for scientificName"),
        ({"Taxon.tsv": "a\n1\t2\n"}, "dwca/Taxon.tsv:2: 2 columns, but meta.xml speaks of 8"),
        ({"Taxon.tsv": rows("h", "1|2||A||A|genus|")}, 'dwca/Taxon.tsv:2: "A" cannot be reached: its parent "2"'),
        ({"Taxon.tsv": rows("h", "1|2||A||A|genus|", "2|1||B||B|genus|")}, "dwca/Taxon.tsv:2: the taxonomy has a"),
        ({"Taxon.tsv": rows("h", "1|||A||A|genus|", "1|||B||B|genus|")}, 'dwca/Taxon.tsv:3: id "1" was already used'),
    ],
)  # fmt: skip
def test_bad_archives(tmp_path: Path, change: dict[str, str], message: str) -> None:
    assert failure(as_folder(tmp_path / "dwca", FILES | change)).startswith(message)


def test_an_archive_in_pieces(tmp_path: Path) -> None:
    without_meta = {name: text for name, text in FILES.items() if name != "meta.xml"}
    path = as_zip(tmp_path / "dwca", without_meta)
    assert failure(path, format="darwin-core").startswith("dwca.zip: a Darwin Core Archive needs meta.xml; found Taxon")
    assert "tells the format; name one of these formats" in failure(path)
    without_core = {name: text for name, text in FILES.items() if name != "Taxon.tsv"}
    assert "there is no Taxon.tsv; found VernacularName.tsv" in failure(as_zip(tmp_path / "b", without_core))
    whole = as_zip(tmp_path / "whole", FILES)
    whole.write_bytes(whole.read_bytes()[:-40])
    assert failure(whole).startswith("whole.zip: broken archive (File is not a zip file); fetch it again")


def test_siblings_merge_and_so_do_their_children(tmp_path: Path) -> None:
    core = rows(
        "h", "1|||Life||Life|kingdom|", "2|1||Iris A.|A.|Iris|genus|", "3|1||Iris B.|B.|Iris|genus|",
        "4|2||Iris x||Iris x|species|", "5|3||Iris x||Iris x|species|", "6|1||?||?|genus|",
        "7|4||Irido||Irido|genus|",
    )  # fmt: skip
    tree = load_taxonomy(as_folder(tmp_path / "d", FILES | {"Taxon.tsv": core, "VernacularName.tsv": ""}))
    assert tree.names == ("Life", "?", "Iris", "Iris x", "Irido")
    assert one(tree, "Iris A.") == one(tree, "Iris B.") == tree.find_id("3") == 2
    found = account(tree)
    assert found.used["merged with a sibling of the same name"] == 2
    assert found.notes == {"rank not below that of its parent": 1, "name without a letter or digit": 1}
    assert tree.depth.tolist() == [0, 1, 1, 2, 2]

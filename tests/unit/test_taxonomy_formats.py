"""The file formats, good and bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy, write_rank_csv

Put = Callable[..., Path]
RANK_TABLE = """\
Order,Family,Genus,genus_common,Species,species_common,species_synonyms
Charadriiformes,Laridae,Larus,gull; gulls,Larus argentatus,Herring Gull,silver gull;Larus smithsonianus
Charadriiformes,Laridae,Larus,seagull,Larus canus,"Common Gull",
Charadriiformes,Laridae,Sterna
Passeriformes,,Troglodytes,,Troglodytes troglodytes,Wren,
"""


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a file and give its path."""

    def write(name: str, text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return write


def one(tree: Taxonomy, text: str) -> int:
    (node,) = tree.lookup(text)
    return node


def failure(path: Path, **options: object) -> str:
    """The message without the folder."""
    with pytest.raises(RlfgError) as caught:
        load_taxonomy(path, **options)  # type: ignore[arg-type]
    return str(caught.value).replace(f"{path.parent}/", "")


def test_rank_table(put: Put) -> None:
    tree = load_taxonomy(put("t.csv", RANK_TABLE), root="bird", root_aliases=["birds"])
    assert tree.n == 1 + 2 + 1 + 3 + 3
    assert tree.main_ranks == ("order", "family", "genus", "species")
    gull = one(tree, "herring gull")
    assert one(tree, "silver gull") == one(tree, "Larus smithsonianus") == gull
    assert [tree.describe(node) for node in tree.lineage(gull)] == [
        "bird", "order Charadriiformes", "family Laridae", "genus Larus", "species Larus argentatus",
    ]  # fmt: skip
    assert tree.other_names(one(tree, "Larus")) == ("gull", "gulls", "seagull")
    assert tree.children(one(tree, "Sterna")) == ()
    wren = one(tree, "wren")
    assert [int(tree.depth[node]) for node in tree.lineage(wren)] == [0, 1, 3, 4]


@pytest.mark.parametrize("change", ["bom", "crlf", "tsv", "rows"])
def test_rank_table_in_other_clothes(put: Put, change: str) -> None:
    lines = RANK_TABLE.splitlines()
    name, text, encoding = {
        "bom": ("t.csv", RANK_TABLE, "utf-8-sig"),
        "crlf": ("t.csv", "\r\n".join([*lines, "", ""]), "utf-8"),
        "tsv": ("t.tsv", RANK_TABLE.replace(",", "\t"), "utf-8"),
        "rows": ("t.csv", "\n".join([lines[0], *reversed(lines[1:])]), "utf-8"),
    }[change]
    plain = load_taxonomy(put("plain.csv", RANK_TABLE))
    assert load_taxonomy(put(name, text, encoding)).hash == plain.hash


def test_any_columns_can_be_ranks(put: Put) -> None:
    tree = load_taxonomy(put("t.csv", "manufacturer,family,variant\nBoeing,737,737-200\nBoeing,737,737-300\n"))
    assert tree.main_ranks == ("manufacturer", "family", "variant")
    assert tree.names == ("Boeing", "737", "737-200", "737-300")
    assert tree.depth.tolist() == [0, 1, 2, 2]


def test_a_genus_and_its_species_may_share_a_name(put: Put) -> None:
    tree = load_taxonomy(put("t.csv", "genus,species\nPuma,Puma\nFelis,cat\n"))
    assert tree.describe(one(tree, "puma")) == "species Puma"


def test_spellings_that_normalise_alike_are_one_taxon(put: Put) -> None:
    tree = load_taxonomy(put("t.csv", "genus,species\nlarus,canus\nLarus,fuscus\n"))
    assert tree.names == ("Larus", "canus", "fuscus")


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    rows = [
        {"genus": "Larus", "genus_common": "gull;sea, gull", "species": "canus"},
        {"genus": "Larus", "species": 'the "silver" gull'},
    ]
    hashes = set()
    for name in ("t.csv", "t.tsv"):
        write_rank_csv(tmp_path / name, ["genus", "genus_common", "species"], rows)
        tree = load_taxonomy(tmp_path / name)
        hashes.add(tree.hash)
        assert tree.other_names(0) == ("gull", "sea, gull")
        assert tree.names == ("Larus", "canus", 'the "silver" gull')
    assert len(hashes) == 1
    with pytest.raises(RlfgError, match=r"name it \.csv"):
        write_rank_csv(tmp_path / "t.txt", ["genus"], [])


@pytest.mark.parametrize(("name", "mark"), [("t.csv", ";"), ("t.csv", "\t"), ("t.tsv", ","), ("t.tsv", ";")])
def test_a_spreadsheet_chooses_its_own_delimiter(put: Put, name: str, mark: str) -> None:
    rows = [["genus", "species", "species_common"], ["Larus", "Larus canus", '"Möwe;Sturmmöwe"'], ["Sterna", "", ""]]
    text = "\ufeff" + "".join(mark.join(row) + "\r\n" for row in rows)
    tree = load_taxonomy(put(name, text))
    assert [tree.names[node] for node in tree.lookup("Sturmmöwe")] == ["Larus canus"]
    assert tree.main_ranks == ("genus", "species")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv: the file is empty"),
        ("genus,species\n", "t.csv: there are no taxa"),
        ("genus,species\nLarus,canus\n,\n", "t.csv:3: no taxon in this row"),
        ("genus,species\nLarus,canus\n\nLarus,canus,1\n", "t.csv:4: 3 cells, but the first line names 2"),
        ("genus,species,genus\n", 't.csv:1: column "genus" stands twice'),
        ("species,genus\na,b\n", 't.csv:1: rank "species" stands before "genus"'),
        ("genus,order_common\n", 't.csv:1: column "order_common" belongs to no rank'),
        ("id,genus\n1,Larus\n", 't.csv:1: column "id" is not a rank'),
        (",genus\n1,Larus\n", 't.csv:1: column "" is not a rank'),
        ("genus,genus_common,species\n,gull,canus\n", 't.csv:2: "gull" is another name of the genus, but'),
        ('genus,species\nLarus,"a\nb"\nLarus,?\n', 't.csv:4: the name "?" has no letter'),
        ('genus,species\nLarus,canus\nLarus,"open\n', "t.csv:3: not a readable table"),
        (
            "genus,species\nA,B\nB,A\n",
            't.csv:2, t.csv:3: the taxonomy has a cycle: "B" is below "A" is below "B"',
        ),
    ],
)
def test_bad_rank_tables(put: Put, text: str, message: str) -> None:
    assert failure(put("t.csv", text)).startswith(message)


LINEAGES = {
    "Herring Gull": ["Laridae", {"name": "Larus", "common": ["gull", "sea gull"]}, "Herring Gull"],
    "Larus canus": ["Laridae", "Larus", {"name": "Common Gull", "synonyms": "Larus canus"}],
    "Wren": ["Troglodytidae", "Wren"],
}


def test_lineages(put: Put) -> None:
    tree = load_taxonomy(put("t.json", json.dumps(LINEAGES)), root="bird")
    assert tree.main_ranks == ()
    assert tree.names[1:] == ("Laridae", "Larus", "Common Gull", "Herring Gull", "Troglodytidae", "Wren")
    assert tree.other_names(one(tree, "Larus")) == ("gull", "sea gull")
    assert tree.depth[one(tree, "Larus canus")] == 3
    assert tree.depth[one(tree, "Wren")] == 2


def test_lineages_with_declared_ranks(put: Put) -> None:
    path = put("t.json", json.dumps(LINEAGES))
    tree = load_taxonomy(path, ranks=["family", "genus", "species"])
    assert tree.describe(one(tree, "gull")) == "genus Larus"
    assert tree.describe(one(tree, "Wren")) == "genus Wren"
    assert failure(path, ranks=["family", "genus"]).startswith('t.json: label "Herring Gull": 3 taxa, but only 2')
    assert failure(path, ranks=["species", "genus"]).startswith('t.json: rank "species" stands before "genus"')


def test_the_same_name_under_two_parents_makes_two_taxa(put: Put) -> None:
    lineages = {"a": ["X", "Iris", "a"], "b": ["Y", "Iris", "b"], "c": ["X", "Iris", "c"]}
    tree = load_taxonomy(put("t.json", json.dumps(lineages)))
    assert len(tree.lookup("Iris")) == 2
    assert tree.n == 1 + 2 + 2 + 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "t.json: there are no taxa"),
        ("", "t.json:1: not valid JSON"),
        ('{"a": ["a"],\n "b": [}', "t.json:2: not valid JSON"),
        ('["a"]', "t.json: expected a JSON object of label → lineage, not a list"),
        ('{"a": "a"}', 't.json: label "a": expected a list of taxa'),
        ('{"a": []}', 't.json: label "a": expected a list of taxa'),
        ('{"a": ["x", "", "a"]}', 't.json: label "a": a taxon of its lineage has no name'),
        ('{"a": ["x", null, "a"]}', 't.json: label "a": a taxon is a name or an object'),
        ('{"a": [{"name": "a", "rank": "x"}]}', 't.json: label "a": a taxon is a name or an object'),
        ('{"a": [{"name": "a", "common": 3}]}', 't.json: label "a": expected a name or a list of names'),
        ('{"a": ["x", "y"]}', 't.json: label "a": its lineage ends in "y"; end it with the label itself'),
        ('{"a": ["a"], "a": ["x", "a"]}', 't.json: label "a" stands twice'),
    ],
)
def test_bad_lineages(put: Put, text: str, message: str) -> None:
    assert failure(put("t.json", text)).startswith(message)


def test_lineages_that_contradict_each_other_are_a_cycle(put: Put) -> None:
    lineages = {"a": ["c", "a"], "b": ["a", "b"], "c": ["b", "c"], "d": ["a", "b", "d"]}
    message = failure(put("t.json", json.dumps(lineages)))
    assert "the taxonomy has a cycle" in message
    assert '"a" is below "c"' in message
    assert '"d"' not in message


PARENT_TABLE = """\
id,parent_id,name,rank,aliases
4,3,Larus argentatus,species,Herring Gull
1,,Charadriiformes,order,
2,1,Lari,suborder,
3,2,Larus,Genus,gull;gulls
"""


def test_parent_table(put: Put) -> None:
    tree = load_taxonomy(put("t.csv", PARENT_TABLE), root="bird")
    assert tree.main_ranks == ("order", "genus", "species")
    assert tree.names == ("Charadriiformes", "Lari", "Larus", "Larus argentatus")
    assert tree.depth.tolist() == [0, 0, 1, 2]
    assert one(tree, "gulls") == 2
    assert one(tree, "bird") == 0


def test_parent_table_of_other_ranks(put: Put) -> None:
    text = "id,parent_id,name,rank\n1,,Boeing,maker\n2,1,737,family\n3,2,737-200,variant\n"
    path = put("t.csv", text)
    assert load_taxonomy(path).main_ranks == ()
    assert load_taxonomy(path).depth.tolist() == [0, 1, 2]
    tree = load_taxonomy(path, ranks=["maker", "variant"])
    assert tree.depth.tolist() == [0, 0, 1]
    assert failure(path, ranks=["genus"]) == 't.csv: no taxon has the declared rank "genus"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parent_id,name\n", 't.csv:1: there is no column "id"'),
        ("id,parent_id,name,colour\n", 't.csv:1: unknown column "colour"'),
        ("id,parent_id,name\n,,a\n", 't.csv:2: "a" has no id'),
        ("id,parent_id,name\n1,,a\n1,,b\n", 't.csv:3: id "1" was already used at t.csv:2'),
        (
            "id,parent_id,name\n1,,a\n2,9,b\n",
            't.csv:3: "b" cannot be reached: its parent "9" is not in the file',
        ),
        ("id,parent_id,name\n1,,\n", 't.csv:2: the name "" has no letter'),
        (
            "id,parent_id,name\n1,2,a\n2,1,b\n",
            't.csv:2: the taxonomy has a cycle: "a" (id 1) is below "b" (id 2)',
        ),
        (
            "id,parent_id,name,rank\n1,,a,genus\n2,1,b,family\n",
            't.csv:3: family "b" stands below genus "a" (t.csv:2); ranks go family > genus',
        ),
    ],
)
def test_bad_parent_tables(put: Put, text: str, message: str) -> None:
    assert failure(put("t.csv", text)).startswith(message)


def test_files_that_cannot_be_taxonomies(put: Put, tmp_path: Path) -> None:
    assert failure(tmp_path / "no.csv") == "no.csv: cannot read: No such file or directory"
    assert failure(tmp_path / "birds") == "birds: cannot read: No such file or directory"
    assert failure(tmp_path / "no.json").startswith("no.json: cannot read")
    assert failure(put("t.txt", "a")).startswith(
        "t.txt: unknown kind of taxonomy; name one of these formats: rank-table"
    )
    assert failure(put("t.csv", "genus\nLärus\n", "latin-1")).startswith("t.csv: not UTF-8 text (byte 7)")
    assert failure(put("u.csv", RANK_TABLE), ranks=["genus"]).startswith("u.csv: a rank table's columns are")
    assert failure(put("u.csv", RANK_TABLE), root_aliases="birds").startswith("u.csv: root_aliases and ranks are")

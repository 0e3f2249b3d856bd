"""NCBI's taxdump."""

from __future__ import annotations

from pathlib import Path

import pytest
from taxonomy_toys import DATA, Pack, account, as_folder, as_tar, as_zip, failure, needs_data, one, path_of

from rlfg.taxonomy import load_taxonomy


def dmp(*rows: str) -> str:
    return "".join("\t|\t".join(row.split("|")) + "\t|\n" for row in rows)


FILES = {
    "nodes.dmp": dmp(
        "1|1|no rank|", "7|1|kingdom|", "20|7|genus|", "30|20|species|", "31|20|species|", "32|30|subspecies|",
        "40|31|subspecies|",
    ),
    "names.dmp": dmp(
        "1|root||scientific name", "1|all||synonym",
        "7|Metazoa||scientific name", "7|animals||blast name", "7|metazoans||common name",
        "20|Canis||scientific name",
        "30|Canis lupus||scientific name", "30|gray wolf||genbank common name", "30|Canis lupis||misspelling",
        "30|Canis lupus Linnaeus, 1758||authority", "30|Lupus||in-part", "30|USNM 1||type material",
        "31|Canis lupus|Canis lupus <twin>|scientific name", "31|grey wolf||common name",
        "32|Canis lupus familiaris||scientific name", "32|dog||genbank common name",
        "40|Canis lupus familiaris||scientific name", "40|hound||common name",
        "99|Nobody||scientific name",
    ),
    "merged.dmp": dmp("12|30", "13|98"),
    "delnodes.dmp": dmp("14", "15"),
    "gc.prt": "not read",
}  # fmt: skip


@pytest.mark.parametrize("pack", [as_folder, as_zip, as_tar])
def test_taxdump(tmp_path: Path, pack: Pack) -> None:
    tree = load_taxonomy(pack(tmp_path / "dump", FILES))
    assert path_of(tree, "dog") == [
        "root", "kingdom Metazoa", "genus Canis", "species Canis lupus", "subspecies Canis lupus familiaris",
    ]  # fmt: skip
    assert tree.main_ranks == ("kingdom", "genus", "species")
    wolf = one(tree, "gray wolf")
    assert tree.name_kind(one(tree, "animals"), "animals") == "vernacular"
    assert tree.name_kind(wolf, "Canis lupis") == "synonym"
    assert tree.lookup("Lupus") == ()
    assert tree.find_id("12") == tree.find_id("30") == tree.find_id("31") == wolf == one(tree, "grey wolf")
    assert one(tree, "hound") == one(tree, "dog")


def test_the_counts_of_a_taxdump(tmp_path: Path) -> None:
    found = account(load_taxonomy(as_folder(tmp_path / "dump", FILES)))
    assert found.format == "ncbi"
    assert found.entries == {"merged.dmp": 2, "delnodes.dmp": 2, "nodes.dmp": 7, "names.dmp": 19}
    assert found.used == {
        "taxon": 5, "name": 7, "vernacular": 6, "synonym": 3, "old id": 1, "merged with a sibling of the same name": 2,
    }  # fmt: skip
    assert found.skipped == {
        "deleted id": 2, "name of class in-part": 1, "name of class type material": 1,
        "name of an id that is not in nodes.dmp": 1, "old id of a taxon that is not in nodes.dmp": 1,
    }  # fmt: skip


def test_the_order_of_nodes_does_not_matter(tmp_path: Path) -> None:
    turned = FILES | {"nodes.dmp": "".join(reversed(FILES["nodes.dmp"].splitlines(keepends=True)))}
    assert load_taxonomy(as_folder(tmp_path / "a", FILES)).hash == load_taxonomy(as_folder(tmp_path / "b", turned)).hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names.dmp": dmp("1|root||scientific name")}, "dump/nodes.dmp:2: id 7 has no scientific name"),
        ({"nodes.dmp": dmp("1|1|no rank", "7|2|kingdom")}, 'dump/nodes.dmp:2: "Metazoa" cannot be reached'),
        ({"nodes.dmp": dmp("1|7|no rank", "7|1|kingdom")}, "dump/nodes.dmp:1: the taxonomy has a cycle"),
        ({"nodes.dmp": "1,1,no rank\n"}, "dump/nodes.dmp:1: expected 3 fields"),
        ({"merged.dmp": dmp("12|x")}, "dump/merged.dmp:1: expected 2 fields"),
    ],
)
def test_bad_taxdumps(tmp_path: Path, change: dict[str, str], message: str) -> None:
    assert failure(as_folder(tmp_path / "dump", FILES | change)).startswith(message)


def test_a_taxdump_in_pieces(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if name != "names.dmp"}
    assert "needs nodes.dmp and names.dmp; found delnodes.dmp, gc.prt" in failure(as_zip(tmp_path / "dump", files))
    for path in (as_tar(tmp_path / "a", FILES), as_zip(tmp_path / "b", FILES)):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert f"{path.name}: broken archive" in failure(path)
    assert "tells the format; name one of these" in failure(as_folder(tmp_path / "c", {"readme": ""}))
    assert failure(tmp_path / "no.zip") == "no.zip: cannot read: No such file or directory"


@needs_data
def test_the_real_excerpt() -> None:
    tree = load_taxonomy(DATA / "ncbi")
    assert [tree.names[node] for node in tree.lineage(one(tree, "E. coli"))][2:4] == ["Bacteria", "Proteobacteria"]
    assert one(tree, '"Bacillus coli" Migula 1895') == one(tree, "Escherichia coli") == tree.find_id("562")
    found = account(tree)
    assert found.entries == {"nodes.dmp": 10, "names.dmp": 51}

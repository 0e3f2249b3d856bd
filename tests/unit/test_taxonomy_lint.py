"""Lint: every finding in one run, real ones only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from taxonomy_toys import DATA, needs_data

from rlfg.cli import main
from rlfg.taxonomy import TaxonRecord
from rlfg.taxonomy.disagreement import disagreements
from rlfg.taxonomy.forest import Forest
from rlfg.taxonomy.lint import Finding, lint, lint_labels
from rlfg.taxonomy.reading import Reading


def record(
    key: str,
    parent: str | None = None,
    *,
    name: str = "",
    rank: str | None = None,
    common: tuple[str, ...] = (),
    synonyms: tuple[str, ...] = (),
) -> TaxonRecord:
    return TaxonRecord(
        id=key, parent=parent, name=name or key, rank=rank, vernaculars=common, synonyms=synonyms, where=f"t:{key}"
    )


def run(*records: TaxonRecord, **options: object) -> list[tuple[str, str, str]]:
    """Code, severity and place of each finding."""
    _, found = lint(Reading(records=(), **options), records)  # type: ignore[arg-type]
    return [(f.code, f.severity, f.where) for f in found]


def codes(findings: list[Finding]) -> list[str]:
    return [f.code for f in findings]


def test_a_clean_source() -> None:
    assert run(record("life"), record("bird", "life"), record("wren", "bird")) == []


def test_all_findings_in_one_run() -> None:
    found = run(
        record("top"),
        record("a", "b"),
        record("b", "c"),
        record("c", "a"),
        record("x", "y"),
        record("y", "x"),
        record("hangs", "a"),
        record("lost", "nowhere"),
        record("lost", "top"),
        record("other"),
        record("?", "top"),
    )
    assert found == [
        ("duplicate-id", "error", "t:lost"),
        ("cycle", "error", "t:a"),
        ("cycle", "error", "t:x"),
        ("orphan", "error", "t:lost"),
        ("several-roots", "warning", "t:other"),
        ("unfindable-name", "error", "t:?"),
    ]


def test_several_roots_are_meant_where_the_whole_has_a_name() -> None:
    assert run(record("a"), record("b"), root_names=("life",)) == []
    _, found = lint(Reading(records=()), [record("a"), record("b")], rooted=True)
    assert found == []


def test_a_column_of_other_names_that_was_read_as_a_rank(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "voegel.csv"
    species = ("Larus argentatus;Silbermöwe", "Larus fuscus;Heringsmöwe", "Sterna hirundo;Flussseeschwalbe")
    path.write_text("Gattung;Art;Deutscher Name\n" + "".join(f"{line.split()[0]};{line}\n" for line in species))
    for options, expected in (([], 1), (["--rank-columns", "Gattung,Art", "--common-column", "Deutscher Name"], 0)):
        with pytest.raises(SystemExit) as done:
            main(["taxonomy", "lint", str(path), "--root", "Vogel", "--json", *options])
        assert done.value.code == 0
        found = [f for f in json.loads(capsys.readouterr().out)["findings"] if f["code"] == "lone-rank"]
        assert len(found) == expected
        assert all("each deutscher_name of 3 is the only one of its art; if these are" in f["message"] for f in found)


def test_ranks() -> None:
    records = (record("g", rank="genus"), record("clade", "g"), record("f", "clade", rank="family"))
    assert run(*records) == [("rank-inversion", "error", "t:f")]
    assert run(*records, siblings="merge") == [("rank-inversion", "warning", "t:f")]
    assert run(*records, main_ranks=()) == []


def test_an_unranked_cycle_does_not_hang_the_ranks() -> None:
    found = run(record("a", "b"), record("b", "a"), record("s", "a", rank="species"), record("g", "s", rank="genus"))
    assert ("rank-inversion", "error", "t:g") in found


def test_siblings_of_one_name_and_what_is_below_them() -> None:
    records = (
        record("top"), record("1", "top", name="Canis"), record("2", "top", name="canis"),
        record("3", "1", name="lupus"), record("4", "2", name="lupus"),
    )  # fmt: skip
    assert run(*records) == [("duplicate-name", "error", "t:2"), ("duplicate-name", "error", "t:4")]
    assert {severity for _, severity, _ in run(*records, siblings="merge")} == {"warning"}


def test_homonyms() -> None:
    iris = (record("top"), record("p", "top"), record("q", "top"), record("1", "p", name="Iris"))
    _, (found,) = lint(Reading(records=()), [*iris, record("2", "q", name="iris")])
    assert (found.code, found.severity, found.where) == ("homonym", "warning", "t:1")
    assert "top > p > Iris (t:1); top > q > iris (t:2)" in found.message
    assert run(*iris, record("2", "1", name="Iris")) == [("name-of-ancestor", "info", "t:1")]


def test_a_name_that_is_both_accepted_and_a_synonym() -> None:
    found = run(record("top"), record("a", "top"), record("b", "top", synonyms=("A",)))
    assert found == [("accepted-and-synonym", "warning", "t:b"), ("shared-synonym", "info", "t:a")]


def test_common_names_of_several_taxa() -> None:
    sparrow = ("sparrow",)
    assert run(record("top"), record("a", "top", common=sparrow), record("b", "top", common=sparrow)) == [
        ("shared-common-name", "info", "t:a")
    ]
    assert run(record("top", common=sparrow), record("a", "top", common=sparrow)) == []


def test_labels() -> None:
    forest = Forest([record("top"), record("a", "top", name="Herring Gull"), record("b", "top", common=("tern",)),
                     record("c", "top", common=("tern",))])  # fmt: skip
    found = list(lint_labels(forest, [("l:1", "herring gull"), ("l:2", "Hering Gull"), ("l:3", "tern"), ("l:4", "?")]))
    assert codes(found) == ["label-missing", "label-ambiguous", "label-missing"]
    assert found[0].message == 'label "Hering Gull" is not in the taxonomy; did you mean "Herring Gull"?'
    assert found[1].where == "l:3"


LIFE = [record("life"), record("f", "life", rank="family"), record("h", "life"), record("g", "f"), record("s", "g")]


def test_a_genus_that_moved_is_reported_once() -> None:
    moved = Forest([*LIFE[:3], record("g", "h"), record("s", "g")])
    (found,) = disagreements(Forest(LIFE), moved)
    assert (found.code, found.where) == ("disagreement-placement", "t:g")
    assert found.message == '"g" stands below "f" (t:f) here, and below "h" at t:g'


def test_a_finer_source_does_not_disagree() -> None:
    finer = Forest([*LIFE[:3], record("tribe", "f"), record("g", "tribe"), record("s", "g")])
    assert list(disagreements(Forest(LIFE), finer)) == list(disagreements(finer, Forest(LIFE))) == []
    renamed = Forest([record("life"), record("F2", "life", synonyms=("f",)), record("g", "F2"), record("s", "g")])
    assert codes(list(disagreements(Forest(LIFE), renamed))) == ["disagreement-status"]


def test_ranks_and_status_that_differ() -> None:
    other = Forest([record("life"), record("f", "life", rank="order"), record("k", "f", synonyms=("s",))])
    assert codes(list(disagreements(Forest(LIFE), other))) == ["disagreement-rank", "disagreement-status"]


TABLE = """\
order,family,genus,species,species_common
Charadriiformes,Laridae,Larus,Larus canus,
,,,,
Charadriiformes,Laridae,Larus,,gull
Passeriformes,Laridae,Sterna,Sterna hirundo,tern,7
Passeriformes,Larus,Laridae,Prunella,
"""


def cli(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main(["taxonomy", *argv])
    done = capsys.readouterr()
    return int(caught.value.code or 0), done.out + done.err


def test_bad_rows_are_findings_and_the_rest_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "labels.txt").write_text("Prunella\nkiwi\nkiwi\n", encoding="utf-8")
    argv = ["lint", str(tmp_path / "t.csv"), "--root", "bird", "--labels", str(tmp_path / "labels.txt")]
    status, text = cli(capsys, *argv, "--json")
    assert status == 1
    content = json.loads(text)
    found = [(f["code"], f["where"].removeprefix(f"{tmp_path}/")) for f in content["findings"]]
    assert found == [
        ("bad-entry", "t.csv:3"),
        ("bad-entry", "t.csv:4"),
        ("bad-entry", "t.csv:5"),
        ("homonym", "t.csv:2"),
        ("homonym", "t.csv:2"),
        ("label-missing", "labels.txt:2"),
    ]
    assert content["counts"] == {"error": 4, "warning": 2}
    assert content["source"]["entries"] == {"rows": 5}
    assert content["source"]["skipped"] == {"does not hold to the format": 3}
    status, text = cli(capsys, *argv)
    assert (status, text.splitlines()[-1]) == (1, "8 taxa, 4 error, 2 warning, 0 info")


def test_lineages_that_contradict_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lineages = {"a": ["c", "a"], "b": ["a", "b"], "c": ["b", "c"], "x": ["y", "x"], "y": ["x", "y"], "z": "z"}
    (tmp_path / "t.json").write_text(json.dumps(lineages), encoding="utf-8")
    status, text = cli(capsys, "lint", str(tmp_path / "t.json"), "--json")
    assert status == 1
    assert [f["code"] for f in json.loads(text)["findings"]].count("cycle") == 2


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("genus,species\nLarus,canus\nSterna,hirundo\n", encoding="utf-8")
    assert cli(capsys, "lint", str(tmp_path / "t.csv"))[0] == 0
    assert cli(capsys, "lint", str(tmp_path / "no.csv"))[0] == 2
    status, text = cli(capsys, "lint", str(tmp_path / "t.csv"), "--against", str(tmp_path / "t.csv"), "--root", "b")
    assert (status, text.splitlines()[-1]) == (0, "4 taxa, 0 error, 0 warning, 0 info")


@pytest.mark.parametrize("name", ["cub200", "oxford_pets", "stanford_cars", "stanford_dogs"])
def test_the_projects_own_hierarchies(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, text = cli(capsys, "lint", f"builtin:{name}")
    assert (status, ", 0 error, " in text) == (0, True)


@needs_data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("taxonomies/hierarchy_CUB200.json", ["several-roots", "name-of-ancestor", "name-of-ancestor"]),
        ("taxonomies/hierarchy_Food.json", []),
        ("taxonomies/hierarchy_imagenet_animal.json", []),
        ("taxonomies/hierarchy_Inat_animal.json", []),
        ("taxonomies/hierarchy_Inat_plantae.json", []),
        ("ncbi", []),
        ("ncbi/gtdb_sample.tsv", ["name-of-ancestor"] * 75),
    ],
)
def test_published_sources(name: str, expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, text = cli(capsys, "lint", str(DATA / name), "--json")
    assert (status, [f["code"] for f in json.loads(text)["findings"]]) == (0, expected)

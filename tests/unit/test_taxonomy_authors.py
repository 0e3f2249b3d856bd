"""Scientific names with authors behind, as tables of biologists have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlfg.taxonomy import load_taxonomy, resolve
from rlfg.taxonomy.authors import without_authors
from rlfg.taxonomy.hierarchies import available

TABLE = """\
Familie;Gattung;Art;Deutscher Name
Laridae;Larus;Larus argentatus Pontoppidan, 1763;Silbermöwe
Laridae;Larus;Larus fuscus Linnaeus, 1758;Heringsmöwe
Passeridae;Passer;Passer montanus (Linnaeus, 1758);Feldsperling
"""


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("Larus argentatus Pontoppidan, 1763", "Larus argentatus"),
        ("Larus fuscus fuscus Linnaeus, 1758", "Larus fuscus fuscus"),
        ("Passer montanus (Linnaeus 1758)", "Passer montanus"),
        ("Turdus philomelos C.L.Brehm, 1831", "Turdus philomelos"),
        ("Helix pomatia d'Orbigny & Férussac, 1841", "Helix pomatia"),
        ("Bellis perennis L.", "Bellis perennis"),
        ("Carex nigra (L.) Reichard", "Carex nigra"),
        ("Taraxacum officinale F.H. Wigg.", "Taraxacum officinale"),
    ],
)
def test_authors_are_no_part_of_a_name(name: str, bare: str) -> None:
    assert without_authors(name) == bare
    assert without_authors(bare) == bare


@pytest.mark.parametrize(
    "name",
    [
        "Larus",
        "Acer palmatum Bloodgood",
        "Bacillus subtilis ATCC 6633",
        "Audi S4 Sedan 2012",
        "Honda accord Coupe (2012)",
        "Ram C/V Cargo Van Minivan 2012",
        "Boeing 737-200",
        "Lophius sp. A, 1999",
        "Dama dama var. alba",
    ],
)
def test_cultivars_strains_and_products_are_left_alone(name: str) -> None:
    assert without_authors(name) == name


def test_no_name_of_the_hierarchies_has_authors() -> None:
    trees = [load_taxonomy(f"builtin:{name}") for name in available()]
    names = [name for tree in trees for node in range(tree.n) for name in (tree.names[node], *tree.other_names(node))]
    assert len(names) > 4000
    assert [name for name in names if without_authors(name) != name] == []


def test_answers_name_the_species_of_a_table_with_authors(tmp_path: Path) -> None:
    path = tmp_path / "voegel.csv"
    path.write_text(TABLE)
    columns = ["Familie", "Gattung", "Art"]
    tree = load_taxonomy(path, root="Vogel", rank_columns=columns, common_column="Deutscher Name")
    gull = tree.lookup("Silbermöwe")
    assert tree.names[gull[0]] == "Larus argentatus"
    for text in ("Larus argentatus", "Larus argentatus Pontoppidan, 1763", "Larus argentatus Pontoppidan"):
        assert resolve(tree, text).candidates == gull
        assert not resolve(tree, text).group
    assert resolve(tree, "P. montanus").candidates == tree.lookup("Feldsperling")
    plain = tmp_path / "plain.csv"
    plain.write_text('family,genus,species\nPasseridae,Passer,"Passer montanus (Linnaeus, 1758)"\n')
    tree = load_taxonomy(plain)
    assert (tree.names[-1], tree.synonyms[-1]) == ("Passer montanus", ("Passer montanus (Linnaeus, 1758)",))

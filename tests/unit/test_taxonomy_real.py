"""Published taxonomies, read where they lie beside the repository."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from rlfg.taxonomy import Taxonomy, check_labels, load_taxonomy, relation, specificity
from rlfg.types import Relation

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs the real data in ../shared/data")


def load(name: str, **options: str) -> Taxonomy:
    return load_taxonomy(DATA / "taxonomies" / f"hierarchy_{name}.json", **options)


@pytest.mark.parametrize(
    ("name", "nodes", "leaves", "depth"),
    [
        ("CUB200", 375, 200, 4),
        ("Food", 100, 84, 4),
        ("imagenet_animal", 541, 397, 11),
        ("Inat_animal", 9277, 5388, 6),
        ("Inat_plantae", 6364, 4271, 6),
    ],
)
def test_sizes(name: str, nodes: int, leaves: int, depth: int) -> None:
    tree = load(name)
    assert (tree.n, len(tree.leaves()), int(tree.depth.max())) == (nodes, leaves, depth)
    labels = json.loads((DATA / "taxonomies" / f"hierarchy_{name}.json").read_text(encoding="utf-8"))
    assert check_labels(tree, labels) == []
    assert sorted(node for label in labels for node in tree.lookup(label)) == list(tree.leaves())


def test_the_large_ones_load_within_two_seconds_of_processor_time() -> None:
    began = time.process_time()
    load("Inat_animal")
    assert time.process_time() - began < 2


def test_cub() -> None:
    tree = load("CUB200", root="bird")
    assert tree.lookup("warbler") == ()
    assert tree.lookup("Bird") == (0,)
    (truth,) = tree.lookup("Nelsons Sharp-tailed Sparrow")
    verdicts = [relation(tree, answer, truth).value for answer in tree.lineage(truth)]
    assert verdicts == ["GENERIC", "GENERIC", "LESS_SPECIFIC", "LESS_SPECIFIC", "SPECIFIC"]


@pytest.mark.parametrize("name", ["Geococcyx", "Sayornis"])
def test_a_cub_label_that_bears_the_name_of_its_genus_is_judged_as_any_other(name: str) -> None:
    tree = load("CUB200", root="bird")
    (truth,) = tree.lookup(name)
    _, order, family, genus, species = tree.lineage(truth)
    assert (truth, tree.names[genus]) == (species, name)
    assert relation(tree, order, truth) is Relation.GENERIC
    assert relation(tree, family, truth) is Relation.LESS_SPECIFIC
    assert specificity(tree, family, truth) == 2 / 4


def test_animals_and_plants_share_names(tmp_path: Path) -> None:
    both: dict[str, list[str]] = {}
    for name in ("Inat_animal", "Inat_plantae"):
        both |= json.loads((DATA / "taxonomies" / f"hierarchy_{name}.json").read_text(encoding="utf-8"))
    (tmp_path / "life.json").write_text(json.dumps(both), encoding="utf-8")
    tree = load_taxonomy(tmp_path / "life.json", root="life")
    assert tree.n == 1 + 9277 + 6364
    for genus in ("Prunella", "Oenanthe", "Iris"):
        found = tree.lookup(genus)
        assert {tree.names[tree.lineage(node)[1]] for node in found} == {"Animalia", "Plantae"}, genus


def test_most_real_guesses_of_the_truth_resolve() -> None:
    tree = load("CUB200", root="bird")
    lines = (DATA / "answers" / "bird200_guesses.jsonl").read_text(encoding="utf-8").splitlines()
    truths = [json.loads(line)["truth"] for line in lines]
    missing = {problem.label for problem in check_labels(tree, truths)}
    assert len(truths) == 577
    assert sum(truth in missing for truth in truths) <= 78

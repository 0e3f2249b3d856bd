"""Precision and recall on 400 answers labelled by hand, where they lie beside the repository."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rlfg.taxonomy import load_taxonomy

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
import resolve as benchmark  # noqa: E402

sys.path.pop(0)


def test_the_labels_are_whole() -> None:
    labels = benchmark.read_labels(ROOT / "tests" / "data" / "bird200_labels.csv")
    tree = load_taxonomy("builtin:cub200")
    assert len(labels) == 400
    for label in labels.values():
        assert (label.kind in ("taxon", "group")) == bool(label.taxa)
        assert all(tree.lookup(name) for name in label.taxa)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real data in ../shared/data")
@pytest.mark.parametrize("source", ["builtin:cub200", "hierarchy_CUB200.json"])
def test_precision_and_recall(source: str) -> None:
    path = source if source.startswith("builtin") else DATA / "taxonomies" / source
    taxonomy = load_taxonomy(path, root="bird")
    labels = benchmark.read_labels(ROOT / "tests" / "data" / "bird200_labels.csv")
    answers = benchmark.read_answers(DATA / "answers" / "bird200_guesses.jsonl")
    precision, recall, errors = benchmark.judge(taxonomy, labels, answers)
    assert precision.hits >= 0.98 * precision.of > 200, errors
    assert recall.hits >= 0.95 * recall.of > 200, errors


def test_misspellings_are_found_and_never_taken_for_another_taxon() -> None:
    capped, free, other = benchmark.fuzzy_recall(load_taxonomy("builtin:cub200"), 600, seed=5)
    assert capped.hits >= 0.92 * capped.of > 300
    assert free.hits - capped.hits <= 0.03 * free.of, "what the caps on candidates lose"
    assert other.hits == 0


def test_wilson() -> None:
    low, high = benchmark.wilson(98, 100)
    assert (round(low, 4), round(high, 4)) == (0.93, 0.9945)
    assert benchmark.wilson(0, 0) == (0.0, 1.0)

"""Triplets: a positive of the class, a negative of the class it is taken for."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rlfg.cli import main
from rlfg.data import DataSpec, Examples, load_examples
from rlfg.data.triplets import read_embeddings, triplets
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy

BIRDS = ("Herring Gull", "California Gull", "Ivory Gull", "Indigo Bunting", "Painted Bunting", "Blue Jay")


@pytest.fixture(scope="module")
def birds() -> Taxonomy:
    return load_taxonomy("builtin:cub200")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures of each bird, one of them twice; one lone Cardinal."""
    folder = tmp_path_factory.mktemp("birds")
    lines = []
    for k, name in enumerate([*BIRDS, "Cardinal"]):
        for n in range(4 if name in BIRDS else 1):
            seed = 100 * k + (0 if n == 1 else n)
            noise = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
            Image.fromarray(noise).resize((60, 60)).save(folder / f"{k}-{n}.png")
            lines.append({"id": f"{k}-{n}", "image": f"{k}-{n}.png", "label": name, "meta": {"camera": k}})
    (folder / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "data.jsonl"


@pytest.fixture
def examples(manifest: Path) -> Examples:
    return load_examples(DataSpec(path=str(manifest)))


@pytest.mark.parametrize("negatives", ["random", "taxonomy"])
def test_positives_are_of_the_class_and_no_copies(examples: Examples, birds: Taxonomy, negatives: str) -> None:
    for seed in range(5):
        found = triplets(examples, negatives, seed=seed, taxonomy=birds)  # type: ignore[arg-type]
        assert len(found) == len(examples)
        for i, one in enumerate(found):
            assert examples[one.negative].label != examples[i].label and one.why == negatives
            if examples[i].label == "Cardinal":
                assert one.positive is None
                continue
            assert one.positive is not None and one.positive != i
            assert examples[one.positive].label == examples[i].label
            pair = {examples[i].id[2:], examples[one.positive].id[2:]}
            assert pair != {"0", "1"}, "these two are one picture"
    assert triplets(examples, "random", seed=1) != triplets(examples, "random", seed=2)


def test_the_taxonomy_gives_siblings(examples: Examples, birds: Taxonomy) -> None:
    nearest = {
        "Herring Gull": {"California Gull"}, "California Gull": {"Herring Gull"},
        "Ivory Gull": {"Herring Gull", "California Gull"}, "Indigo Bunting": {"Painted Bunting"},
        "Painted Bunting": {"Indigo Bunting"}, "Cardinal": {"Indigo Bunting", "Painted Bunting"},
    }  # fmt: skip
    seen: dict[str, set[str]] = {}
    for seed in range(10):
        for example, one in zip(examples, triplets(examples, "taxonomy", seed=seed, taxonomy=birds), strict=True):
            seen.setdefault(example.label, set()).add(examples[one.negative].label)
    assert {name: seen[name] for name in nearest} == nearest


def test_embeddings_give_the_nearest_picture_of_another_class(examples: Examples, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    vectors = draw.normal(size=(len(examples), 8))
    order = draw.permutation(len(examples))
    ids = np.array([examples[i].id for i in order])
    np.savez(tmp_path / "e.npz", ids=ids, embeddings=vectors[order])
    read = read_embeddings(tmp_path / "e.npz", examples)
    assert np.array_equal(read, vectors)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for i, one in enumerate(triplets(examples, "embedding", embeddings_ND=read)):
        others = [j for j in range(len(examples)) if examples[j].label != examples[i].label]
        assert one.negative == max(others, key=lambda j: float(unit[i] @ unit[j])) and one.why == "embedding"
    np.savez(tmp_path / "short.npz", ids=ids[:-1], embeddings=vectors[order][:-1])
    with pytest.raises(RlfgError, match=f"no embedding of '{ids[-1]}' and 0 more"):
        read_embeddings(tmp_path / "short.npz", examples)
    with pytest.raises(RlfgError, match="zero or not finite"):
        triplets(examples, "embedding", embeddings_ND=np.zeros((len(examples), 2)))
    (tmp_path / "no.npz").write_text("x")
    with pytest.raises(RlfgError, match=r"no.npz: not an .npz"):
        read_embeddings(tmp_path / "no.npz", examples)


def test_confusions_of_the_model_come_first(examples: Examples, birds: Taxonomy) -> None:
    """Right answers, broader ones and birds that are not in the data are no confusions."""
    answers = {
        "0-0": ["Larus californicus", "Blue Jay", "California Gull"],
        "0-2": ["Herring Gull", "Blue Jay", "gull", "Bohemian Waxwing", "a bird"],
        "0-3": ["California Gull"],
        "5-0": ["Cyanocitta cristata", "bird"],
        "elsewhere": ["Ivory Gull"],
    }
    found = triplets(examples, "confusions", taxonomy=birds, answers=answers)
    by_label = {e.label: (examples[t.negative].label, t.why) for e, t in zip(examples, found, strict=True)}
    assert by_label["Herring Gull"] == ("California Gull", "confusions")
    assert by_label["California Gull"] == ("Herring Gull", "taxonomy") and by_label["Blue Jay"][1] == "taxonomy"
    without = triplets(examples, "confusions", answers={"0-0": ["blue jay"], "1-0": ["Larus argentatus"]})
    assert Counter(t.why for t in without) == {"confusions": 4, "random": 21}
    with pytest.raises(RlfgError, match="none of the answers is to a picture"):
        triplets(examples, "confusions", answers={"x": ["Blue Jay"]})


def test_the_command_writes_a_manifest(
    manifest: Path, examples: Examples, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [{"id": "0-0", "truth": "Herring Gull", "completion": "<answer>Ivory Gull</answer>"}]
    said += [{"id": "3-0", "truth": "Indigo Bunting", "answer": "Blue Jay"}]
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said))
    out = tmp_path / "new" / "triplets.jsonl"
    command = ["data", "triplets", str(manifest), "--out", str(out), "--taxonomy", "builtin:cub200"]
    with pytest.raises(SystemExit) as left:
        main([*command, "--negatives", "confusions", "--predictions", str(tmp_path / "said.jsonl")])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert "25 pictures: negatives 17 by taxonomy, 8 by confusions; 1 are alone in their class" in text
    read = load_examples(DataSpec(path=str(out)))
    assert [e.id for e in read] == [e.id for e in examples]
    for example in read:
        assert Path(str(example.negative)).is_file()
        assert example.label == "Cardinal" or Path(str(example.positive)).is_file()
        assert set(example.meta) == {"camera", "negative_label", "negative_by"}


WAYS: dict[str, dict[str, Any]] = {
    "random": {},
    "taxonomy": {},
    "confusions": {"answers": {"0": ["California Gull"], "1": ["California Gull"], "4": ["Larus", "gull"]}},
    "embedding": {"embeddings_ND": np.array([[1, 0], [0.9, 0.1], [0.8, 0.1], [1, 0], [0, 1], [0.9, 0], [0.1, 1]])},
}


@pytest.mark.parametrize("negatives", WAYS)
def test_no_negative_is_a_copy_or_of_a_class_around_the_anchors(
    birds: Taxonomy, tmp_path: Path, negatives: Any
) -> None:
    """Picture 3 is picture 0 under another name, and 5 is of the genus of both; the nearest to 0 by any encoder."""
    names = ["Herring Gull"] * 3 + ["California Gull"] * 2 + ["Larus", "Blue Jay"]
    lines = []
    for n, name in enumerate(names):
        noise = np.random.default_rng(0 if n == 3 else n).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((60, 60)).save(tmp_path / f"{n}.png")
        lines.append({"id": str(n), "image": f"{n}.png", "label": name})
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    examples = load_examples(DataSpec(path=str(tmp_path / "data.jsonl")))
    for seed in range(20):
        found = triplets(examples, negatives, seed=seed, taxonomy=birds, **WAYS[negatives])
        assert found[0].negative in {4, 6} and found[3].negative in {1, 2, 6}
        assert found[5].negative == 6, "what is called by the genus may be any gull"
        assert all(names[one.negative] != "Larus" for one in found[:5])
    two = {"embeddings_ND": np.eye(2)} if negatives == "embedding" else WAYS[negatives]
    with pytest.raises(RlfgError, match="every picture of another class is a copy of '0'"):
        triplets(examples.subset([0, 3]), negatives, taxonomy=birds, **two)


def test_what_has_no_triplets_is_refused(manifest: Path, examples: Examples) -> None:
    with pytest.raises(RlfgError, match="1 class in the data"):
        triplets(examples.subset(range(4)), "random")
    with pytest.raises(RlfgError, match="by taxonomy need one"):
        triplets(examples, "taxonomy")
    with pytest.raises(RlfgError, match="one row of embeddings"):
        triplets(examples, "embedding")
    with pytest.raises(RlfgError, match="need a model's answers"):
        triplets(examples, "confusions")

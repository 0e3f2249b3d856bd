"""Benchmarks from copies: saved datasets, folders of class folders, manifests; class names however they are spelled."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import benchmark_toys as toys
import pytest

from rlfg.cli import main
from rlfg.data import DataSpec, load_examples
from rlfg.data.benchmarks import Prepared, PrepareSpec, benchmark, custom, prepare
from rlfg.data.benchmarks.labels import Labels
from rlfg.errors import RlfgError


def copied(name: str, source: Path, out: Path, **options: Any) -> Prepared:
    chosen = custom(options.pop("taxonomy", None)) if name == "custom" else benchmark(name)
    options = {"allow_partial": True, **options}
    return prepare(chosen, PrepareSpec(copy=str(source), out=out, **options), say=lambda _: None)


def saved(
    folder: Path, names: list[str], rows: dict[str, list[int]], *, columns: tuple[str, str] = ("image", "label")
) -> Path:
    """A saved dataset whose pictures are inside it, as those of the hub are."""
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({columns[0]: datasets.Image(), columns[1]: datasets.ClassLabel(names=names)})
    splits = {}
    for split, labels in rows.items():
        data = []
        for n, _ in enumerate(labels):
            toys.paint(folder.parent / "raw.jpg", n)
            data.append({"bytes": (folder.parent / "raw.jpg").read_bytes(), "path": None})
        splits[split] = datasets.Dataset.from_dict({columns[0]: data, columns[1]: labels}, features=features)
    datasets.DatasetDict(splits).save_to_disk(str(folder))
    return folder


def test_a_saved_dataset(tmp_path: Path) -> None:
    names = ["001.Black_footed_Albatross", "Northern Cardinal", "california gull"]
    source = saved(tmp_path / "data", names, {"train": [0, 1], "test": [2, 2, 1]})
    found = copied("cub200", source, tmp_path / "out")
    assert found.written == {"train": 2, "test": 3} and found.taxonomy == {"taxonomy": "builtin:cub200"}
    test = load_examples(DataSpec(path=str(found.manifests["test"])))
    assert [e.label for e in test] == ["California Gull", "California Gull", "Cardinal"], "labels of the benchmark"
    assert [e.meta["class"] for e in test] == ["california gull", "california gull", "Northern Cardinal"]
    assert [e.id for e in test] == ["test/000000", "test/000001", "test/000002"]
    assert all(test.open_image(i).size == (40, 32) for i in range(3))
    files = sorted((tmp_path / "out" / "images").rglob("*.jpg"))
    before = [file.stat().st_mtime_ns for file in files]
    assert len(files) == 5
    copied("cub200", source, tmp_path / "out")
    assert [file.stat().st_mtime_ns for file in files] == before, "what is there is not written again"
    assert "split train: 2 pictures, published 5,994" in found.problems


def test_splits_and_columns_of_other_names(tmp_path: Path) -> None:
    source = saved(
        tmp_path / "data", ["apple_pie"], {"train": [0, 0], "validation": [0], "extra": [0]}, columns=("img", "dish")
    )
    options: dict[str, Any] = {"columns": {"image": "img", "label": "dish"}}
    with pytest.raises(RlfgError, match=r"what is its split 'extra'\? Say so with --hub-split extra=train"):
        copied("food101", source, tmp_path / "out", **options)
    splits = {"train": "train", "validation": "test"}
    found = copied("food101", source, tmp_path / "out", splits=splits, **options)
    assert found.written == {"train": 2, "test": 1}, "Food-101's test is called validation there; extra is left aside"
    both = copied("food101", source, tmp_path / "both", splits={**splits, "extra": "test"}, **options)
    assert both.written == {"train": 2, "test": 2} and len([*(tmp_path / "both").rglob("*.jpg")]) == 4
    with pytest.raises(RlfgError, match="has no split 'valid'; it has extra, train, validation"):
        copied("food101", source, tmp_path / "out", splits={**splits, "valid": "val"}, **options)
    with pytest.raises(RlfgError, match="'dev' is no split of ours; these are train, val, test"):
        copied("food101", source, tmp_path / "out", splits={"train": "dev"}, **options)


def test_a_folder_of_class_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    for n, path in enumerate(["train/Abyssinian/a", "train/Maine_Coon/b", "test/Maine_Coon/c"]):
        toys.paint(tmp_path / "pets" / f"{path}.jpg", n)
    command = ["oxford_pets", "--from-hub", str(tmp_path / "pets"), "--out", str(tmp_path / "out"), "--allow-partial"]
    with pytest.raises(SystemExit) as left:
        main(["data", "prepare", *command])
    assert left.value.code == 0
    assert "3 pictures listed: 2 train, 1 test, 0 missing, 0 unreadable" in capsys.readouterr().out
    train = load_examples(DataSpec(path=str(tmp_path / "out" / "train.jsonl")))
    assert Counter(e.label for e in train) == {"Abyssinian": 1, "Maine Coon": 1}


def test_a_manifest(tmp_path: Path) -> None:
    toys.paint(tmp_path / "1.jpg", 1)
    lines = [
        {"id": "one", "image": "1.jpg", "label": "boeing_707-320", "split": "train", "author": "A. B."},
        {"id": "two", "image": "1.jpg", "label": "A318", "split": "valid"},
    ]
    toys.text(tmp_path / "planes.jsonl", [json.dumps(line) for line in lines])
    found = copied("fgvc_aircraft", tmp_path / "planes.jsonl", tmp_path / "out")
    assert found.written == {"train": 1, "val": 1}
    (train,) = load_examples(DataSpec(path=str(found.manifests["train"])))
    assert (train.id, train.label, train.meta["author"]) == ("one", "707-320", "A. B.")
    assert Path(train.image).resolve() == tmp_path / "1.jpg", "pictures that are files stay where they are"


def test_any_dataset_as_custom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = saved(tmp_path / "data", ["Larus canus", "Larus fuscus"], {"train": [0, 1], "dev": [1]})
    (tmp_path / "gulls.csv").write_text("genus,species\nLarus,Larus canus\nLarus,Larus fuscus\n")
    found = copied("custom", source, tmp_path / "out", taxonomy=str(tmp_path / "gulls.csv"), allow_partial=False)
    assert found.written == {"train": 2, "val": 1} and found.problems == ()
    assert found.taxonomy == {"taxonomy": str(tmp_path / "gulls.csv")}
    (tmp_path / "gulls.csv").write_text("genus,species\nLarus,Larus canus\nSterna,Sterna hirundo\n")
    command = ["data", "prepare", "custom", "--from-hub", str(source), "--taxonomy", str(tmp_path / "gulls.csv")]
    with pytest.raises(SystemExit) as left:
        main([*command, "--out", str(tmp_path / "out2")])
    assert left.value.code == 2 and 'label "Larus fuscus" is not in the taxonomy' in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["data", "prepare", "custom", "--root", str(tmp_path)])
    assert left.value.code == 2 and "is read with --from-hub" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "spelled", "label"),
    [
        ("cub200", "017.Cardinal", "Cardinal"),
        ("cub200", "Brandt's Cormorant", "Brandt Cormorant"),
        ("cub200", "Larus californicus", "California Gull"),
        ("stanford_dogs", "n02096051-airedale", "Airedale"),
        ("stanford_dogs", "Airedale Terrier", "Airedale"),
        ("stanford_cars", "Ram C-V Cargo Van Minivan 2012", "Ram C/V Cargo Van Minivan 2012"),
        ("food101", "apple pie", "apple pie"),
        ("inat21", "Turdus merula", "Turdus merula"),
    ],
)
def test_classes_however_spelled(name: str, spelled: str, label: str) -> None:
    assert Labels(benchmark(name)).of(spelled, "x") == label


@pytest.mark.parametrize(
    ("name", "spelled"), [("cub200", "gull"), ("cub200", "17"), ("cub200", "Larus"), ("food101", "stone")]
)
def test_what_is_no_class(name: str, spelled: str) -> None:
    with pytest.raises(RlfgError, match=f"here: '{spelled}' is no class of"):
        Labels(benchmark(name)).of(spelled, "here")


def test_nothing_there(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    with pytest.raises(RlfgError, match="cannot load this dataset"):
        copied("cub200", tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(RlfgError, match="either the folder of the official files"):
        PrepareSpec(out=tmp_path)

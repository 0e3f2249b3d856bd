"""Benchmarks read from miniatures of the official archives: splits, labels, counts, and what differs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import benchmark_toys as toys
import pytest
import yaml

from eval.predict import PredictConfig
from rlfg.cli import main
from rlfg.config import build_config
from rlfg.data import DataSpec, load_examples
from rlfg.data.benchmarks import BENCHMARKS, Prepared, PrepareSpec, benchmark, prepare
from rlfg.errors import RlfgError
from rlfg.taxonomy import load_taxonomy, relation, resolve
from rlfg.types import Relation

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "images"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the real data in ../shared/data")
mat = pytest.mark.skipif(importlib.util.find_spec("scipy") is None, reason="needs scipy")

PAGE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
BIRDS = {
    "train": [("001.Black_footed_Albatross", "Albatross_0046"), ("017.Cardinal", "Cardinal_0001")],
    "test": [
        ("017.Cardinal", "Cardinal_0002"),
        ("059.California_Gull", "Gull_0009"),
        ("059.California_Gull", "Gull_0010"),
    ],
}
PLANES = {
    "train": [("707-320", "1025794"), ("A318", "0034309")],
    "val": [("A318", "1340192")],
    "test": [("Falcon 900", "0056297")],
}
DISHES = {"train": [("apple_pie", "1005649"), ("apple_pie", "1011328")], "test": [("beef_carpaccio", "1011328")]}
PETS = {
    "train": [("american_bulldog", "american_bulldog_100"), ("Maine_Coon", "Maine_Coon_1")],
    "test": [("Maine_Coon", "Maine_Coon_203")],
}
FLOWERS = {
    "train": [("pink primrose", "3"), ("hard-leaved pocket orchid", "1")],
    "val": [("pink primrose", "4")],
    "test": [("blackberry lily", "2")],
}
CARS = {
    "train": [("AM General Hummer SUV 2000", "00001"), ("Ram C/V Cargo Van Minivan 2012", "00002")],
    "test": [("smart fortwo Convertible 2012", "00001")],
}
DOGS = {
    "train": [("n02085620-Chihuahua", "n02085620_5927"), ("n02116738-African_hunting_dog", "n02116738_10476")],
    "test": [("n02096051-Airedale", "n02096051_1110")],
}
SPECIES = {
    "train": [("Turdus merula", "a1"), ("Bellis perennis", "b1")],
    "val": [("Turdus philomelos", "c1"), ("Turdus merula", "a2")],
}

Case = tuple[Callable[[Path, Any], None], dict[str, list[tuple[str, str]]], dict[str, list[str]]]
CASES: dict[str, Case] = {
    "cub200": (
        toys.cub, BIRDS,
        {"train": ["Black footed Albatross", "Cardinal"], "test": ["Cardinal", "California Gull", "California Gull"]},
    ),
    "fgvc_aircraft": (toys.aircraft, PLANES, {"train": ["707-320", "A318"], "val": ["A318"], "test": ["Falcon 900"]}),
    "food101": (toys.food, DISHES, {"train": ["apple pie", "apple pie"], "test": ["beef carpaccio"]}),
    "oxford_pets": (toys.pets, PETS, {"train": ["american bulldog", "Maine Coon"], "test": ["Maine Coon"]}),
    "flowers102": (
        toys.flowers, FLOWERS,
        {
            "train": ["pink primrose", "hard-leaved pocket orchid"], "val": ["pink primrose"],
            "test": ["blackberry lily"],
        },
    ),
    "stanford_cars": (
        toys.cars, CARS,
        {
            "train": ["AM General Hummer SUV 2000", "Ram C/V Cargo Van Minivan 2012"],
            "test": ["smart fortwo Convertible 2012"],
        },
    ),
    "stanford_dogs": (toys.dogs, DOGS, {"train": ["Chihuahua", "African hunting dog"], "test": ["Airedale"]}),
    "inat21_mini": (
        toys.inat, SPECIES,
        {"train": ["Turdus merula", "Bellis perennis"], "val": ["Turdus philomelos", "Turdus merula"]},
    ),
}  # fmt: skip
each = pytest.mark.parametrize(
    "name", [pytest.param(n, marks=mat) if n in ("flowers102", "stanford_cars", "stanford_dogs") else n for n in CASES]
)


def made(name: str, root: Path) -> Path:
    write, pictures, _ = CASES[name]
    write(root, pictures)
    return root


def ready(name: str, root: Path, out: Path, **options: Any) -> Prepared:
    options = {"allow_partial": True, **options}
    return prepare(benchmark(name), PrepareSpec(root=root, out=out, **options), say=lambda _: None)


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["data", "prepare", *words])
    return int(left.value.code or 0)


@each
def test_the_official_layout(name: str, tmp_path: Path) -> None:
    found = ready(name, made(name, tmp_path / "raw"), tmp_path / "out")
    _, pictures, labels = CASES[name]
    assert found.written == {split: len(lines) for split, lines in labels.items()}
    assert (found.missing, found.unreadable) == (0, 0) and found.listed == sum(found.written.values())
    taxonomy = load_taxonomy(found.taxonomy["taxonomy"], root=found.taxonomy.get("root"))
    for split, path in found.manifests.items():
        examples = load_examples(DataSpec(path=str(path)))
        assert [e.label for e in examples] == labels[split] and {e.split for e in examples} == {split}
        assert [e.meta["class"] for e in examples] == [official for official, _ in pictures[split]]
        assert all(examples.open_image(i).size == (40, 32) for i in range(len(examples)))
        assert all(len(taxonomy.lookup(e.label)) == 1 for e in examples)
        assert not json.loads(path.read_text().splitlines()[0])["image"].startswith("/"), "relative to the manifest"
    if name == "fgvc_aircraft":
        assert load_examples(DataSpec(path=str(found.manifests["val"])))[0].meta["manufacturer"] == "Airbus"
    if name == "inat21_mini":
        assert taxonomy.names[0] == "organism" and taxonomy.lookup("Eurasian Blackbird") == taxonomy.lookup(
            "Turdus merula"
        )


@pytest.mark.parametrize("name", [name for name, one in BENCHMARKS.items() if one.hierarchy])
def test_every_class_is_specific_in_its_hierarchy(name: str) -> None:
    labels, taxonomy = benchmark(name).labels(), load_taxonomy(f"builtin:{benchmark(name).hierarchy}")
    assert labels is not None and len(set(labels.values())) == len(labels) == benchmark(name).classes
    nodes = set()
    for label in labels.values():
        (truth,) = taxonomy.lookup(label)
        found = resolve(taxonomy, label)
        assert found.candidates == (truth,) and not found.group, label
        assert relation(taxonomy, found.candidates[0], truth) is Relation.SPECIFIC
        nodes.add(truth)
    assert len(nodes) == len(labels), "no two classes are one taxon"


ARCHIVES = {
    "cub200": {"CUB_200_2011.tgz": ["CUB_200_2011"]},
    "fgvc_aircraft": {"fgvc-aircraft-2013b.tar.gz": ["fgvc-aircraft-2013b"]},
    "food101": {"food-101.tar.gz": ["food-101"]},
    "oxford_pets": {"images.tar.gz": ["images"], "annotations.tar.gz": ["annotations"]},
    "flowers102": {"102flowers.tgz": ["jpg"]},
    "stanford_cars": {"car_devkit.tgz": ["devkit"], "cars_train.zip": ["cars_train"], "cars_test.tgz": ["cars_test"]},
    "stanford_dogs": {"images.tar": ["Images"], "lists.tar": ["train_list.mat", "test_list.mat"]},
    "inat21_mini": {
        "train_mini.tar.gz": ["train_mini"], "train_mini.json.tar.gz": ["train_mini.json"], "val.tar.gz": ["val"],
        "val.json.tar.gz": ["val.json"],
    },
}  # fmt: skip


@each
def test_archives_are_unpacked_once(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, out = made(name, tmp_path / "raw"), tmp_path / "out"
    for archive, names in ARCHIVES[name].items():
        toys.packed(root, root / archive, *names)
        for one in names:
            shutil.rmtree(root / one) if (root / one).is_dir() else (root / one).unlink()
    command = [name, "--root", str(root), "--out", str(out)]
    assert run(*command) == 2
    assert "bytes, the published file" in capsys.readouterr().err
    assert not out.exists(), "nothing is written of files that are not the published ones"
    assert run(*command, "--allow-partial") == 0
    told = capsys.readouterr().out
    assert told.count("unpacking ") == len(ARCHIVES[name]) and "# for a recipe" in told
    lines = yaml.safe_load(told.partition("# for an evaluation\n")[2])  # as they stand, an evaluation's
    asked = build_config(PredictConfig, {**lines, "backend": {"answers": "a"}, "out": "o"}, "told")
    examples, tree = load_examples(asked.data), asked.taxonomy and asked.taxonomy.load()
    assert tree and len(examples) > 0 and all(len(tree.lookup(example.label)) == 1 for example in examples)
    counts = json.loads((out / "prepared.json").read_text())["written"]
    assert counts == {split: len(lines) for split, lines in CASES[name][2].items()}
    assert run(*command, "--allow-partial") == 0 and "unpacking" not in capsys.readouterr().out


def test_what_is_missing_is_said_and_where_to_put_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "raw"
    (root / "jpg").mkdir(parents=True)
    assert run("flowers102", "--root", str(root), "--out", str(tmp_path / "out")) == 2
    assert capsys.readouterr().err == (
        f"error: {root} lacks 2 of the 3 files of Oxford 102 Flowers. Put here\n\n"
        f"  {root}/\n"
        "  ├── 102flowers.tgz   is here\n"
        "  ├── imagelabels.mat  MISSING  502 B, md5:e0620be6f572b9609742df49c70aed4d\n"
        "  └── setid.mat        MISSING  15.0 KB, md5:a5357ecc9cb78c4bef273ce3793fc85c\n\n"
        f"from {PAGE}\n"
        "terms: none stated; the pictures are of the web and of the authors\n"
        f"\n  curl -fL --create-dirs --output-dir {root} -C - -O {PAGE}imagelabels.mat\n"
        f"  curl -fL --create-dirs --output-dir {root} -C - -O {PAGE}setid.mat\n\n"
        f"and run again: rlfg data prepare flowers102 --root {root}\n"
        "(archives are unpacked there; a folder that you unpacked will do)\n"
    )
    for name in BENCHMARKS:
        assert run(name, "--root", str(tmp_path / "nowhere")) == 2
        told = capsys.readouterr().err
        assert all(one.name in told for one in benchmark(name).downloads) and benchmark(name).page in told
    assert run("cub", "--root", "x") == 2 and "there are cub200, fgvc_aircraft" in capsys.readouterr().err
    assert run("cub200") == 2 and "--root" in capsys.readouterr().err


def test_the_folder_may_be_the_archives_own_or_one_of_other_software(tmp_path: Path) -> None:
    made("cub200", tmp_path / "raw")
    assert ready("cub200", tmp_path / "raw" / "CUB_200_2011", tmp_path / "a").listed == 5
    made("oxford_pets", tmp_path / "torch" / "oxford-iiit-pet")
    assert ready("oxford_pets", tmp_path / "torch", tmp_path / "b").listed == 3


def test_published_counts_are_compared(tmp_path: Path) -> None:
    root = made("food101", tmp_path / "raw")
    with pytest.raises(RlfgError) as failed:
        ready("food101", root, tmp_path / "out", allow_partial=False)
    assert str(failed.value).splitlines() == [
        "Food-101: not as expected; --allow-partial goes on with what there is",
        "  split test: 1 pictures, published 25,250",
        "  split train: 2 pictures, published 75,750",
        "  classes: 2, published 101; there is none of "
        "baby back ribs, baklava, beef tartare, beet salad, beignets and 94 more",
        "  split train, classes without the published 750 pictures: apple pie (2)",
        "  split test, classes without the published 250 pictures: beef carpaccio (1)",
    ]
    small = replace(benchmark("food101"), counts={"train": 2, "test": 1}, classes=2, each={"train": 2})
    found = prepare(small, PrepareSpec(root=root, out=tmp_path / "out"), say=lambda _: None)
    assert found.problems == () and found.written == {"train": 2, "test": 1}


def test_a_whole_benchmark_is_as_published(tmp_path: Path) -> None:
    """Oxford-IIIT Pet with all its 7,349 lines; the pictures are hard links to one."""
    names = list(benchmark("oxford_pets").labels() or {})
    pictures = {
        "train": [(names[n % 37], f"{names[n % 37]}_{n}") for n in range(3680)],
        "test": [(names[n % 37], f"{names[n % 37]}_{n}") for n in range(3680, 7349)],
    }
    one = tmp_path / "one.jpg"
    toys.paint(one, 0)
    listed = {"trainval": pictures["train"], "test": pictures["test"]}
    (tmp_path / "images").mkdir()
    for split, lines in listed.items():
        toys.text(tmp_path / "annotations" / f"{split}.txt", [f"{file} {names.index(c) + 1} 1 1" for c, file in lines])
        for _, file in lines:
            os.link(one, tmp_path / "images" / f"{file}.jpg")
    options = {"allow_partial": False, "on_bad_image": "unchecked"}
    found = ready("oxford_pets", tmp_path, tmp_path / "out", **options)
    assert found.problems == () and found.written == {"train": 3680, "test": 3669}
    (tmp_path / "images" / f"{pictures['test'][0][1]}.jpg").unlink()
    with pytest.raises(RlfgError, match=r"1 listed pictures are not there \(1 of test '.*'\); first: .*_3680.jpg"):
        ready("oxford_pets", tmp_path, tmp_path / "out", **options)
    partial = ready("oxford_pets", tmp_path, tmp_path / "out", on_bad_image="unchecked")
    assert (partial.listed, partial.missing, partial.written["test"]) == (7349, 1, 3668)


@real
def test_real_pictures_of_all_kinds_and_a_damaged_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = [
        "african_elephants_cmyk",
        "african_elephants_with_exif_orientation",
        "ocelot",
        "african_elephants_truncated_file",
    ]
    pictures = {
        "train": [("017.Cardinal", kind) for kind in kinds[:2]],
        "test": [("017.Cardinal", kind) for kind in kinds[2:]],
    }
    toys.cub(tmp_path / "raw", pictures)
    for kind in kinds:
        shutil.copyfile(
            SHARED / f"{kind}.jpg", tmp_path / "raw" / "CUB_200_2011" / "images" / "017.Cardinal" / f"{kind}.jpg"
        )
    command = ["cub200", "--root", str(tmp_path / "raw"), "--out", str(tmp_path / "out"), "--allow-partial"]
    assert run(*command) == 2
    assert "1 pictures cannot be read (set on_bad_image: skip" in capsys.readouterr().err
    assert run(*command, "--on-bad-image", "skip") == 0
    told = capsys.readouterr().out
    assert "4 pictures listed: 2 train, 1 test, 0 missing, 1 unreadable" in told
    assert "1 cmyk" in told and "1 exif-rotated" in told and "images.txt:4: truncated" in told
    assert json.loads((tmp_path / "out" / "prepared.json").read_text())["bad"][0]["kind"] == "truncated"


def test_val_is_carved_out_by_class_and_seed(tmp_path: Path) -> None:
    pictures = {
        "train": [(c, f"{c[:3]}_{n}") for c in ("001.Black_footed_Albatross", "017.Cardinal") for n in range(10)],
        "test": [("017.Cardinal", "x")],
    }
    toys.cub(tmp_path / "raw", pictures)
    found = ready("cub200", tmp_path / "raw", tmp_path / "out", val=0.2, seed=1)
    assert found.written == {"train": 16, "val": 4, "test": 1}
    val = load_examples(DataSpec(path=str(found.manifests["val"])))
    assert Counter(e.label for e in val) == {"Black footed Albatross": 2, "Cardinal": 2}
    assert {e.meta["official_split"] for e in val} == {"train"}
    ids = {e.id for e in val}
    train = {e.id for e in load_examples(DataSpec(path=str(found.manifests["train"])))}
    assert not ids & train and len(ids | train) == 20
    again = ready("cub200", tmp_path / "raw", tmp_path / "again", val=0.2, seed=1)
    assert {e.id for e in load_examples(DataSpec(path=str(again.manifests["val"])))} == ids
    other = ready("cub200", tmp_path / "raw", tmp_path / "other", val=0.2, seed=2)
    assert {e.id for e in load_examples(DataSpec(path=str(other.manifests["val"])))} != ids
    ready("cub200", tmp_path / "raw", tmp_path / "out")
    assert not (tmp_path / "out" / "val.jsonl").exists(), "no manifest of an earlier run stays behind"


def test_the_official_val_may_be_trained_on(tmp_path: Path) -> None:
    root = made("fgvc_aircraft", tmp_path / "raw")
    found = ready("fgvc_aircraft", root, tmp_path / "out", train_on="trainval")
    assert found.written == {"train": 3, "test": 1}
    assert load_examples(DataSpec(path=str(found.manifests["train"])))[2].meta["official_split"] == "val"
    with pytest.raises(RlfgError, match="there is an official val"):
        ready("fgvc_aircraft", root, tmp_path / "out", val=0.1)
    with pytest.raises(RlfgError, match="val is a share"):
        PrepareSpec(root=root, out=tmp_path, val=1.0)


def test_lists_that_are_broken_are_named_with_their_line(tmp_path: Path) -> None:
    folder = made("cub200", tmp_path / "raw") / "CUB_200_2011"
    text = (folder / "classes.txt").read_text()
    for file, content, message in [
        (
            "classes.txt",
            text.replace("17 017.Cardinal", "17 017.Cardinalis_of_Rome"),
            r"images.txt:2: '017.Cardinalis_of_Rome' is no class",
        ),
        ("classes.txt", text.replace("17 017.Cardinal\n", ""), "images.txt:2: picture 2 is not in the lists"),
        ("images.txt", "1\n", "images.txt:1: '1' has not the 2 fields"),
        ("images.txt", "1 001.A/a.jpg\n2 001.A/a.jpg\n", "name 'a' and 0 others twice"),
    ]:
        before = (folder / file).read_text()
        (folder / file).write_text(content)
        with pytest.raises(RlfgError, match=message):
            ready("cub200", tmp_path / "raw", tmp_path / "out")
        (folder / file).write_text(before)
    (folder / "train_test_split.txt").unlink()
    with pytest.raises(RlfgError, match=r"train_test_split.txt: no such file, though it is part"):
        ready("cub200", tmp_path / "raw", tmp_path / "out")


def test_without_scipy_a_matlab_file_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("imagelabels.mat", "setid.mat"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "jpg").mkdir()
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    with pytest.raises(RlfgError, match=r"needs SciPy; pip install 'rlfg\[mat\]'"):
        ready("flowers102", tmp_path, tmp_path / "out")


@mat
def test_the_older_files_of_stanford_cars(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = {"train": [(CARS["train"][0][0], "000001")], "test": [(CARS["test"][0][0], "016185")]}
    toys.older_cars(tmp_path / "raw", pictures)
    found = ready("stanford_cars", tmp_path / "raw", tmp_path / "out")
    assert found.written == {"train": 1, "test": 1}
    (test,) = load_examples(DataSpec(path=str(found.manifests["test"])))
    assert (test.id, test.label) == ("car_ims/016185", "smart fortwo Convertible 2012")
    assert run("stanford_cars", "--root", str(tmp_path / "nowhere")) == 2
    assert "or instead car_ims.tgz (md5:d5c8" in capsys.readouterr().err


@mat
def test_matlab_files_that_are_not_the_official_ones(tmp_path: Path) -> None:
    root = made("flowers102", tmp_path / "flowers")
    shutil.copyfile(root / "imagelabels.mat", root / "setid.mat")
    with pytest.raises(RlfgError, match=r"setid.mat: has no variable 'trnid', only labels"):
        ready("flowers102", root, tmp_path / "out")
    (root / "setid.mat").write_bytes(b"no MATLAB file" * 40)
    with pytest.raises(RlfgError, match=r"setid.mat: cannot be read as a MATLAB file"):
        ready("flowers102", root, tmp_path / "out")


def test_list_names_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    told = capsys.readouterr().out
    assert all(name in told for name in BENCHMARKS) and "200 classes; 5,994 train, 5,794 test" in told


def test_the_page_says_the_same() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    assert [row[0].strip("`") for row in rows] == list(BENCHMARKS)
    for name, classes, train, val, test, hierarchy, _, files in rows:
        one = benchmark(name.strip("`"))
        counts = {"train": train, "val": val, "test": test}
        assert classes == f"{one.classes:,}"
        assert {k: v for k, v in counts.items() if v != "–"} == {k: f"{n:,}" for k, n in one.counts.items()}
        assert hierarchy == (f"`builtin:{one.hierarchy}`" if one.hierarchy else "its own categories")
        assert files == ", ".join(f"`{download.name}`" for download in one.downloads)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_facts_hang_together(name: str) -> None:
    one = benchmark(name)
    for split, each_class in one.each.items():
        assert each_class * (one.classes or 0) == one.counts[split]
    for download in one.downloads:
        kind, _, digest = (download.digest or "").partition(":")
        assert (
            len(digest) == {"md5": 32, "sha256": 64}[kind] and download.size and set(digest) <= set("0123456789abcdef")
        )
        if download.name.endswith("gz"):
            assert download.size % tarfile.RECORDSIZE, f"{download.name}: the size of the tar, and not of the gzip"

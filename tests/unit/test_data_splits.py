"""Splits: nothing in two of them, by picture, copy or class; and nothing lost."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from rlfg.cli import main
from rlfg.data import DataSpec, Examples, load_examples
from rlfg.data.duplicates import look_at, near_copies
from rlfg.data.splits import SplitSpec, split, write_split
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy

BIRDS = (
    "Herring Gull", "California Gull", "Western Gull", "Ring billed Gull", "Indigo Bunting", "Painted Bunting",
    "Lazuli Bunting", "Blue Jay", "Green Jay", "Cardinal",
)  # fmt: skip


def paint(seed: int, side: int = 96) -> Image.Image:
    """Blobs of colour: as unlike one another as photographs."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def birds() -> Taxonomy:
    return load_taxonomy("builtin:cub200")


@pytest.fixture(scope="module")
def ten_each(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures of each of ten birds; every third line writes the name otherwise."""
    folder = tmp_path_factory.mktemp("ten")
    lines = []
    for k, name in enumerate(BIRDS):
        for n in range(10):
            file = f"{k}-{n}.png"
            paint(100 * k + n).save(folder / file)
            lines.append({"id": file, "image": file, "label": name.lower().replace(" ", "_") if n % 3 == 2 else name})
    (folder / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "data.jsonl"


def load(path: Path) -> Examples:
    return load_examples(DataSpec(path=str(path)))


def test_few_shot_and_unseen_classes(ten_each: Path, birds: Taxonomy) -> None:
    examples = load(ten_each)
    found = split(examples, SplitSpec(seed=1, shots=4, unseen=0.4, relatives="with"), birds)
    everyone = {birds.node_name(birds.lookup(name)[0]) for name in BIRDS}
    assert (len(found.seen), len(found.unseen)) == (6, 4) and set(found.seen + found.unseen) == everyone
    by_class: dict[str, Counter[str]] = {name: Counter() for name in everyone}
    for name, place in zip(found.classes, found.places, strict=True):
        by_class[name][place] += 1
    for name, count in by_class.items():
        wanted = {"test": 10} if name in found.unseen else {"train": 4, "val": 1, "test": 2, "left out": 3}
        assert count == wanted, "names written otherwise are the same class"
    assert sum(found.counts().values()) == len(examples) == 100
    assert set(found.reasons) == {i for i, place in enumerate(found.places) if place == "left out"}
    assert all("not among the 4 shots" in why for why in found.reasons.values())


def test_unseen_classes_have_relatives_or_not(ten_each: Path, birds: Taxonomy) -> None:
    examples, parent = load(ten_each), {birds.node_name(n): birds.parent[n] for n in birds.leaves()}
    for seed in range(12):
        seen_and_new = {}
        for relatives in ("with", "without"):
            spec = SplitSpec(seed=seed, unseen=0.4, relatives=relatives, duplicates="ignore")  # type: ignore[arg-type]
            found = split(examples, spec, birds)
            seen_and_new[relatives] = [parent[new] in {parent[old] for old in found.seen} for new in found.unseen]
            assert found.unseen
        assert all(seen_and_new["with"]) and not any(seen_and_new["without"])
    with pytest.raises(RlfgError, match=r"9 unseen classes with seen relatives are wanted, and \d of 10"):
        split(examples, SplitSpec(unseen=0.9, relatives="with", duplicates="ignore"), birds)
    with pytest.raises(RlfgError, match="needs a taxonomy"):
        split(examples, SplitSpec(unseen=0.4, relatives="with"))


@pytest.mark.parametrize("relatives", ["any", "with", "without"])
def test_a_class_around_another_is_never_new(birds: Taxonomy, ten_each: Path, relatives: Any) -> None:
    """What is called by its genus may be of any of its species, so that none of them would be new."""
    lines = [json.loads(line) for line in ten_each.read_text().splitlines()]
    lines = [line | {"image": str(ten_each.parent / line["image"])} for line in lines]
    lines += [line | {"id": f"genus {line['id']}", "label": "Larus"} for line in lines[:2]]
    lines += [line | {"id": f"more {line['id']}", "label": "Common Yellowthroat"} for line in lines[50:52]]
    path = ten_each.parent / "mixed.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    gulls = {birds.node_name(birds.lookup(name)[0]) for name in (*BIRDS[:4], "Larus")}
    for seed in range(10):
        spec = SplitSpec(seed=seed, unseen=0.17, relatives=relatives, duplicates="ignore")
        found = split(load(path), spec, birds)
        assert found.unseen and not gulls & set(found.unseen)
    if relatives != "without":
        with pytest.raises(RlfgError, match=r"8 unseen classes.* are wanted, and \d of 12 \(5 lie in one another\)"):
            split(load(path), SplitSpec(unseen=0.7, relatives=relatives, duplicates="ignore"), birds)


def test_something_is_left_to_train_on(ten_each: Path) -> None:
    with pytest.raises(RlfgError, match="10 unseen classes are wanted, and 9 of 10 can be had; lower unseen$"):
        split(load(ten_each), SplitSpec(unseen=0.99, duplicates="ignore"))


def test_the_same_for_any_order_and_another_for_another_seed(ten_each: Path) -> None:
    examples = load(ten_each)
    spec = SplitSpec(seed=5, shots=2, unseen=0.3)
    one = split(examples, spec)
    back = split(examples.subset(range(99, -1, -1)), spec)
    assert one.places == back.places[::-1] and one.unseen == back.unseen
    assert split(examples, SplitSpec(seed=6, shots=2, unseen=0.3)).places != one.places
    fewer = split(examples.subset(range(50)), SplitSpec(seed=5, shots=2))
    same = split(examples, SplitSpec(seed=5, shots=2))
    assert fewer.places == same.places[:50], "other classes change no draw"


def copies(image: Image.Image) -> dict[str, Image.Image]:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=50)
    return {
        "saved again": Image.open(buffer).convert("RGB"),
        "halved": image.resize((image.width // 2, image.height // 2)),
        "brighter": ImageEnhance.Brightness(image).enhance(1.05),
    }


def test_copies_are_found_and_others_are_not(tmp_path: Path, tiny_world: Path) -> None:
    lines = []
    for n in range(8):
        for name, image in {"as it is": paint(n), **copies(paint(n))}.items():
            image.save(tmp_path / f"{n} {name}.png")
            lines.append({"image": f"{n} {name}.png", "label": str(n)})
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert near_copies(look_at(load(tmp_path / "data.jsonl"))) == [[*range(k, k + 4)] for k in range(0, 32, 4)]
    assert near_copies(look_at(load(tiny_world / "test.jsonl"))) == []
    red, blue = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    for name, image in {"red": red, "blue": blue}.items():
        image.save(tmp_path / f"{name}.png")
    lines = [{"image": "red.png", "label": "a"}, {"image": "blue.png", "label": "b"}]
    (tmp_path / "flat.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert near_copies(look_at(load(tmp_path / "flat.jsonl"))) == [], "nothing but bytes tells flat pictures apart"


@pytest.mark.parametrize(("duplicates", "apart"), [("near", False), ("exact", True), ("ignore", True)])
def test_copies_stand_in_one_split(tmp_path: Path, duplicates: Any, apart: bool) -> None:
    lines = []
    for n in range(30):
        for k, image in enumerate([paint(n), copies(paint(n))["saved again"]]):
            image.save(tmp_path / f"{n}-{k}.png")
            lines.append({"id": f"{n}-{k}", "image": f"{n}-{k}.png", "label": f"class {n % 3}"})
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    examples = load(tmp_path / "data.jsonl")
    found = split(examples, SplitSpec(duplicates=duplicates))
    places = dict(zip((e.id for e in examples), found.places, strict=True))
    assert any(places[f"{n}-0"] != places[f"{n}-1"] for n in range(30)) == apart
    assert found.counts()["left out"] == 0
    few = split(examples, SplitSpec(duplicates=duplicates, shots=5))
    assert few.counts()["train"] == 15
    if duplicates == "near":
        shown = [e.id.partition("-")[0] for e, place in zip(examples, few.places, strict=True) if place == "train"]
        assert len(set(shown)) == 15, "a copy is no shot of its own"
        assert any("a copy of" in why for why in few.reasons.values())


def test_one_picture_of_two_classes_is_in_no_split(tmp_path: Path) -> None:
    for n in range(6):
        paint(n % 5).save(tmp_path / f"{n}.png")
    lines = [{"image": f"{n}.png", "label": "a" if n < 3 else "b"} for n in range(6)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = split(load(tmp_path / "data.jsonl"), SplitSpec())
    assert [place == "left out" for place in found.places] == [True, False, False, False, False, True]
    assert "5.png, which is b and not a" in found.reasons[0] and "0.png, which is a and not b" in found.reasons[5]


def test_the_command_writes_what_training_reads(
    ten_each: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "here"
    command = ["data", "split", str(ten_each), "--out", str(out), "--taxonomy", "builtin:cub200", "--seed", "2"]
    with pytest.raises(SystemExit) as left:
        main([*command, "--shots", "3", "--unseen", "0.4"])
    assert left.value.code == 0
    assert "100 pictures: 18 train, 6 val, 52 test, 24 left out" in capsys.readouterr().out
    told = json.loads((out / "split.json").read_text())
    assert told["seed"] == 2 and len(told["left_out"]) == 24 and len(told["taxonomy"]) == 64
    everything = list(told["left_out"])
    for place in ("train", "val", "test"):
        read = load(out / f"{place}.jsonl")
        assert all(Path(e.image).is_file() and e.split == place for e in read)
        assert {e.meta["novelty"] for e in read} == ({"seen", "unseen"} if place == "test" else {"seen"})
        assert [e.id for e in read] == told["ids"][place]
        everything += told["ids"][place]
    assert sorted(everything) == sorted(e.id for e in load(ten_each))


def test_what_cannot_be_split_is_refused(tmp_path: Path, birds: Taxonomy) -> None:
    paint(0).save(tmp_path / "a.png")
    (tmp_path / "data.jsonl").write_text('{"image": "a.png", "label": "Snorkler"}\n')
    with pytest.raises(RlfgError, match=r"data.jsonl:1: label 'Snorkler' is no taxon of bird \(unresolved\)"):
        split(load(tmp_path / "data.jsonl"), SplitSpec(), birds)
    for bad in ({"shots": 0}, {"val": 0.5, "test": 0.5}, {"unseen": 1.0}, {"test": -0.1}):
        with pytest.raises(RlfgError, match="split: "):
            SplitSpec(**bad)  # type: ignore[arg-type]
    examples = load(tmp_path / "data.jsonl")
    inside = Examples(items=examples.items, where=examples.where, opener=lambda _: b"", numbers=(0,))
    with pytest.raises(RlfgError, match="are no files"):
        write_split(split(inside, SplitSpec(duplicates="ignore")), inside, tmp_path)

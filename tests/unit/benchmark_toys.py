"""Miniature benchmarks in the layout of the official archives."""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rlfg.taxonomy.hierarchies import class_labels

Pictures = Mapping[str, list[tuple[str, str]]]
"""Of each split (class, file name without .jpg)."""


def paint(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    Image.fromarray(small).resize((40, 32), Image.Resampling.BICUBIC).save(path, "JPEG")


def text(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def cub(root: Path, pictures: Pictures) -> None:
    folder, names = root / "CUB_200_2011", list(class_labels("cub200"))
    listed = [(split, name, file) for split in ("train", "test") for name, file in pictures.get(split, [])]
    text(folder / "classes.txt", [f"{n} {name}" for n, name in enumerate(names, 1)])
    text(folder / "images.txt", [f"{n} {name}/{file}.jpg" for n, (_, name, file) in enumerate(listed, 1)])
    text(folder / "image_class_labels.txt", [f"{n} {names.index(c) + 1}" for n, (_, c, _) in enumerate(listed, 1)])
    text(folder / "train_test_split.txt", [f"{n} {int(s == 'train')}" for n, (s, _, _) in enumerate(listed, 1)])
    for n, (_, name, file) in enumerate(listed):
        paint(folder / "images" / name / f"{file}.jpg", n)


def aircraft(root: Path, pictures: Pictures) -> None:
    data = root / "fgvc-aircraft-2013b" / "data"
    families = {
        "707-320": ("Boeing 707", "Boeing"),
        "A318": ("A320", "Airbus"),
        "Falcon 900": ("Falcon 900", "Dassault Aviation"),
    }
    for split in ("train", "val", "test"):
        listed = pictures.get(split, [])
        text(data / f"images_variant_{split}.txt", [f"{file} {name}" for name, file in listed])
        for place, level in enumerate(("family", "manufacturer")):
            text(data / f"images_{level}_{split}.txt", [f"{file} {families[name][place]}" for name, file in listed])
        for n, (_, file) in enumerate(listed):
            paint(data / "images" / f"{file}.jpg", n)


def food(root: Path, pictures: Pictures) -> None:
    folder = root / "food-101"
    for split in ("train", "test"):
        text(folder / "meta" / f"{split}.txt", [f"{name}/{file}" for name, file in pictures[split]])
        for n, (name, file) in enumerate(pictures[split]):
            paint(folder / "images" / name / f"{file}.jpg", n)


def pets(root: Path, pictures: Pictures) -> None:
    names = list(class_labels("oxford_pets"))
    listed = {"trainval": pictures["train"], "test": pictures["test"]}
    text(root / "annotations" / "list.txt", ["#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids"])
    for split, lines in listed.items():
        numbered = [f"{file} {names.index(name) + 1} {1 if name[0].isupper() else 2} 1" for name, file in lines]
        text(root / "annotations" / f"{split}.txt", numbered)
        for n, (_, file) in enumerate(lines):
            paint(root / "images" / f"{file}.jpg", n)


def flowers(root: Path, pictures: Pictures) -> None:
    """The file names are numbers from 1 here, all of them used."""
    from scipy.io import savemat

    names = list(class_labels("flowers102"))
    classes = {int(file): names.index(name) + 1 for listed in pictures.values() for name, file in listed}
    labels = np.array([[classes[n] for n in range(1, len(classes) + 1)]], dtype=np.uint8)
    sets = {"train": "trnid", "val": "valid", "test": "tstid"}
    root.mkdir(parents=True, exist_ok=True)
    savemat(root / "imagelabels.mat", {"labels": labels}, do_compression=True)
    numbers = {
        sets[s]: np.array([[int(file) for _, file in listed]], dtype=np.uint16) for s, listed in pictures.items()
    }
    savemat(root / "setid.mat", numbers)
    for number in classes:
        paint(root / "jpg" / f"image_{number:05d}.jpg", number)


def cars(root: Path, pictures: Pictures) -> None:
    from scipy.io import savemat

    names = list(class_labels("stanford_cars"))
    (root / "devkit").mkdir(parents=True, exist_ok=True)
    savemat(root / "devkit" / "cars_meta.mat", {"class_names": np.array([names], dtype=object)})
    fields = [(name, object) for name in ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")]
    for split, path in {"train": "devkit/cars_train_annos.mat", "test": "cars_test_annos_withlabels.mat"}.items():
        rows = [(1, 2, 30, 40, np.uint8(names.index(name) + 1), f"{file}.jpg") for name, file in pictures[split]]
        savemat(root / path, {"annotations": np.array([rows], dtype=fields)}, do_compression=True)
        for n, (_, file) in enumerate(pictures[split]):
            paint(root / f"cars_{split}" / f"{file}.jpg", n)


def older_cars(root: Path, pictures: Pictures) -> None:
    from scipy.io import savemat

    names = list(class_labels("stanford_cars"))
    fields = [
        (name, object) for name in ("relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test")
    ]
    listed = [(split, name, file) for split, lines in pictures.items() for name, file in lines]
    rows = [
        (f"car_ims/{file}.jpg", 1, 2, 30, 40, np.uint8(names.index(name) + 1), np.uint8(split == "test"))
        for split, name, file in listed
    ]
    root.mkdir(parents=True, exist_ok=True)
    content = {"annotations": np.array([rows], dtype=fields), "class_names": np.array([names], dtype=object)}
    savemat(root / "cars_annos.mat", content)
    for n, (_, _, file) in enumerate(listed):
        paint(root / "car_ims" / f"{file}.jpg", n)


def dogs(root: Path, pictures: Pictures) -> None:
    from scipy.io import savemat

    root.mkdir(parents=True, exist_ok=True)
    for split in ("train", "test"):
        files = np.array([[f"{name}/{file}.jpg"] for name, file in pictures[split]], dtype=object)
        labels = np.array([[float(n)] for n, _ in enumerate(pictures[split], 1)])
        savemat(root / f"{split}_list.mat", {"file_list": files, "annotation_list": files, "labels": labels})
        for n, (name, file) in enumerate(pictures[split]):
            paint(root / "Images" / name / f"{file}.jpg", n)


SPECIES = [
    ("Turdus merula", "Eurasian Blackbird", "Animalia", "Chordata", "Aves", "Passeriformes", "Turdidae"),
    ("Turdus philomelos", "Song Thrush", "Animalia", "Chordata", "Aves", "Passeriformes", "Turdidae"),
    ("Bellis perennis", "Common Daisy", "Plantae", "Tracheophyta", "Magnoliopsida", "Asterales", "Asteraceae"),
]


def inat(root: Path, pictures: Pictures, train: str = "train_mini") -> None:
    """Classes are names of SPECIES."""
    categories: list[dict[str, Any]] = []
    for n, (name, common, *ranks) in enumerate(SPECIES):
        genus, _, epithet = name.partition(" ")
        above = dict(zip(("kingdom", "phylum", "class", "order", "family"), ranks, strict=True))
        categories.append(
            {"id": n, "name": name, "common_name": common, "supercategory": "x", **above, "genus": genus,
             "specific_epithet": epithet, "image_dir_name": "_".join([f"{n:05d}", *ranks, genus, epithet])}
        )  # fmt: skip
    place = {one["name"]: one for one in categories}
    for split, listed in ((train, pictures["train"]), ("val", pictures["val"])):
        files = [f"{split}/{place[name]['image_dir_name']}/{file}.jpg" for name, file in listed]
        images = [
            {"id": n, "width": 40, "height": 32, "file_name": file, "license": 0, "latitude": float("nan")}
            for n, file in enumerate(files)
        ]
        annotations = [{"id": n, "image_id": n, "category_id": place[name]["id"]} for n, (name, _) in enumerate(listed)]
        content = {"info": {"year": 2021}, "images": images, "categories": categories, "annotations": annotations,
                   "licenses": [{"id": 0, "name": "CC", "url": "-"}]}  # fmt: skip
        root.mkdir(parents=True, exist_ok=True)
        (root / f"{split}.json").write_text(json.dumps(content))
        for n, file in enumerate(files):
            paint(root / file, n)


def packed(source: Path, archive: Path, *names: str) -> None:
    """An archive of these files and folders of `source`, by the ending of its name; they are taken away."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as zipped:
            for name in names:
                for path in sorted((source / name).rglob("*")):
                    zipped.write(path, path.relative_to(source))
    else:
        with tarfile.open(archive, "w:gz" if "gz" in archive.name else "w") as tar:
            for name in names:
                tar.add(source / name, name)

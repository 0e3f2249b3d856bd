"""iNaturalist 2021: JSON in the manner of COCO, with the ranks of each category.

    train.json, val.json     images: id, file_name; annotations: image_id, category_id; categories: id, name, kingdom …
    train/02912_Animalia_…_Turdus_merula/….jpg

The test pictures have no published labels; papers report on val.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from rlfg.data.benchmarks.model import Benchmark, Download, Row
from rlfg.errors import RlfgError


def read(root: Path, *, train: str) -> Iterator[Row]:
    """The annotations of the training list (`train` or `train_mini`) and of val."""
    for split, listed in (("train", train), ("val", "val")):
        path = root / f"{listed}.json"
        found = _load(path)
        names = {one["id"]: one for one in found["categories"]}
        files = dict(found["images"])
        for n, (image, category) in enumerate(found["annotations"], 1):
            where = f"{path}:annotation {n}"
            if image not in files or category not in names:
                raise RlfgError(f"{where}: no image {image} or no category {category} in the file")
            file, taxon = files[image], names[category]
            yield Row(
                where=where,
                id=f"{split}/{image}",
                image=file,
                name=taxon["name"],
                split=split,
                meta={"number": str(category), "common_name": str(taxon.get("common_name") or "")},
            )


def categories(root: Path) -> list[dict[str, Any]]:
    """The categories of val.json, which are those of all lists: `rlfg.taxonomy.inat_json` reads them."""
    found: list[dict[str, Any]] = _load(root / "val.json")["categories"]
    return found


def _load(path: Path) -> dict[str, Any]:
    """The file, with images as (id, file_name) and annotations as (image_id, category_id)."""
    try:
        with path.open(encoding="utf-8") as file:
            found = json.load(file, object_hook=_slim)
    except json.JSONDecodeError as error:
        raise RlfgError(f"{path}:{error.lineno}: not valid JSON ({error.msg}); unpack it again") from error
    absent = [key for key in ("images", "annotations", "categories") if not isinstance(found, dict) or key not in found]
    if absent:
        raise RlfgError(f"{path}: has no {absent[0]!r}; is it the official file?")
    return found  # type: ignore[no-any-return]


def _slim(entry: dict[str, Any]) -> Any:
    """Two fields of nine: the full training list has 2.7 million pictures."""
    if "file_name" in entry:
        return entry["id"], entry["file_name"]
    return (entry["image_id"], entry["category_id"]) if "category_id" in entry else entry


# Sizes: TensorFlow Datasets' checksums; MD5: those of the competition's page.
_FILES = {
    "train": (239_909_164_970, "e0526d53c7f7b2e3167b2b43bb2690ed", 230_885_383, "38a7bb733f7a09214d44293460ec0021"),
    "train_mini": (44_636_137_542, "db6ed8330e634445efc8fec83ae81442", 46_769_466, "395a35be3651d86dc3b0d365b8ea5f92"),
    "val": (8_931_661_582, "f6f6e0e242e3d4c9569ba56400938afc", 9_797_665, "4d761e0f6a86cc63e8f7afc91f6a8f0b"),
}


def _benchmark(name: str, train: str, *, pictures: int, each: int | None) -> Benchmark:
    downloads = []
    for listed in (train, "val"):
        size, md5, list_size, list_md5 = _FILES[listed]
        downloads += [
            Download(name=f"{listed}.tar.gz", holds=(listed,), size=size, digest=f"md5:{md5}"),
            Download(name=f"{listed}.json.tar.gz", holds=(f"{listed}.json",), size=list_size, digest=f"md5:{list_md5}"),
        ]
    return Benchmark(
        name=name,
        title=f"iNaturalist 2021 ({train})",
        page="https://github.com/visipedia/inat_comp/tree/master/2021",
        base="https://ml-inat-competition-datasets.s3.amazonaws.com/2021/",
        terms="non-commercial research and education; the pictures may not be passed on",
        downloads=tuple(downloads),
        read=partial(read, train=train),
        classes=10_000,
        counts={"train": pictures, "val": 100_000},
        each={"val": 10} | ({} if each is None else {"train": each}),
        categories=categories,
        root="organism",
        note="The labels of its test pictures are not published: report on val.",
    )


BENCHMARK = _benchmark("inat21", "train", pictures=2_686_843, each=None)
MINI = _benchmark("inat21_mini", "train_mini", pictures=500_000, each=50)

"""Stanford Cars: MATLAB structs, one a picture; class numbers from 1.

    devkit/cars_meta.mat              class_names
    devkit/cars_train_annos.mat       annotations: bbox_x1 … bbox_y2, class, fname
    cars_test_annos_withlabels.mat    the same, for test
    cars_train/00001.jpg, cars_test/00001.jpg

The devkit's own list of test pictures has no classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rlfg.data.benchmarks.mat import read_mat
from rlfg.data.benchmarks.model import Benchmark, Download, Row
from rlfg.errors import RlfgError


def read(root: Path) -> Iterator[Row]:
    """The annotations of both splits."""
    (names,) = read_mat(root / "devkit" / "cars_meta.mat", "class_names")
    lists = {"train": root / "devkit" / "cars_train_annos.mat", "test": root / "cars_test_annos_withlabels.mat"}
    for split, path in lists.items():
        (annotations,) = read_mat(path, "annotations")
        for n, one in enumerate(annotations, 1):
            where = f"{path}:{n}"
            if not isinstance(one, dict) or not {"class", "fname"} <= one.keys():
                raise RlfgError(f"{where}: no `class` and `fname` here; is it the official file, with labels?")
            number, picture = int(one["class"]), str(one["fname"])
            if not 1 <= number <= len(names):
                raise RlfgError(f"{where}: class {number} is not among the {len(names)} of cars_meta.mat")
            yield Row(
                where=where,
                id=f"{split}/{picture.removesuffix('.jpg')}",
                image=f"cars_{split}/{picture}",
                name=str(names[number - 1]),
                split=split,
                meta={"number": str(number)},
            )


BENCHMARK = Benchmark(
    name="stanford_cars",
    title="Stanford Cars",
    page="https://github.com/pytorch/vision/issues/7545 (the official page, ai.stanford.edu/~jkrause/cars, is gone)",
    terms="none known: its page is gone",
    # Sizes: TensorFlow Datasets' checksums; MD5: torchvision.
    downloads=(
        Download(
            name="car_devkit.tgz",
            holds=("devkit/cars_meta.mat", "devkit/cars_train_annos.mat"),
            size=330_960,
            digest="md5:c3b158d763b6e2245038c8ad08e45376",
        ),
        Download(
            name="cars_test_annos_withlabels.mat",
            size=185_758,
            digest="md5:b0a2b23655a3edd16d84508592a98d10",
        ),
        Download(
            name="cars_train.tgz",
            holds=("cars_train",),
            size=979_269_282,
            digest="md5:065e5b463ae28d29e77c1b4b166cfe61",
        ),
        Download(
            name="cars_test.tgz",
            holds=("cars_test",),
            size=977_350_468,
            digest="md5:4ce7ebf6a94d07f1952d94dd34c4d501",
        ),
    ),
    read=read,
    classes=196,
    counts={"train": 8144, "test": 8041},
    hierarchy="stanford_cars",
    homes=("stanford_cars",),
)

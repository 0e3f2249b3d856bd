"""Stanford Cars: MATLAB structs, one a picture; class numbers from 1.

    devkit/cars_meta.mat              class_names
    devkit/cars_train_annos.mat       annotations: bbox_x1 … bbox_y2, class, fname
    cars_test_annos_withlabels.mat    the same, for test
    cars_train/00001.jpg, cars_test/00001.jpg

The devkit's own list of test pictures has no classes. The older files hold the same pictures under other numbers:

    cars_annos.mat        class_names; annotations: relative_im_path, bbox_x1 …, class, test
    car_ims/000001.jpg
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
            yield _row(where, f"cars_{split}/{one['fname']}", int(one["class"]), names, split)


def read_older(root: Path) -> Iterator[Row]:
    """The annotations of `cars_annos.mat`."""
    path = root / "cars_annos.mat"
    names, annotations = read_mat(path, "class_names", "annotations")
    for n, one in enumerate(annotations, 1):
        where = f"{path}:{n}"
        if not isinstance(one, dict) or not {"class", "relative_im_path", "test"} <= one.keys():
            raise RlfgError(f"{where}: no `class`, `relative_im_path` and `test` here; is it the official file?")
        yield _row(where, str(one["relative_im_path"]), int(one["class"]), names, "test" if one["test"] else "train")


def _row(where: str, image: str, number: int, names: list[str], split: str) -> Row:
    if not 1 <= number <= len(names):
        raise RlfgError(f"{where}: class {number} is not among the {len(names)} that are named")
    name, key = str(names[number - 1]), image.removesuffix(".jpg")
    return Row(where=where, id=key, image=image, name=name, split=split, meta={"number": str(number)})


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
# MD5: as metric-learning code has it, in several projects.
_OLDER = replace(
    BENCHMARK,
    downloads=(
        Download(name="car_ims.tgz", holds=("car_ims",), digest="md5:d5c8f0aa497503f355e17dc7886c3f14"),
        Download(name="cars_annos.mat", digest="md5:b407c6086d669747186bd1d764ff9dbc"),
    ),
    read=read_older,
    homes=("cars196",),
)
BENCHMARK = replace(BENCHMARK, other=_OLDER)

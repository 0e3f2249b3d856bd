"""Food-101: a list for each split.

food-101/meta/train.txt                apple_pie/1005649
food-101/images/apple_pie/1005649.jpg
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rlfg.data.benchmarks.model import Benchmark, Download, Row, read_lines
from rlfg.errors import RlfgError


def read(root: Path) -> Iterator[Row]:
    """The rows of `train.txt` and `test.txt`."""
    for split in ("train", "test"):
        for where, line in read_lines(root / "food-101" / "meta" / f"{split}.txt"):
            name, slash, picture = line.partition("/")
            if not slash or not picture:
                raise RlfgError(f"{where}: {line!r} is not CLASS/PICTURE")
            yield Row(where=where, id=line, image=f"food-101/images/{line}.jpg", name=name, split=split)


BENCHMARK = Benchmark(
    name="food101",
    title="Food-101",
    page="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
    base="http://data.vision.ee.ethz.ch/cvl/",
    terms="scientific fair use; the pictures are of Foodspotting and not the authors' own",
    # Size: TensorFlow Datasets' checksums; MD5: torchvision.
    downloads=(
        Download(
            name="food-101.tar.gz",
            holds=("food-101/meta/train.txt", "food-101/images"),
            size=4_996_278_331,
            digest="md5:85eeb15f3717b99a5da872d97d918f87",
        ),
    ),
    read=read,
    classes=101,
    counts={"train": 75_750, "test": 25_250},
    each={"train": 750, "test": 250},
    hierarchy="food101",
    note="Labels of the training pictures were left uncleaned on purpose.",
)

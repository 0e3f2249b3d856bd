"""CUB-200-2011: lists that go by the number of a picture.

CUB_200_2011/images.txt              1 001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
CUB_200_2011/image_class_labels.txt  1 1
CUB_200_2011/classes.txt             1 001.Black_footed_Albatross
CUB_200_2011/train_test_split.txt    1 0        (1: training)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rlfg.data.benchmarks.model import Benchmark, Download, Row, cells, read_lines, read_table
from rlfg.errors import RlfgError


def read(root: Path) -> Iterator[Row]:
    """The rows of `images.txt`."""
    folder = root / "CUB_200_2011"
    names = read_table(folder / "classes.txt")
    classes, training = read_table(folder / "image_class_labels.txt"), read_table(folder / "train_test_split.txt")
    for where, line in read_lines(folder / "images.txt"):
        number, path = cells(where, line, 2)
        if number not in classes or number not in training or classes[number] not in names:
            raise RlfgError(f"{where}: picture {number} is not in the lists of classes and of splits beside it")
        yield Row(
            where=where,
            id=path.rpartition("/")[2].removesuffix(".jpg"),
            image=f"CUB_200_2011/images/{path}",
            name=names[classes[number]],
            split="train" if training[number] == "1" else "test",
            meta={"number": number},
        )


BENCHMARK = Benchmark(
    name="cub200",
    title="CUB-200-2011",
    page="https://data.caltech.edu/records/65de6-vp158",
    base="https://data.caltech.edu/records/65de6-vp158/files/",
    terms="non-commercial research and education",
    # Size: TensorFlow Datasets' checksums; MD5: that of CaltechDATA.
    downloads=(
        Download(
            name="CUB_200_2011.tgz",
            holds=("CUB_200_2011/images.txt", "CUB_200_2011/images"),
            size=1_150_585_339,
            digest="md5:97eceeb196236b17998738112f37df78",
        ),
    ),
    read=read,
    classes=200,
    counts={"train": 5994, "test": 5794},
    hierarchy="cub200",
)

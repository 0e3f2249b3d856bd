"""Oxford-IIIT Pet: a list for each split; a picture's name begins with its breed.

annotations/trainval.txt    american_bulldog_100 2 2 1      (class, cat 1 or dog 2, breed among these)
images/american_bulldog_100.jpg
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rlfg.data.benchmarks.model import Benchmark, Download, Row, cells, read_lines


def read(root: Path) -> Iterator[Row]:
    """The rows of `trainval.txt` and `test.txt`; lines that begin with # are comments."""
    for split, listed in (("train", "trainval"), ("test", "test")):
        for where, line in read_lines(root / "annotations" / f"{listed}.txt"):
            if line.startswith("#"):
                continue
            picture, number, _, _ = cells(where, line, 4)
            yield Row(
                where=where,
                id=picture,
                image=f"images/{picture}.jpg",
                name=picture.rpartition("_")[0],
                split=split,
                meta={"number": number},
            )


BENCHMARK = Benchmark(
    name="oxford_pets",
    title="Oxford-IIIT Pet",
    page="https://www.robots.ox.ac.uk/~vgg/data/pets/",
    base="https://www.robots.ox.ac.uk/~vgg/data/pets/data/",
    terms="CC BY-SA 4.0; the owners of the pictures keep their copyright",
    # Sizes: TensorFlow Datasets' checksums; MD5: torchvision.
    downloads=(
        Download(
            name="images.tar.gz",
            holds=("images",),
            size=791_918_971,
            digest="md5:5c4f3ee8e5d25df40f4fd59a7f44e54c",
        ),
        Download(
            name="annotations.tar.gz",
            holds=("annotations/trainval.txt", "annotations/test.txt"),
            size=19_173_078,
            digest="md5:95a8c909bbe2e81eed6a22bccdf3f68f",
        ),
    ),
    read=read,
    classes=37,
    counts={"train": 3680, "test": 3669},
    hierarchy="oxford_pets",
    homes=("oxford-iiit-pet",),
    note="train is the official trainval.",
)

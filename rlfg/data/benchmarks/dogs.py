"""Stanford Dogs: MATLAB files that list the pictures of each split.

train_list.mat, test_list.mat                    file_list: n02085620-Chihuahua/n02085620_5927.jpg
Images/n02085620-Chihuahua/n02085620_5927.jpg
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rlfg.data.benchmarks.mat import read_mat
from rlfg.data.benchmarks.model import Benchmark, Download, Row


def read(root: Path) -> Iterator[Row]:
    """The pictures of both lists."""
    for split in ("train", "test"):
        path = root / f"{split}_list.mat"
        (files,) = read_mat(path, "file_list")
        for n, file in enumerate(map(str, files), 1):
            name, _, picture = file.partition("/")
            yield Row(
                where=f"{path}:{n}",
                id=picture.removesuffix(".jpg"),
                image=f"Images/{file}",
                name=name,
                split=split,
            )


BENCHMARK = Benchmark(
    name="stanford_dogs",
    title="Stanford Dogs",
    page="http://vision.stanford.edu/aditya86/ImageNetDogs/",
    base="http://vision.stanford.edu/aditya86/ImageNetDogs/",
    terms="ImageNet's: non-commercial research and education",
    # TensorFlow Datasets' checksums.
    downloads=(
        Download(
            name="images.tar",
            holds=("Images",),
            size=793_579_520,
            digest="sha256:a443fc2f9a851aa1a7b8e4fa4af94b8459fce2c9f5a2f4dd4669cf9673a4ec58",
        ),
        Download(
            name="lists.tar",
            holds=("train_list.mat", "test_list.mat"),
            size=481_280,
            digest="sha256:34b47cacd9a98b5d150e084f24d29391c084c55272295ec65c85651bc35f4d6c",
        ),
    ),
    read=read,
    classes=120,
    counts={"train": 12_000, "test": 8580},
    each={"train": 100},
    hierarchy="stanford_dogs",
    note="Its pictures are of ImageNet, whose training set most vision encoders have seen.",
)

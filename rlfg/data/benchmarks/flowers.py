"""Oxford 102 Flowers: pictures by number, and MATLAB files that number their classes and splits.

    jpg/image_00001.jpg
    imagelabels.mat     labels: the class of each picture, from 1
    setid.mat           trnid, valid, tstid: numbers of pictures

The names of the classes are not in the archive; `sources.json` of the hierarchies has them, by number.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rlfg.data.benchmarks.mat import read_mat
from rlfg.data.benchmarks.model import Benchmark, Download, Row
from rlfg.errors import RlfgError
from rlfg.taxonomy.hierarchies import class_labels

_VARIABLES = {"train": "trnid", "val": "valid", "test": "tstid"}


def read(root: Path) -> Iterator[Row]:
    """The pictures of `setid.mat`."""
    names = tuple(class_labels("flowers102"))
    (classes,) = read_mat(root / "imagelabels.mat", "labels")
    listed = read_mat(root / "setid.mat", *_VARIABLES.values())
    for (split, variable), numbers in zip(_VARIABLES.items(), listed, strict=True):
        where = f"{root / 'setid.mat'}:{variable}"
        for number in map(int, numbers):
            if not 1 <= number <= len(classes) or not 1 <= int(classes[number - 1]) <= len(names):
                raise RlfgError(f"{where}: picture {number} has no class of 1 to {len(names)} in imagelabels.mat")
            picture = f"image_{number:05d}"
            yield Row(
                where=where,
                id=picture,
                image=f"jpg/{picture}.jpg",
                name=names[int(classes[number - 1]) - 1],
                split=split,
                meta={"number": str(int(classes[number - 1]))},
            )


BENCHMARK = Benchmark(
    name="flowers102",
    title="Oxford 102 Flowers",
    page="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
    base="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
    terms="none stated; the pictures are of the web and of the authors",
    # Sizes: TensorFlow Datasets' checksums; MD5: torchvision.
    downloads=(
        Download(
            name="102flowers.tgz",
            holds=("jpg",),
            size=344_862_509,
            digest="md5:52808999861908f626f3c1f4e79d11fa",
        ),
        Download(name="imagelabels.mat", size=502, digest="md5:e0620be6f572b9609742df49c70aed4d"),
        Download(name="setid.mat", size=14_989, digest="md5:a5357ecc9cb78c4bef273ce3793fc85c"),
    ),
    read=read,
    classes=102,
    counts={"train": 1020, "val": 1020, "test": 6149},
    each={"train": 10, "val": 10},
    hierarchy="flowers102",
    homes=("flowers-102",),
)

"""FGVC-Aircraft 2013b: a list for each split and level of the hierarchy.

    fgvc-aircraft-2013b/data/images_variant_train.txt   1025794 707-320
    fgvc-aircraft-2013b/data/images/1025794.jpg

The lowest 20 rows of a picture are a banner with the photographer's name; it is left on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rlfg.data.benchmarks.model import SPLITS, Benchmark, Download, Row, cells, read_lines, read_table
from rlfg.errors import RlfgError


def read(root: Path) -> Iterator[Row]:
    """The rows of the lists of variants; family and manufacturer go to `meta`."""
    folder = root / "fgvc-aircraft-2013b" / "data"
    for split in SPLITS:
        levels = {level: read_table(folder / f"images_{level}_{split}.txt") for level in ("family", "manufacturer")}
        for where, line in read_lines(folder / f"images_variant_{split}.txt"):
            picture, name = cells(where, line, 2)
            missing = [level for level, table in levels.items() if picture not in table]
            if missing:
                raise RlfgError(f"{where}: picture {picture} is not in images_{missing[0]}_{split}.txt beside it")
            yield Row(
                where=where,
                id=picture,
                image=f"fgvc-aircraft-2013b/data/images/{picture}.jpg",
                name=name,
                split=split,
                meta={level: table[picture] for level, table in levels.items()},
            )


BENCHMARK = Benchmark(
    name="fgvc_aircraft",
    title="FGVC-Aircraft 2013b",
    page="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
    base="https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/archives/",
    terms="non-commercial research; the photographers keep their copyright",
    # Size: several download scripts; TensorFlow Datasets' is that of the tar inside. MD5: as in torch's R package.
    downloads=(
        Download(
            name="fgvc-aircraft-2013b.tar.gz",
            holds=("fgvc-aircraft-2013b/data/images_variant_train.txt", "fgvc-aircraft-2013b/data/images"),
            size=2_753_340_328,
            digest="md5:d4acdd33327262359767eeaa97a4f732",
        ),
    ),
    read=read,
    classes=100,
    counts={"train": 3334, "val": 3333, "test": 3333},
    hierarchy="fgvc_aircraft",
    note="The lowest 20 rows of each picture are a banner with the photographer's name; it is left on.",
)

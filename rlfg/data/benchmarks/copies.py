"""A benchmark from somewhere else: a dataset of the Hugging Face hub or disk, a folder of class folders, a manifest."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from rlfg.data.benchmarks.labels import Labels
from rlfg.data.examples import Examples, load_examples
from rlfg.data.manifest import ENDINGS
from rlfg.data.spec import DataSpec
from rlfg.errors import RlfgError
from rlfg.types import Example

USUAL = {"train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "test": "test"}
"""Names of splits elsewhere, and ours."""
_PLAIN = (str, int, float, bool)
"""Other columns of these types are kept as `meta`; a dataset may hold pictures and masks in the rest."""


def read_copy(
    source: str,
    out: Path,
    labels: Labels,
    *,
    splits: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    say: Callable[[str], None] = print,
) -> Iterator[tuple[str, Example]]:
    """Yields (where, example) of all splits; pictures inside a dataset become files in `out/images`.

    Args:
        source: hub id; folder written by `save_to_disk`; folder of class folders; manifest.
        out: folder for pictures.
        labels: of the benchmark.
        splits: which splits of the source are our train, val and test; the others are left aside. By default all of
            them, which must have one of the usual names.
        columns: names of the source's columns, as of `DataSpec`.
        say: is told what is left aside.

    Raises:
        RlfgError: there is no such dataset, column or split, or a label is no class of the benchmark.
    """
    manifest = Path(source).suffix in ENDINGS
    aside: Counter[str] = Counter()
    met: set[str] = set()
    for theirs in [None] if manifest else split_names(source):
        if theirs is not None and splits and theirs not in splits:
            met.add(theirs)
            say(f"{source}: split {theirs!r} is left aside")
            continue
        spec = DataSpec(path=source, format="auto" if manifest else "hf", split=theirs, columns=columns or {})
        examples = load_examples(spec)
        for i, example in enumerate(examples):
            named = theirs or example.split or "train"
            met.add(named)
            if splits and named not in splits:
                aside[named] += 1
                continue
            split = _split(source, named, splits or USUAL)
            label = labels.of(example.label, examples.where[i])
            file = _picture(examples, i, out / "images" / named) if examples.opener is not None else example.image
            name = f"{named}/{i:06d}" if examples.opener is not None else example.id
            meta = {key: value for key, value in example.meta.items() if isinstance(value, _PLAIN)}
            meta["class"] = example.label
            yield examples.where[i], replace(example, id=name, image=file, label=label, split=split, meta=meta)
    if splits and not set(splits) <= met:
        raise RlfgError(f"{source}: has no split {min(set(splits) - met)!r}; it has {', '.join(sorted(met))}")
    for named, n in aside.items():
        say(f"{source}: split {named!r} is left aside, {n:,} pictures")


def split_names(source: str) -> list[str | None]:
    """The splits of a dataset of the hub or on disk; [None] where it has none.

    Raises:
        RlfgError: `datasets` is not installed, or there is no such dataset.
    """
    try:
        import datasets
    except ImportError as error:
        hint = "; `rlfg data split` takes a folder of class folders without it" if Path(source).is_dir() else ""
        raise RlfgError(f"{source}: Hugging Face datasets need `datasets`; pip install 'rlfg[train]'{hint}") from error
    path = Path(source)
    if (path / "state.json").exists():
        return [None]
    try:
        if (path / "dataset_dict.json").exists():
            return list(datasets.load_from_disk(source))
        return list(datasets.get_dataset_split_names(source))
    except (FileNotFoundError, ValueError, ConnectionError, OSError) as error:
        raise RlfgError(f"{source}: cannot load this dataset ({error})") from error


def _split(source: str, theirs: str, splits: Mapping[str, str]) -> str:
    if theirs not in splits:
        raise RlfgError(
            f"{source}: what is its split {theirs!r}? Say so with --hub-split {theirs}=train, =val or =test"
        )
    return splits[theirs]


def _picture(examples: Examples, index: int, folder: Path) -> str:
    """Writes the bytes of a picture as they are, if they are not there yet."""
    assert examples.opener is not None
    data = examples.opener(examples.numbers[index])
    path = folder / f"{index:06d}{_ending(data)}"
    if not (path.is_file() and path.stat().st_size == len(data)):
        folder.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.part")
        half.write_bytes(data)
        os.replace(half, path)
    return str(path)


def _ending(data: bytes) -> str:
    """By the format of the bytes; ".bin" where they are no picture, which the check of pictures then says."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind: Any = image.format
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return ".bin"
    return {"JPEG": ".jpg", "TIFF": ".tif"}.get(kind, f".{str(kind).lower()}")

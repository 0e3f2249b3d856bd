"""A dataset in hand: metadata in memory, pictures opened one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from rlfg.data.folders import pictures_below
from rlfg.data.images import open_image
from rlfg.data.manifest import ENDINGS, read_manifest, to_example
from rlfg.data.spec import FIELDS, DataSpec
from rlfg.errors import RlfgError
from rlfg.randomness import draw
from rlfg.types import Example

Picture = Literal["image", "positive", "negative"]
"""Which of an example's pictures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One picture of one example."""

    index: int
    picture: Picture = "image"

    @property
    def key(self) -> str:
        """Such as "17" and "17/positive"; `of` reads it back."""
        return str(self.index) if self.picture == "image" else f"{self.index}/{self.picture}"

    @classmethod
    def of(cls, key: str) -> Shown:
        """What `key` names."""
        index, _, picture = key.partition("/")
        return cls(index=int(index), picture=picture or "image")  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Examples(Sequence[Example]):
    """Examples in the order of their source."""

    items: tuple[Example, ...]
    where: tuple[str, ...]
    """file:line of each."""
    opener: Callable[[int], bytes] | None = None
    """Bytes of a picture that is not a file (Hugging Face datasets), by its number in the source."""
    numbers: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        """An example; a slice gives a tuple of them."""
        return self.items[index]

    def __iter__(self) -> Iterator[Example]:
        return iter(self.items)

    def open_image(self, index: int, picture: Picture = "image") -> Image.Image:
        """A picture of an example as RGB."""
        return open_image(self.source(index, picture), name=self.where[index] if self.opener else None)

    def source(self, index: int, picture: Picture = "image") -> str | bytes:
        """Path or bytes of a picture.

        Raises:
            RlfgError: The example has no such picture.
        """
        if picture == "image" and self.opener is not None:
            return self.opener(self.numbers[index])
        path: str | None = getattr(self.items[index], picture)
        if path is None:
            raise RlfgError(f"{self.where[index]}: no `{picture}` picture")
        return path

    def require_files(self, what: str) -> None:
        """Makes sure that a manifest can name the pictures.

        Raises:
            RlfgError: They are inside a Hugging Face dataset.
        """
        if self.opener is not None:
            raise RlfgError(
                f"{what}: pictures inside a Hugging Face dataset are no files; `rlfg data prepare custom --from-hub "
                "DATASET` writes them out, with a manifest"
            )

    def subset(self, indices: Sequence[int]) -> Examples:
        """The examples at `indices`."""
        return replace(
            self,
            items=tuple(self.items[i] for i in indices),
            where=tuple(self.where[i] for i in indices),
            numbers=tuple(self.numbers[i] for i in indices) if self.numbers else (),
        )


def load_examples(spec: DataSpec) -> Examples:
    """Reads a dataset's metadata; no picture is opened.

    Raises:
        RlfgError: Nothing there, a bad line, two examples with one id, or an unknown split.
    """
    kind = _kind(spec)
    opener, pairs = (None, None)
    if kind == "hf":
        opener, pairs = _hub(spec)
    found = pairs if pairs is not None else _folder(spec) if kind == "folder" else read_manifest(spec, kind)
    where: list[str] = []
    items: list[Example] = []
    numbers: list[int] = []
    lines: dict[str, str] = {}
    splits: Counter[str | None] = Counter()
    for number, (place, example) in enumerate(found):
        if example.id in lines:
            raise RlfgError(f"{place}: id {example.id!r} is also that of {lines[example.id]}; ids must differ")
        lines[example.id] = place
        splits[example.split] += 1
        if kind != "hf" and spec.split is not None and example.split != spec.split:
            continue
        if spec.limit is not None and spec.limit_seed is None and len(items) >= spec.limit:
            continue
        where.append(place)
        items.append(example)
        numbers.append(number)
    if not lines:
        raise RlfgError(f"{spec.path}: no examples in it")
    if not items:
        known = ", ".join(f"{name} ({n})" for name, n in splits.items())
        raise RlfgError(f"{spec.path}: no example has split {spec.split!r}; it has {known}")
    every = Examples(items=tuple(items), where=tuple(where), opener=opener, numbers=tuple(numbers))
    return every if spec.limit_seed is None else every.subset(_drawn(every, spec.limit_seed)[: spec.limit])


def _drawn(examples: Examples, seed: int) -> list[int]:
    """All places in random order."""
    return sorted(range(len(examples)), key=lambda i: draw(seed, "limit", examples[i].id))


def _kind(spec: DataSpec) -> str:
    if spec.format != "auto":
        return spec.format
    path = Path(spec.path)
    if path.is_dir():
        saved = ("dataset_info.json", "state.json", "dataset_dict.json")
        return "hf" if any((path / name).exists() for name in saved) else "folder"
    if path.suffix in ENDINGS:
        return ENDINGS[path.suffix]
    missing = "" if path.exists() else "no such file or folder; "
    raise RlfgError(
        f"{spec.path}: {missing}what kind of dataset is this? Use .jsonl, .csv or .parquet, a folder, or `format: hf`"
    )


def _folder(spec: DataSpec) -> Iterator[tuple[str, Example]]:
    """`root/CLASS/picture`, or `root/SPLIT/CLASS/picture` where a split is asked for."""
    root = Path(spec.path)
    base = root / spec.split if spec.split and (root / spec.split).is_dir() else root
    for path in pictures_below(base):
        parts = path.relative_to(base).parts
        if len(parts) < 2:
            raise RlfgError(f"{path}: a picture must be in a folder named after its class")
        label = parts[-2].replace("_", " ")
        name = path.relative_to(root).as_posix()
        yield str(path), Example(id=name, image=str(path), label=label, split=spec.split)


def _hub(spec: DataSpec) -> tuple[Callable[[int], bytes], list[tuple[str, Example]]]:
    try:
        import datasets
    except ImportError as error:
        raise RlfgError(f"{spec.path}: Hugging Face datasets need `datasets`; pip install 'rlfg[train]'") from error
    path = Path(spec.path)
    try:
        if (path / "state.json").exists() or (path / "dataset_dict.json").exists():
            data: Any = datasets.load_from_disk(spec.path)
        else:
            data = datasets.load_dataset(spec.path, split=spec.split)
    except (FileNotFoundError, ValueError, ConnectionError) as error:
        raise RlfgError(f"{spec.path}: cannot load this dataset ({error})") from error
    data = data[_split_of(spec, list(data))] if isinstance(data, dict) else data
    names = {field: spec.columns.get(field, field) for field in FIELDS}
    image = names["image"]
    for field in ("image", "label"):
        if names[field] not in data.column_names:
            there = ", ".join(data.column_names)
            raise RlfgError(f"{spec.path}: no column {names[field]!r} (found: {there}); map it with columns")
    label = data.features.get(names["label"])
    classes = label.names if isinstance(label, datasets.ClassLabel) else None
    embedded = isinstance(data.features[image], datasets.Image)
    raw = data.cast_column(image, datasets.Image(decode=False)) if embedded else data

    def read(index: int) -> bytes:
        cell = raw[index][image]
        if not embedded:
            return Path(spec.image_root or ".", cell).read_bytes()
        return cell["bytes"] if cell["bytes"] is not None else Path(cell["path"]).read_bytes()

    text = raw.remove_columns([image])
    pairs = []
    for number, row in enumerate(text):
        record = {**row, image: f"{number}"}
        if classes is not None and row.get(names["label"]) is not None:
            record[names["label"]] = classes[row[names["label"]]]
        place = f"{spec.path}[{number}]"
        pairs.append((place, to_example(record, names, Path(spec.path), place, f"{path.name}:{number}")))
    return read, pairs


def _split_of(spec: DataSpec, there: list[str]) -> str:
    """The split that is asked for, or the only one.

    Raises:
        RlfgError: It is not there, or there are several and none is asked for.
    """
    if spec.split in there:
        return str(spec.split)
    if spec.split is None and len(there) == 1:
        return there[0]
    asked = "has several splits" if spec.split is None else f"has no split {spec.split!r}"
    raise RlfgError(f"{spec.path}: {asked}; set split to one of {', '.join(there)}")

"""The words of the benchmarks: a line of an official list, a file to download, a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.taxonomy.hierarchies import class_labels

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A picture as the official lists have it."""

    where: str
    """file:line, for messages."""
    id: str
    """Unique within the benchmark, and short: what the lists call the picture."""
    image: str
    """Path of the picture, relative to the benchmark's folder."""
    name: str
    """The class as the archive spells it."""
    split: str
    """"train", "val" or "test"."""
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """A file of the official page."""

    name: str
    holds: tuple[str, ...] = ()
    """What it unpacks to, in the benchmark's folder; empty for a file that is read as it is."""
    size: int | None = None
    """Bytes, as published."""
    digest: str | None = None
    """"md5:…" or "sha256:…", as published."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What is known of a benchmark before its files are seen."""

    name: str
    title: str
    page: str = ""
    """Where to download it, and what its terms are."""
    base: str = ""
    """What the addresses of its files begin with; empty where they cannot be fetched directly."""
    terms: str = ""
    """Its licence, in a line."""
    downloads: tuple[Download, ...] = ()
    read: Callable[[Path], Iterable[Row]] | None = None
    """The rows of the official lists below the benchmark's folder; None for a dataset that only `copy` reads."""
    classes: int | None = None
    """None where it is not known."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Pictures of each split; empty where these are not known."""
    each: Mapping[str, int] = field(default_factory=dict)
    """Pictures of each class in a split, where every class has as many."""
    hierarchy: str | None = None
    """Name of its hierarchy among those that come with rlfg."""
    categories: Callable[[Path], list[dict[str, Any]]] | None = None
    """Its own categories, where these are the taxonomy: they are written beside the manifests."""
    taxonomy: str | None = None
    """A file that is its taxonomy, of a dataset that is not known."""
    root: str | None = None
    """Name of the root, where there are several top taxa."""
    other: Benchmark | None = None
    """The same pictures in other files of its page."""
    homes: tuple[str, ...] = ()
    """Folders below the given one where other software keeps the files."""
    note: str = ""
    """What the user should know of its splits."""

    def labels(self) -> Mapping[str, str] | None:
        """Label of each official class name, in official order; None where the lists' names are the labels."""
        return None if self.hierarchy is None else class_labels(self.hierarchy)


def read_lines(path: Path) -> list[tuple[str, str]]:
    """(file:line, text) of the lines of an official list that are not empty.

    Raises:
        RlfgError: it is not there, or is not text.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RlfgError(f"{path}: no such file, though it is part of the official archive; unpack it again") from error
    except UnicodeDecodeError as error:
        raise RlfgError(f"{path}: not a text file ({error.reason}); unpack the archive again") from error
    return [(f"{path}:{n}", line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]


def cells(where: str, line: str, n: int) -> list[str]:
    """The line in `n` parts; the last may hold blanks.

    Raises:
        RlfgError: there are fewer.
    """
    found = line.split(maxsplit=n - 1)
    if len(found) != n:
        raise RlfgError(f"{where}: {line!r} has not the {n} fields of the official layout")
    return found


def read_table(path: Path) -> dict[str, str]:
    """First field of each line → the rest of it.

    Raises:
        RlfgError: it is not there, or a line has one field.
    """
    found = {}
    for where, line in read_lines(path):
        key, value = cells(where, line, 2)
        found[key] = value
    return found

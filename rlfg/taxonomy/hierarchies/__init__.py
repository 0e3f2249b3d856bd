"""The hierarchies of common benchmarks: rank tables, with their class lists and sources in `sources.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.taxonomy.rank_csv import read_rank_csv
from rlfg.taxonomy.tree import Taxonomy

BUILTIN = "builtin:"
"""A taxonomy path that begins so names one of these hierarchies, as in "builtin:cub200"."""
_FOLDER = Path(__file__).parent


def available() -> tuple[str, ...]:
    """Names of the hierarchies, in alphabetical order."""
    return tuple(sorted(_sources()))


def hierarchy(name: str) -> Taxonomy:
    """The tree of a benchmark; its root bears the benchmark's own noun ("bird").

    Raises:
        RlfgError: there is no hierarchy of this name.
    """
    path, root, root_aliases = locate(name)
    return read_rank_csv(path, root=root, root_aliases=root_aliases)


def class_names(name: str) -> tuple[str, ...]:
    """The benchmark's classes in official order, each spelled so that `lookup` finds its one taxon.

    Raises:
        RlfgError: there is no hierarchy of this name.
    """
    return tuple(class_labels(name).values())


def class_labels(name: str) -> Mapping[str, str]:
    """Official class name → the spelling that `lookup` finds, in official order.

    Raises:
        RlfgError: there is no hierarchy of this name.
    """
    found: Mapping[str, str] = _source(name)["classes"]
    return found


def locate(name: str, root: str | None = None, root_aliases: Sequence[str] = ()) -> tuple[Path, str, tuple[str, ...]]:
    """A hierarchy's file, root and root aliases; a root of your own keeps the hierarchy's as an alias.

    Raises:
        RlfgError: there is no hierarchy of this name.
    """
    source = _source(name)
    return _FOLDER / f"{name}.csv", root or source["root"], (source["root"], *source["root_aliases"], *root_aliases)


def _source(name: str) -> dict[str, Any]:
    if name not in _sources():
        raise RlfgError(f'there is no hierarchy "{name}"; use one of {", ".join(available())}')
    return _sources()[name]


@cache
def _sources() -> dict[str, dict[str, Any]]:
    sources: dict[str, dict[str, Any]] = json.loads((_FOLDER / "sources.json").read_text(encoding="utf-8"))
    return sources

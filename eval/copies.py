"""Picture files that are one and the same under several names."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path


def same_files(paths: Iterable[str]) -> dict[str, str]:
    """For each file that is there, the first of those with the same bytes; only files of one size are read.

    A path that leads nowhere, as where answers are scored on another machine, is not in it: it stands for itself.
    """
    by_size: dict[int, list[str]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        try:
            by_size[Path(path).stat().st_size].append(path)
        except (OSError, ValueError):
            continue
    first: dict[tuple[int, str], str] = {}
    return {
        path: first.setdefault((size, _digest(path) if len(alike) > 1 else ""), path)
        for size, alike in by_size.items()
        for path in alike
    }


def _digest(path: str) -> str:
    """Of the bytes; of the path where they cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return path

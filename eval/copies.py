"""Picture files that are one and the same under several names."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rlfg.types import Prediction


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


def condition_of(line: Prediction) -> object:
    """Of a robustness set, where the same file may be asked about in several."""
    meta = line.extra.get("meta")
    return meta.get("condition") if isinstance(meta, Mapping) else None


def repeated(predictions: Sequence[Prediction]) -> int:
    """Answered lines whose picture stands on an earlier one, under the same prompt and condition."""
    lines = [(line, str(line.image)) for line in predictions if line.error is None and line.image is not None]
    same = same_files(image for _, image in lines)
    asked = {(same.get(image, image), line.extra.get("prompt"), condition_of(line)) for line, image in lines}
    return len(lines) - len(asked)


def _digest(path: str) -> str:
    """Of the bytes; of the path where they cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return path

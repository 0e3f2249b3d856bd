"""What lies at a path, in a few letters: a model that was trained again under its name is another model."""

from __future__ import annotations

import hashlib
from pathlib import Path

WEIGHTS = (".safetensors", ".bin", ".pt")
END = 1 << 20
"""Bytes of a file's either end that are read; training changes weights everywhere."""


def fingerprint(path: str | None) -> str | None:
    """Of a file, or of the files of weights in a folder: names, sizes, and both ends.

    None where nothing of this is there, as for the id of a hub.
    """
    place = Path(path or "")
    if place.is_file():
        files = [place]
    else:
        files = sorted(file for file in place.glob("*") if file.suffix in WEIGHTS) if path else []
    return hashlib.sha256(b"".join(map(_told, files))).hexdigest()[:16] if files else None


def _told(path: Path) -> bytes:
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(END)
        file.seek(max(0, size - END))
        return f"{path.name}\0{size}\0".encode() + first + file.read(END)

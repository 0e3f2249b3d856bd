"""The pictures below a folder."""

from __future__ import annotations

import os
from pathlib import Path

from rlfg.errors import RlfgError

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def pictures_below(folder: Path) -> list[Path]:
    """Its picture files, in order. Links to folders are followed, but never back to one that they are in.

    Raises:
        RlfgError: A folder cannot be looked into.
    """

    def refuse(error: OSError) -> None:
        raise RlfgError(f"{error.filename}: cannot be looked into: {error.strerror}") from error

    found: list[Path] = []
    around = {str(folder): {folder.resolve()}}
    for here, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        found += (Path(here, name) for name in files if Path(name).suffix.lower() in PICTURES)
        inside = around.pop(here)
        real = {name: Path(here, name).resolve() for name in folders}
        folders[:] = [name for name in folders if real[name] not in inside]
        around |= {os.path.join(here, name): inside | {real[name]} for name in folders}
    return sorted(found)

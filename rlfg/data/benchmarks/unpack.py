"""Unpacks an official archive, safely, and where it left off."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import TAR_SUFFIXES

SUFFIXES = (*TAR_SUFFIXES, ".zip")
_BROKEN = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, RuntimeError)
"""zipfile raises RuntimeError where an entry is encrypted, or packed in a way it does not know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Member:
    """An entry of an archive."""

    name: str
    kind: str
    """"file", "folder" or "other"."""
    size: int
    open: Callable[[], IO[bytes] | None]


def stem_of(name: str) -> str:
    """The name of an archive without what says its format."""
    ending = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(ending)]


def unfinished(archive: Path, into: Path) -> bool:
    """Whether an unpacking was begun here and not ended."""
    return _mark(archive, into).exists()


def unpack(archive: Path, into: Path) -> int:
    """Writes the files of an archive below a folder, each at once as a whole; those that are there are left.

    Returns:
        How many files were written.

    Raises:
        RlfgError: The archive is broken, or an entry is no file or folder or would lie outside of the folder.
    """
    mark = _mark(archive, into)
    written = 0
    safe: set[Path] = set()
    with _naming(archive):
        into.mkdir(parents=True, exist_ok=True)
        mark.touch()
        for member in _members(archive):
            target = _target(archive, into, member, safe)
            if member.kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
            elif not (target.is_file() and not target.is_symlink() and target.stat().st_size == member.size):
                _write(archive, member, target)
                written += 1
    mark.unlink()
    return written


def _mark(archive: Path, into: Path) -> Path:
    return into / f".{archive.name}.unpacking"


def _target(archive: Path, into: Path, member: _Member, safe: set[Path]) -> Path:
    """Where an entry goes.

    Raises:
        RlfgError: It is a link or device, or goes outside, by its name or through a link that is already there.
    """
    path = PurePosixPath(member.name.replace("\\", "/"))
    if member.kind == "other":
        raise RlfgError(f"{archive}: {member.name!r} is a link or a device; such an archive is unpacked by hand")
    nameless = member.kind == "file" and not path.parts
    if nameless or path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts[:1]):
        raise RlfgError(
            f"{archive}: {member.name!r} would be written outside of {into}; this is not the official archive"
        )
    target = into.joinpath(*path.parts)
    folder = target if member.kind == "folder" else target.parent
    if folder not in safe:
        if not folder.resolve().is_relative_to(into.resolve()):
            raise RlfgError(f"{archive}: {member.name!r} would be written through a link, outside of {into}")
        safe.add(folder)
    return target


def _write(archive: Path, member: _Member, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.part")
    source = member.open()
    assert source is not None, "only plain files are opened"
    with source, half.open("wb") as sink:
        shutil.copyfileobj(source, sink, 2**20)
    if half.stat().st_size != member.size:
        raise RlfgError(f"{archive}: broken archive ({member.name} is cut off); download it again")
    os.replace(half, target)


def _members(archive: Path) -> Iterator[_Member]:
    """The entries in the order of the archive."""
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as zipped:
            for entry in zipped.infolist():
                mode = stat.S_IFMT(entry.external_attr >> 16)
                kind = "folder" if entry.is_dir() else "file" if mode in (0, stat.S_IFREG) else "other"
                yield _Member(name=entry.filename, kind=kind, size=entry.file_size, open=lambda e=entry: zipped.open(e))  # type: ignore[misc]
        return
    with tarfile.open(archive) as tar:
        for item in tar:
            kind = "folder" if item.isdir() else "file" if item.isreg() else "other"
            yield _Member(name=item.name, kind=kind, size=item.size, open=lambda i=item: tar.extractfile(i))  # type: ignore[misc]
            tar.members = []  # type: ignore[attr-defined]  # else it remembers millions of entries


@contextmanager
def _naming(archive: Path) -> Iterator[None]:
    """Errors of the file system and of unpacking, with the archive's name and what to do."""
    try:
        yield
    except _BROKEN as error:
        raise RlfgError(f"{archive}: broken archive ({error}); download it again") from error
    except OSError as error:
        raise RlfgError(f"{archive}: cannot be unpacked: {error.strerror or error}") from error

"""Where a benchmark's files are, and what to download where if they are not there."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rlfg.data.benchmarks.model import Benchmark, Download
from rlfg.data.benchmarks.unpack import stem_of, unfinished, unpack
from rlfg.errors import RlfgError


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The state of a download in a folder."""

    download: Download
    state: Literal["ready", "packed", "missing"]
    archive: Path | None
    """The file, where it is there: under its official name, or as an archive of another format."""


def home_of(benchmark: Benchmark, root: Path) -> Path:
    """The folder that has the files: the one given, one that other software makes in it, or the one above."""
    above = [root.parent] if any(root.name in hold.split("/") for d in benchmark.downloads for hold in d.holds) else []
    for home in (root, *(root / name for name in benchmark.homes), *above):
        if any(one.state != "missing" for one in look(benchmark, home)):
            return home
    return root


def layout_of(benchmark: Benchmark, root: Path) -> Benchmark:
    """The benchmark with the files that are there: its others, where these are all there and the first are not."""

    def whole(one: Benchmark) -> bool:
        return all(found.state != "missing" for found in look(one, home_of(one, root)))

    other = benchmark.other
    return other if other is not None and whole(other) and not whole(benchmark) else benchmark


def look(benchmark: Benchmark, home: Path) -> list[Found]:
    """The state of each download."""
    found = []
    for download in benchmark.downloads:
        archive = _archive(download, home)
        holds = download.holds or (download.name,)
        there = all((home / hold).exists() for hold in holds)
        begun = archive is not None and bool(download.holds) and unfinished(archive, home)
        state: Literal["ready", "packed", "missing"] = (
            "ready" if there and not begun else "packed" if archive else "missing"
        )
        found.append(Found(download=download, state=state, archive=archive))
    return found


def make_ready(
    benchmark: Benchmark, root: Path, *, any_file: bool = False, say: Callable[[str], None] = print
) -> tuple[Path, list[str]]:
    """Unpacks what lies packed.

    Args:
        benchmark: whose files they are.
        root: folder to look in.
        any_file: take archives that are not the published files.
        say: is told what is going on.

    Returns:
        The benchmark's folder, and what differs from the published files.

    Raises:
        RlfgError: something is missing (the message says what to put where), broken, or not the published file.
    """
    home = home_of(benchmark, root)
    found = look(benchmark, home)
    if any(one.state == "missing" for one in found):
        raise RlfgError(instructions(benchmark, home, found))
    differing = []
    for one in found:
        if one.archive is not None and (one.state == "packed" or not one.download.holds):
            say(f"comparing {one.archive} with the published file")
            wrong = difference(one.download, one.archive)
            if wrong and not any_file:
                raise RlfgError(f"{wrong}; download it again from {benchmark.page}, or take it with --allow-partial")
            differing += [wrong] if wrong else []
        if one.state == "packed" and one.archive is not None:
            say(f"unpacking {one.archive}")
            say(f"{unpack(one.archive, home):,} files written")
            absent = [hold for hold in one.download.holds if not (home / hold).exists()]
            if absent:
                raise RlfgError(
                    f"{one.archive}: has no {absent[0]}; it is not the official archive of {benchmark.title}"
                )
    return home, differing


def instructions(benchmark: Benchmark, home: Path, found: list[Found]) -> str:
    """What to download where."""
    n = sum(one.state == "missing" for one in found)
    width = max(len(one.download.name) for one in found)
    lines = [f"{home} lacks {n} of the {len(found)} files of {benchmark.title}. Put here", "", f"  {home}/"]
    for one in found:
        corner = "└──" if one is found[-1] else "├──"
        lines.append(f"  {corner} {one.download.name:<{width}}  {_told(one)}")
    if benchmark.other is not None:
        lines += ["", f"  or instead {' and '.join(_named(download) for download in benchmark.other.downloads)}"]
    fetch = [
        f"  curl -fL --create-dirs --output-dir {shlex.quote(str(home))} -C - -O {benchmark.base}{one.download.name}"
        for one in found
        if benchmark.base and one.state == "missing"
    ]
    return "\n".join(
        [
            *lines,
            "",
            f"from {benchmark.page}",
            f"terms: {benchmark.terms}",
            *(["", *fetch, ""] if fetch else []),
            f"and run again: rlfg data prepare {benchmark.name} --root {shlex.quote(str(home))}",
            "(archives are unpacked there; a folder that you unpacked will do)",
        ]
    )


def difference(download: Download, path: Path) -> str | None:
    """How a file differs from the published one."""
    if path.name != download.name:
        return None  # packed otherwise: nothing to compare with
    size = path.stat().st_size
    if download.size is not None and size != download.size:
        return f"{path}: has {size:,} bytes, the published file {download.size:,}"
    if download.digest is not None:
        kind, _, wanted = download.digest.partition(":")
        with path.open("rb") as file:
            is_now = hashlib.file_digest(file, kind).hexdigest()
        if is_now != wanted:
            return f"{path}: has {kind} {is_now}, the published file {wanted}"
    return None


def _archive(download: Download, home: Path) -> Path | None:
    """The file, or the same packed otherwise (but images.tar, of dogs, is no other images.tar.gz, of pets)."""
    names = [download.name]
    if download.holds:
        stem = stem_of(download.name)
        names += [
            stem + suffix for suffix in (".tar.gz", ".tgz", ".zip") if suffix != ".tar.gz" or "gz" in download.name
        ]
    return next((home / name for name in names if (home / name).is_file()), None)


def _told(one: Found) -> str:
    if one.state != "missing":
        return "is here"
    size = "" if one.download.size is None else f"{_bytes(one.download.size)}, "
    unpacked = f"  → {', '.join(one.download.holds)}" if one.download.holds else ""
    return f"MISSING  {size}{one.download.digest or ''}{unpacked}".rstrip(", ")


def _named(download: Download) -> str:
    return f"{download.name} ({download.digest})" if download.digest else download.name


def _bytes(n: int) -> str:
    value, unit = float(n), "B"
    for larger in ("KB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"

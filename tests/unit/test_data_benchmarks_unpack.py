"""Unpacking: nothing outside of the folder, no links, nothing half written, and on from where it was cut off."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from rlfg.data.benchmarks.unpack import unfinished, unpack
from rlfg.errors import RlfgError


def tar_of(path: Path, entries: dict[str, bytes | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as tar:
        for name, content in entries.items():
            item = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = content if isinstance(content, bytes) else b""
            item.size = len(data)
            tar.addfile(item, io.BytesIO(data))
    return path


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    item = tarfile.TarInfo(name)
    item.type, item.linkname = kind, to
    return item


def test_files_and_folders(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a.tgz", {"a/b/1.jpg": b"one", "a/2.jpg": b"", "3.txt": b"three"})
    into = tmp_path / "into"
    assert unpack(archive, into) == 3
    assert (into / "a/b/1.jpg").read_bytes() == b"one" and (into / "a/2.jpg").read_bytes() == b""
    assert sorted(p.name for p in into.rglob("*") if p.is_file()) == ["1.jpg", "2.jpg", "3.txt"], "no mark left behind"
    assert unpack(archive, into) == 0
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.mkdir("empty")
        zipped.writestr("z/1.jpg", "zip")
    assert unpack(tmp_path / "a.zip", into) == 1 and (into / "z/1.jpg").read_bytes() == b"zip"
    assert (into / "empty").is_dir()


def test_a_file_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(RlfgError, match="would be written outside of"):
        unpack(tar_of(tmp_path / "a.tar", {".": b"x"}), tmp_path / "into")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar", "into"]


@pytest.mark.parametrize("name", ["../out.txt", "a/../../out.txt", "/tmp/rlfg-out.txt", "..\\out.txt", "C:/out.txt"])
def test_names_that_lead_outside(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr(name, "x")
    for archive in (tar_of(tmp_path / "a.tar", {name: b"x"}), tmp_path / "a.zip"):
        with pytest.raises(RlfgError, match="would be written outside of"):
            unpack(archive, tmp_path / "deep" / "into")
    assert not [*tmp_path.rglob("out.txt")] and not Path("/tmp/rlfg-out.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    archive = tar_of(tmp_path / "a.tar", {"l": link("l", "/etc/passwd", kind)})
    with pytest.raises(RlfgError, match="'l' is a link or a device"):
        unpack(archive, tmp_path / "into")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        entry = zipfile.ZipInfo("l")
        entry.external_attr = 0o120777 << 16
        zipped.writestr(entry, "/etc/passwd")
    with pytest.raises(RlfgError, match="'l' is a link or a device"):
        unpack(tmp_path / "a.zip", tmp_path / "into")


def test_links_that_lie_there_already_lead_nowhere(tmp_path: Path) -> None:
    into, outside = tmp_path / "into", tmp_path / "outside"
    into.mkdir()
    outside.mkdir()
    (outside / "1.jpg").write_bytes(b"mine")
    (into / "a").symlink_to(outside)
    with pytest.raises(RlfgError, match="through a link"):
        unpack(tar_of(tmp_path / "a.tar", {"a/2.jpg": b"x"}), into)
    (into / "1.jpg").symlink_to(outside / "1.jpg")
    unpack(tar_of(tmp_path / "b.tar", {"1.jpg": b"his!"}), into)
    assert (outside / "1.jpg").read_bytes() == b"mine" and (into / "1.jpg").read_bytes() == b"his!"


def test_a_cut_off_archive_is_no_unpacked_one_and_the_rest_follows(tmp_path: Path) -> None:
    files = {f"{n}.bin": bytes([n]) * 4000 for n in range(8)}
    whole = tar_of(tmp_path / "a.tar", files).read_bytes()
    archive, into = tmp_path / "a.tar", tmp_path / "into"
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RlfgError, match=r"a.tar: broken archive .*; download it again"):
        unpack(archive, into)
    assert unfinished(archive, into)
    there = {p.name for p in into.glob("*.bin")}
    assert 0 < len(there) < 8 and all((into / n).read_bytes() == files[n] for n in there), "whole files only"
    (into / "0.bin").write_bytes(b"half")
    archive.write_bytes(whole)
    assert unpack(archive, into) == 8 - len(there) + 1
    assert all((into / n).read_bytes() == data for n, data in files.items()) and not unfinished(archive, into)
    archive.with_name("b.tgz").write_bytes(b"no archive")
    with pytest.raises(RlfgError, match="b.tgz: broken archive"):
        unpack(archive.with_name("b.tgz"), into)

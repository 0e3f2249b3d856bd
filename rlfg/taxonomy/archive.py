"""Archives (.zip, .tar.gz) and folders of text files, read the same way; and the hash of either."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, final

from rlfg.errors import RlfgError

TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz")
_BROKEN = (EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, NotImplementedError)
_BLOCK = 2**20


@final
class Archive:
    """A folder, zip file or tarball whose members go by their bare file names, in whichever folder they lie."""

    def __init__(self, path: str | Path) -> None:
        """List the members.

        Raises:
            RlfgError: it cannot be opened, or is broken.
        """
        self.path = Path(path)
        self._tar = self.path.name.lower().endswith(TAR_SUFFIXES)
        with _naming(self.path):
            self._members = self._list()

    @property
    def names(self) -> tuple[str, ...]:
        """Bare file names, sorted."""
        return tuple(sorted(self._members))

    def find(self, *names: str) -> str | None:
        """The first of `names` that is a member, whatever its case, as the archive spells it."""
        spelled = {name.casefold(): name for name in self._members}
        return next((spelled[name.casefold()] for name in names if name.casefold() in spelled), None)

    def where(self, name: str) -> str:
        """Path of a member, for messages."""
        return f"{self.path}/{name}"

    def lines(self, name: str, encoding: str = "utf-8-sig") -> Iterator[str]:
        """The lines of a member, with their ends.

        Raises:
            RlfgError: there is none of this name, the archive is broken, or it is not text.
        """
        if name not in self._members:
            raise RlfgError(f"{self.path}: there is no {name}; found {', '.join(self.names[:8]) or 'nothing'}")
        with _naming(self.path), self._open(name) as raw:
            yield from decoded(raw, self.where(name), encoding)

    def _list(self) -> dict[str, str]:
        """Bare name → full name, the least deep one where several share it."""
        if self.path.is_dir():
            full = [str(p.relative_to(self.path)) for p in self.path.rglob("*") if p.is_file()]
        elif self._tar:
            with tarfile.open(self.path) as tar:
                full = [member.name for member in tar if member.isfile()]
        else:
            with zipfile.ZipFile(self.path) as zipped:
                full = [name for name in zipped.namelist() if not name.endswith("/")]
        deepest_first = sorted(full, key=lambda name: (-name.count("/"), name))
        return {Path(name).name: name for name in deepest_first if not Path(name).name.startswith("._")}

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        full = self._members[name]
        if self.path.is_dir():
            with (self.path / full).open("rb") as file:
                yield file
        elif self._tar:
            with tarfile.open(self.path) as tar:
                extracted = tar.extractfile(full)
                assert extracted is not None, "_list keeps only plain files"
                yield extracted
        else:
            with zipfile.ZipFile(self.path) as zipped, zipped.open(full) as file:
                yield file


def is_archive(path: Path) -> bool:
    """A folder, or a file that by its name is a zip file or a tarball."""
    return path.is_dir() or path.name.lower().endswith((*TAR_SUFFIXES, ".zip"))


def decoded(raw: IO[bytes], where: str, encoding: str = "utf-8-sig") -> Iterator[str]:
    """Lines of text, without a byte order mark.

    Raises:
        RlfgError: naming the first byte that is not text.
    """
    start = 0
    for line in raw:
        try:
            yield line.decode(encoding if start == 0 else encoding.removesuffix("-sig"))
        except UnicodeDecodeError as error:
            at = start + error.start
            raise RlfgError(f"{where}: not UTF-8 text (byte {at}); save it as UTF-8") from error
        start += len(line)


def file_lines(path: str | Path) -> Iterator[str]:
    """The lines of a text file, plain or .gz.

    Raises:
        RlfgError: it cannot be read, is cut off, or is not UTF-8.
    """
    path = Path(path)
    with _naming(path), path.open("rb") as raw:
        if path.name.lower().endswith(".gz"):
            with gzip.open(raw) as unpacked:
                yield from decoded(io.BufferedReader(unpacked), str(path))
        else:
            yield from decoded(raw, str(path))


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file; of a folder, over the sorted names and hashes of the files in it.

    Raises:
        RlfgError: it cannot be read.
    """
    path = Path(path)
    digest = hashlib.sha256()
    with _naming(path):
        if path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file()):
                digest.update(f"{file.relative_to(path).as_posix()} {sha256_of(file)}\n".encode())
        else:
            with path.open("rb") as raw:
                while block := raw.read(_BLOCK):
                    digest.update(block)
    return digest.hexdigest()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors of the file system and of unpacking, with the file's name and what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise RlfgError(f"{path}: broken archive ({error}); fetch it again") from error
        raise RlfgError(f"{path}: cannot read: {error.strerror or error}") from error
    except _BROKEN as error:
        raise RlfgError(f"{path}: broken archive ({error}); fetch it again") from error

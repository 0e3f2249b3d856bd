"""One run at a time writes a file that several runs go on with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlfg.errors import RlfgError


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Within it no other run that asks here writes `path`.

    The kernel's lock on a file beside it, which is gone with the process, however that ends. Where there are none, on
    Windows and some network file systems, nothing is guarded.

    Raises:
        RlfgError: Another run is at it, or nothing can be written there.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    beside = path.with_name(f".{path.name}.lock")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        file = beside.open("w")
    except OSError as error:
        raise RlfgError(f"{path}: cannot be written: {error.strerror or error}") from error
    with file:
        busy = f"{path}: another run is writing it; wait for its end, or use another file"
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RlfgError(busy) from None
        except OSError:  # a file system without locks
            pass
        # The run before may have ended, and taken its file away, between the two lines above.
        if not beside.exists() or not os.path.samestat(os.fstat(file.fileno()), beside.stat()):
            raise RlfgError(busy)
        try:
            yield
        finally:
            beside.unlink(missing_ok=True)

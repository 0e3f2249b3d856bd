"""Verdicts of language models, kept for ever in one SQLite file that several processes share.

A verdict's key is a digest of everything that decides it: the settings (model, prompt text, options) and the
pair. So an edited prompt never meets an old verdict, and nothing ever needs to be invalidated. Each verdict is
written as it comes: a process killed at any time loses only what was under way. The file is in WAL mode, which
needs a local disk: on NFS give each machine its own.

Before a pair is asked it is claimed, so that others wait for the verdict rather than ask again. A claim ends
with its verdict, with its process, or after a time.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, final

from rlfg.errors import RlfgError
from rlfg.types import Relation

VERSION = 1
_BUSY_S = 60.0
"""How long one process waits for another's write; writes take less than a millisecond."""
_CHUNK = 500
"""Keys in one statement; SQLite's oldest limit is 999."""
_TABLES = """
CREATE TABLE settings (id TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE verdicts (
    key BLOB PRIMARY KEY, setting TEXT NOT NULL, truth TEXT NOT NULL, answer TEXT NOT NULL,
    label TEXT NOT NULL, reason TEXT NOT NULL, created REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE claims (
    key BLOB PRIMARY KEY, owner TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Cached:
    """What was decided."""

    label: str
    """A relation; of LLM inclusion "1" or "0"."""
    reason: str = ""

    @property
    def relation(self) -> Relation:
        """The label of a judge."""
        return Relation(self.label)


@dataclass(frozen=True, slots=True)
class Question:
    """One pair as one setting asks it."""

    setting: str
    """See `setting_id`."""
    truth: str
    answer: str

    @property
    def key(self) -> bytes:
        """Digest of all three."""
        return hashlib.sha256("\0".join((self.setting, self.truth, self.answer)).encode()).digest()


def setting_id(description: Mapping[str, Any]) -> str:
    """Digest of a description of everything but the pair that decides a verdict."""
    return hashlib.sha256(_canonical(description).encode()).hexdigest()[:32]


@final
class VerdictCache:
    """One process's (or thread's) open cache file; use as a context manager."""

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        """Open the file; made where it is missing, unless `create` is False.

        Raises:
            RlfgError: The file is not a verdict cache, is of another version, or cannot be opened.
        """
        self.path = Path(path)
        if not create and not self.path.is_file():
            raise RlfgError(f"{path}: no such verdict cache")
        self.owner = os.urandom(8).hex()
        self._host = socket.gethostname()
        with _clear_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        if not self._tables():
            # Not under a transaction: SQLite changes the mode of the file outside of one alone.
            self._db.execute("PRAGMA journal_mode = WAL").fetchone()
            with self._write():
                if not self._tables():  # another process may have been first
                    for statement in filter(str.strip, _TABLES.split(";")):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {VERSION}")
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found != VERSION or not {"settings", "verdicts", "claims"} <= self._tables():
            raise RlfgError(f"{self.path}: not a verdict cache of version {VERSION} (found {found}); give another file")
        # A crash of the process loses nothing; a crash of the machine may lose the last verdicts, never the file.
        self._db.execute("PRAGMA synchronous = NORMAL")

    def _tables(self) -> set[str]:
        return {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the claims left and closes the file."""
        try:
            with _clear_errors(self.path):
                self._db.execute("DELETE FROM claims WHERE owner = ?", (self.owner,))
        finally:
            self._db.close()

    def get(self, questions: Iterable[Question]) -> dict[Question, Cached]:
        """The verdicts that are there."""
        by_key = {question.key: question for question in questions}
        found: dict[Question, Cached] = {}
        with _clear_errors(self.path):
            for keys in _chunks(list(by_key)):
                marks = ",".join("?" * len(keys))
                rows = self._db.execute(f"SELECT key, label, reason FROM verdicts WHERE key IN ({marks})", keys)
                found |= {by_key[key]: Cached(label, reason) for key, label, reason in rows}
        return found

    def put(self, verdicts: Mapping[Question, Cached]) -> None:
        """Keep verdicts, and end their claims. The first verdict of a question stays."""
        now = time.time()
        rows = [(q.key, q.setting, q.truth, q.answer, str(v.label), v.reason, now) for q, v in verdicts.items()]
        with self._write():
            self._db.executemany("INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.executemany("DELETE FROM claims WHERE key = ?", [(row[0],) for row in rows])

    def describe(self, description: Mapping[str, Any]) -> str:
        """Keep what a setting is, for people who look into the file; returns its id."""
        row = (setting_id(description), _canonical(description))
        with self._write():
            self._db.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", row)
        return row[0]

    def claim(self, questions: Sequence[Question], *, seconds: float) -> list[Question]:
        """Those of the questions that are now this cache's to ask: without a verdict, claimed by nobody else."""
        mine, now = [], time.time()
        with self._write():
            for question in questions:
                known = self._db.execute("SELECT 1 FROM verdicts WHERE key = ?", (question.key,)).fetchone()
                held = self._db.execute(
                    "SELECT owner, host, pid, until FROM claims WHERE key = ?", (question.key,)
                ).fetchone()
                if known or (held and self._holds(held, now)):
                    continue
                row = (question.key, self.owner, self._host, os.getpid(), now + seconds)
                self._db.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", row)
                mine.append(question)
        return mine

    def release(self, questions: Iterable[Question]) -> None:
        """End this cache's claims on questions that got no verdict."""
        with self._write():
            rows = [(question.key, self.owner) for question in questions]
            self._db.executemany("DELETE FROM claims WHERE key = ? AND owner = ?", rows)

    def _holds(self, claim: tuple[str, str, int, float], now: float) -> bool:
        """Whether a claim is another's, still runs, and its process is not known to be gone."""
        owner, host, pid, until = claim
        return owner != self.owner and until > now and (host != self._host or _is_alive(pid))

    def stats(self) -> dict[str, Any]:
        """Counts of verdicts, in all, by setting and by label, and of claims that still run; size in bytes."""
        with _clear_errors(self.path):
            rows = self._db.execute(
                "SELECT setting, label, count(*), min(created), max(created) FROM verdicts GROUP BY setting, label"
            ).fetchall()
            described = {name: json.loads(text) for name, text in self._db.execute("SELECT * FROM settings")}
            held = self._db.execute("SELECT owner, host, pid, until FROM claims").fetchall()
        settings: dict[str, Any] = {}
        for name, label, count, first, last in rows:
            new = {"description": described.get(name), "verdicts": 0, "labels": {}, "first": first, "last": last}
            entry = settings.setdefault(name, new)
            entry["verdicts"] += count
            entry["labels"][label] = count
            entry["first"], entry["last"] = min(first, entry["first"]), max(last, entry["last"])
        return {
            "verdicts": sum(entry["verdicts"] for entry in settings.values()),
            "settings": settings,
            "under_way": sum(self._holds(claim, time.time()) for claim in held),
            "bytes": sum(p.stat().st_size for p in self.path.parent.glob(self.path.name + "*")),
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every verdict with its setting, oldest first."""
        names = ("setting", "truth", "answer", "label", "reason", "created")
        with _clear_errors(self.path):
            for row in self._db.execute(f"SELECT {', '.join(names)} FROM verdicts ORDER BY created, key"):
                yield dict(zip(names, row, strict=True))

    def prune(self, *, setting: str | None = None, before: float | None = None, dry_run: bool = False) -> int:
        """Remove the verdicts of a setting (an id, or the beginning of one) and older than a time; how many there are.

        Raises:
            RlfgError: Neither is given, or no setting, or several, begin so.
        """
        if setting is None and before is None:
            raise RlfgError("say what to prune: a setting, an age, or both")
        where: list[str] = []
        values: list[str | float] = []
        if setting is not None:
            where.append("setting = ?")
            values.append(self._one_setting(setting))
        if before is not None:
            where.append("created < ?")
            values.append(before)
        condition = " AND ".join(where)
        with self._write():
            count = int(self._db.execute(f"SELECT count(*) FROM verdicts WHERE {condition}", values).fetchone()[0])
            if not dry_run:
                self._db.execute(f"DELETE FROM verdicts WHERE {condition}", values)
                self._db.execute("DELETE FROM settings WHERE id NOT IN (SELECT setting FROM verdicts)")
        if count and not dry_run:
            with _clear_errors(self.path):
                self._db.execute("VACUUM")
        return count

    def _one_setting(self, start: str) -> str:
        rows: list[tuple[str]] = self._db.execute("SELECT DISTINCT setting FROM verdicts").fetchall()
        found = sorted(name for (name,) in rows if name.startswith(start))
        if len(found) != 1:
            raise RlfgError(f"{self.path}: {len(found)} settings begin with {start!r}; `rlfg cache stats` lists them")
        return found[0]

    @contextmanager
    def _write(self) -> Iterator[None]:
        """One transaction that has the file to itself from its start."""
        with _clear_errors(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _canonical(description: Mapping[str, Any]) -> str:
    return json.dumps(description, sort_keys=True, ensure_ascii=False)


def _chunks(keys: list[bytes]) -> Iterator[list[bytes]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise RlfgError(f"{path}: the verdict cache cannot be used: {error}") from error

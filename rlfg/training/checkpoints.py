"""Checkpoints that are complete or not there: written aside, then renamed."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

STAGING = ".saving"
_NAME = re.compile(r"checkpoint-(\d+)")


def checkpoints(run: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    found = [(int(m[1]), p) for p in run.glob("checkpoint-*") if (m := _NAME.fullmatch(p.name))]
    return [path for _, path in sorted(found)]


def latest_checkpoint(run: Path) -> Path | None:
    """The newest complete checkpoint of a run."""
    found = checkpoints(run)
    return found[-1] if found else None


def publish(staging: Path, run: Path, *, keep: int, best_step: int | None) -> Path:
    """Moves the one staged checkpoint into the run and deletes old ones; the best is always kept."""
    (staged,) = checkpoints(staging)
    _sync(staged)
    final = run / staged.name
    if final.exists():
        shutil.rmtree(final)
    os.replace(staged, final)
    shutil.rmtree(staging)
    best = run / f"checkpoint-{best_step}" if best_step else None
    for old in checkpoints(run)[:-keep]:
        if old != best:
            shutil.rmtree(old)
    return final


def _sync(folder: Path) -> None:
    """Bytes reach the disk before the name does."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())

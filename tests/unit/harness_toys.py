"""What the tests of exports share."""

from __future__ import annotations

import subprocess
from pathlib import Path

KEYS = ("results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples", "config",
        "git_hash", "date")  # fmt: skip
"""Of the results file."""


def commit_all(folder: Path) -> str:
    """A git repository with one file; returns its commit."""
    (folder / "note.txt").write_text("as committed\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for step in (("init", "-q"), ("add", "note.txt"), (*who, "commit", "-qm", "x")):
        subprocess.run(["git", "-C", str(folder), *step], check=True)
    head = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return head.stdout.strip()

"""Which commit a result was made at."""

from __future__ import annotations

import subprocess


def revision() -> str | None:
    """The git commit of the working directory, "+" behind it where files differ from it; None outside of git."""
    try:
        commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+" if changes else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()

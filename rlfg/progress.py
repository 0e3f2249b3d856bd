"""How far a long command is, on stderr: a bar in a terminal, a line every tenth of the way elsewhere."""

from __future__ import annotations

import sys


def show_progress(done: int, total: int, note: str = "") -> None:
    """Shows that `done` of `total` are done; call it after each one."""
    if sys.stderr.isatty():
        width = 30 * done // total
        end = "\n" if done == total else ""
        bar = f"[{'█' * width}{'·' * (30 - width)}]"
        print(f"\r{bar} {done:,} of {total:,}{note}", end=end, file=sys.stderr, flush=True)
    elif 10 * done // total > 10 * (done - 1) // total:
        print(f"{done:,} of {total:,}{note}", file=sys.stderr, flush=True)

"""Stands between a process and the server it started, so that neither leaves the other's mess behind.

Run as a script: `keeper.py PARENT_PID GRACE COMMAND…`. Imports the standard library alone.

- When the parent is gone, even by `kill -9`, or the keeper is asked to stop (SIGTERM), the server is: SIGTERM, and what
  is left of it and its workers after GRACE seconds gets SIGKILL.
- When the server is gone, even by `kill -9`, its workers are killed. vLLM's own stay (vllm-project/vllm#55510), so
  PR_SET_PDEATHSIG on the server would not do; nor would it here, for it fires when the parent's *thread* ends.
- When the keeper itself is killed, the server gets SIGTERM (Linux only).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

LOOK_EVERY = 0.1
REAP_WITHIN = 30.0
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def keep(parent: int, grace: float, command: list[str]) -> int:
    """Runs the command; returns its exit status as a shell would (128 + signal)."""
    stops: list[int] = []
    for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(asked, lambda number, _: stops.append(number))
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent)
    while server.poll() is None and not stops and os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    if server.poll() is None:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(grace)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    status = server.wait()
    reap()
    return status if status >= 0 else 128 - status


def die_with_parent() -> None:
    """SIGTERM for this process when its parent, the single-threaded keeper, is gone."""
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def prctl(option: int, value: int) -> None:
    """Linux's own; nothing elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def reap() -> None:
    """Kills what the server left, in whatever process group, and returns when it is gone: a GPU's memory is free then.

    On Linux the keeper adopts it; elsewhere the group's SIGKILL must do.
    """
    limit = time.monotonic() + REAP_WITHIN
    while time.monotonic() < limit:
        for child in adopted():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(LOOK_EVERY / 4)
        except ChildProcessError:
            return


def adopted() -> list[int]:
    """The keeper's children."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:
        return []


if __name__ == "__main__":
    sys.exit(keep(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))

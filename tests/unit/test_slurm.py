"""The Slurm script in bash, with stand-ins for what it starts: who ends whom, and with which status."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "recipes" / "slurm" / "judged-grpo.sbatch"
LIVES = "echo $$ > {pids}/{name}.$$; exec sleep 600"
ENDS = "echo $$ > {pids}/{name}.$$; exit {status}"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")


def start(folder: Path, *, healthy: bool, server: str = LIVES, trainer: str = LIVES) -> subprocess.Popen[str]:
    """The script; each stand-in leaves its process's number in `pids`."""
    (folder / "pids").mkdir()
    (folder / "bin").mkdir()
    both_live = '[ "$(cat {pids}/rlfg.* | wc -l)" = 2 ]'
    stand_ins = {"rlfg": server, "accelerate": trainer, "curl": both_live if healthy else "exit 1"}
    for name, says in stand_ins.items():
        path = folder / "bin" / name
        path.write_text("#!/bin/bash\n" + says.replace("{pids}", str(folder / "pids")).replace("{name}", name) + "\n")
        path.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "LOGS": str(folder / "logs")}
    return subprocess.Popen(
        ["bash", str(SCRIPT), "grpo.yaml"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def started(folder: Path, name: str, count: int) -> list[int]:
    """Process numbers of so many stand-ins, once they are there."""
    while len(found := [p for p in (folder / "pids").glob(f"{name}.*") if p.read_text().endswith("\n")]) < count:
        time.sleep(0.02)
    return [int(path.read_text()) for path in found]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_stop_while_the_servers_load_is_a_stop(tmp_path: Path) -> None:
    process = start(tmp_path, healthy=False)
    servers = started(tmp_path, "rlfg", 2)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM and all(map(gone, servers))


def test_a_stop_in_training_reaches_all(tmp_path: Path) -> None:
    process = start(tmp_path, healthy=True)
    family = started(tmp_path, "rlfg", 2) + started(tmp_path, "accelerate", 1)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM and all(map(gone, family))


@pytest.mark.parametrize("status", [0, 3])
def test_the_trainers_end_is_the_jobs(tmp_path: Path, status: int) -> None:
    process = start(tmp_path, healthy=True, trainer=ENDS.replace("{status}", str(status)))
    process.communicate()
    assert process.returncode == status and all(map(gone, started(tmp_path, "rlfg", 2)))


def test_a_servers_end_ends_the_job(tmp_path: Path) -> None:
    process = start(tmp_path, healthy=True)
    servers, [trainer] = started(tmp_path, "rlfg", 2), started(tmp_path, "accelerate", 1)
    os.kill(servers[0], signal.SIGKILL)
    said, _ = process.communicate()
    assert process.returncode == 1 and "a server has ended while the trainer ran" in said
    assert gone(trainer) and all(map(gone, servers))


def test_a_server_that_never_is_healthy_ends_the_job(tmp_path: Path) -> None:
    process = start(tmp_path, healthy=False, server=ENDS.replace("{status}", "2"))
    said, _ = process.communicate()
    assert process.returncode == 1 and "a server has ended; see" in said

"""Starts recipes as users do, and reads what they leave."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "recipes" / "launch"
BASE = ROOT / "recipes" / "assets" / "world-base"
"""It answers with names of one to four tokens; none is in tags, so that the length guard alone tells them apart."""
TWO = ("--num_processes", "2", "--mixed_precision", "no")
"""Not `--cpu`: accelerate then starts one plain process, whatever the launch file says."""

FSDP = (*TWO, str(Path(__file__).with_name("fsdp_on_cpu.py")))
"""The recipe becomes an argument of the script that runs it under FSDP2 on a CPU, which it refuses by itself."""


def command(recipe: str, launch: str, config: Path, *overrides: str, extra: tuple[str, ...] = ()) -> list[str]:
    return [
        *(sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(LAUNCH / launch)),
        *("--num_cpu_threads_per_process", "1", *extra),
        *(str(ROOT / "recipes" / recipe), "--config", str(config), *overrides),
    ]


def environment() -> dict[str, str]:
    """Of a run of this checkout, whatever checkout is installed."""
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    return {**os.environ, **own}


def launch(*args: Any, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*args, **kwargs), capture_output=True, text=True, env=environment(), cwd=ROOT, timeout=3000
    )


def rollouts(run: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((run / "rollouts").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def weights(folder: Path) -> dict[str, Any]:
    return load_file(folder / "adapter_model.safetensors")


def largest_difference(a: Path, b: Path) -> float:
    one, two = weights(a), weights(b)
    assert one.keys() == two.keys()
    return max(float((one[k] - two[k]).abs().max()) for k in one)

"""How a GRPO step grows with processes: the demo's on one and on two, one thread each, in turn.

    make demo                                                                # leaves the world and the SFT stage
    python tests/benchmarks/processes.py --out processes.json

A real launch each; the times are those of the run's `metrics.jsonl`, medians over its steps but the first.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PARTS = ("time/generation", "time/reward", "time/update")


def steps(launcher: str, config: str, count: int) -> list[dict[str, float]]:
    """The log of one run's steps."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "accelerate.commands.launch", "--config_file", f"recipes/launch/{launcher}"),
            *("--num_cpu_threads_per_process", "1", "recipes/grpo.py", "--config", config),
            *(f"run.output_dir={folder}/run", f"run.steps={count}", "run.save_every=1000", "run.eval_every=null"),
            *("run.log_every=1", "sample_groups=0", "eval=null"),
        ]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        lines = (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [line for line in found if "time/update" in line]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="recipes/configs/grpo/demo.yaml")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {"cpu.yaml": [], "cpu2.yaml": []}
    for repetition in range(args.repeat):
        for launcher in sorted(found, reverse=bool(repetition % 2)):
            found[launcher] += steps(launcher, args.config, args.steps)[1:]
    table = {
        launcher: {part: statistics.median(line[part] for line in lines) for part in PARTS}
        for launcher, lines in found.items()
    }
    for part in PARTS:
        one, two = (table[launcher][part] for launcher in found)
        print(f"{part:<16} one {one:.2f} s, two {two:.2f} s: {one / two:.2f} times")
    totals = [sum(times.values()) for times in table.values()]
    print(f"{'together':<16} one {totals[0]:.2f} s, two {totals[1]:.2f} s: {totals[0] / totals[1]:.2f} times")
    if args.out:
        args.out.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()

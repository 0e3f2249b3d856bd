"""The study over seeds: every reward, SFT and GRPO both, on the embedded world.

    python -m rlfg.training.study --out runs/study --seeds 101 102 103 104 105

Each seed draws its own pictures, trains its own SFT and, from it, every reward with the demo's budget; and
an SFT on species labels only, the paper's supervised anchor. Two runs of one thread each go side by side.
Whatever is there already is kept, so that a study can be stopped and gone on with. It ends with
`study.json` and `study.md`: means over seeds, and paired differences to SFT with 95 % t intervals.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from eval.seeds import t_interval
from rlfg.data.world import WorldSpec, write_world
from rlfg.models.load import ModelSpec

DEFAULT = "hedged"
REWARDS = (DEFAULT, "dynamic", "binary", "scala1", "scala2", "scala3")
ANCHOR = "species-sft"
SFT_RATE = "run.learning_rate=1.5e-3"
"""Of both SFT: half the demo's, as when the table of the docs was made."""
MEASURES = {
    "HM, seen+rare": ("seen+rare", "hm"),
    "correct, seen+rare": ("seen+rare", "correctness"),
    "specific share, seen": ("seen", "SPECIFIC"),
    "wrong share, rare": ("rare", "WRONG"),
    "correct, unseen": ("unseen", "correctness"),
}


def seed_folder(out: Path, seed: int) -> Path:
    """Where a seed's runs are."""
    return out / f"seed-{seed}"


def train(out: Path, seed: int, name: str, *, module: str = "rlfg.training.study") -> None:
    """One run, `sft`, the species-label SFT, or GRPO with a reward, by `train_here` of a module; on one thread."""
    code = f"import sys; from {module} import train_here; train_here(*sys.argv[1:])"
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    log = seed_folder(out, seed) / f"{name}.log"
    with log.open("a") as file:
        subprocess.run([sys.executable, "-c", code, str(out), str(seed), name], env=env, stdout=file, stderr=file)
    if not result_file(out, seed, name).is_file():
        raise RuntimeError(f"{name} with seed {seed} failed; see {log}")
    print(f"seed {seed}: {name} done", flush=True)


def result_file(out: Path, seed: int, reward: str) -> Path:
    """Scores of one trained model."""
    return seed_folder(out, seed) / "results" / f"{reward}.json"


def train_here(out_text: str, seed_text: str, reward: str) -> None:
    """Trains and scores one model in this process."""
    import torch

    from rlfg.training import demo

    torch.set_num_threads(1)
    out, seed = Path(out_text), int(seed_text)
    folder = seed_folder(out, seed)
    spec = ModelSpec(path=str(folder / "sft" / "final"), dtype="float32")
    if reward == "sft":
        demo.train_stage("sft", folder, seed, (SFT_RATE, "run.save_every=1000"))
    elif reward == ANCHOR:
        labels = f"data.path={folder / 'world-species' / 'sft.jsonl'}"
        run = folder / ANCHOR
        demo.train_stage(
            "sft", folder, seed, (labels, SFT_RATE, f"run.output_dir={run}", "run.save_every=1000"), run=run
        )
        spec = ModelSpec(path=str(folder / ANCHOR / "final"), dtype="float32")
    else:
        run = folder / reward
        demo.train_stage("grpo", folder, seed, (f"reward.name={reward}", f"run.output_dir={run}"), run=run)
        spec = ModelSpec(path=spec.path, adapter=str(run / "final"), dtype="float32")
    write_result(out, seed, reward, spec)


def write_result(out: Path, seed: int, name: str, spec: ModelSpec) -> None:
    """Scores of a model's sampled answers to the seed's test pictures."""
    from rlfg.training import demo

    folder = seed_folder(out, seed)
    items = demo.evaluate(folder, seed, {name: spec}, modes=("sampled",))
    results = demo.summaries(items, demo.demo_verifier(folder / "world"))
    target = result_file(out, seed, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results[name]["sampled"], indent=1))


def run_study(out: Path, seeds: Sequence[int], rewards: Sequence[str], workers: int) -> dict[str, Any]:
    """Everything that is missing, reward by reward, then the tables."""
    for seed in seeds:
        for name, mix in (("world", "mixed"), ("world-species", "species")):
            world = seed_folder(out, seed) / name
            if not (world / "test.jsonl").is_file() and (name == "world" or ANCHOR in rewards):
                write_world(world, WorldSpec(seed=seed, sft_mix=mix))
    with ThreadPoolExecutor(workers) as pool:
        for stage in (("sft",), rewards):  # every reward needs its seed's SFT
            todo = [(s, r) for r in stage for s in seeds if not result_file(out, s, r).is_file()]
            list(pool.map(lambda job: train(out, *job), todo))
    study = tabulate(out, seeds, ("sft", *rewards))
    (out / "study.json").write_text(json.dumps(study, indent=2) + "\n")
    (out / "study.md").write_text(markdown(study))
    return study


def tabulate(
    out: Path,
    seeds: Sequence[int],
    names: Sequence[str],
    *,
    baseline: str = "sft",
    measures: Mapping[str, tuple[str, str]] = MEASURES,
) -> dict[str, Any]:
    """Per model and measure: each seed's value, the mean, and the paired difference to the baseline."""
    values = {
        name: {m: [measure(out, seed, name, *at) for seed in seeds] for m, at in measures.items()} for name in names
    }
    return {
        "seeds": list(seeds),
        "baseline": baseline,
        "models": {
            name: {
                m: {"values": row, "mean": float(np.mean(row)), "minus_baseline": paired(row, values[baseline][m])}
                for m, row in rows.items()
            }
            for name, rows in values.items()
        },
    }


def paired(a: Sequence[float], b: Sequence[float]) -> dict[str, Any]:
    """Mean of a − b over seeds with its 95 % t interval (None with one seed)."""
    differences = np.array(a) - np.array(b)
    ci = t_interval(differences.tolist())
    return {"mean": float(differences.mean()), "ci": None if ci is None else list(ci)}


def measure(out: Path, seed: int, name: str, group: str, key: str) -> float:
    """A number of a scored model: of a group of test pictures, a share of verdicts or a metric."""
    found = json.loads(result_file(out, seed, name).read_text())[group]
    return found["counts"][key] / found["n"] if key in found["counts"] else float(found[key])


def markdown(study: dict[str, Any]) -> str:
    """The table of the docs: mean over seeds, and in brackets the paired difference to the baseline."""
    measures = list(study["models"][study["baseline"]])
    lines = ["| model | " + " | ".join(measures) + " |", "|---|" + "---|" * len(measures)]
    for name, rows in study["models"].items():
        cells = []
        for row in (rows[m] for m in measures):
            cell = f"{row['mean']:.3f}"
            ci = row["minus_baseline"]["ci"]
            if name != study["baseline"] and ci:
                cell += f" ({row['minus_baseline']['mean']:+.3f} [{ci[0]:+.3f}, {ci[1]:+.3f}])"
            cells.append(cell)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + f"\n\nSeeds: {', '.join(map(str, study['seeds']))}.\n"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="The study over seeds on the embedded world.")
    parser.add_argument("--out", type=Path, default=Path("runs/study"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103, 104, 105])
    parser.add_argument("--rewards", nargs="+", default=[*REWARDS, ANCHOR], choices=[*REWARDS, ANCHOR])
    parser.add_argument("--workers", type=int, default=2, help="runs side by side, one thread each")
    args = parser.parse_args()
    run_study(args.out, args.seeds, args.rewards, args.workers)
    print((args.out / "study.md").read_text())


if __name__ == "__main__":
    main()

"""The study of algorithms: SFT on answers and on rationales, GRPO from each, DAPO and TAPO, on the embedded world.

    python -m rlfg.training.algorithms --out runs/algorithms --tuning-seed 100 --seeds 101 102 103 104 105

Each arm has the same number of settings to choose from. They are tried on the tuning seed, the best by HM on seen and
rare species is kept, and every other seed draws its own pictures and trains every arm once with it. All arms have the
demo's reward, batch and, in each stage, number of steps. What is there already is kept. It ends with `study.json`,
`study.md` and `chosen.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlfg.data import DataSpec, load_examples
from rlfg.data.triplets import triplets, write_triplets
from rlfg.data.world import WorldSpec, write_world
from rlfg.models.load import ModelSpec
from rlfg.taxonomy import load_taxonomy
from rlfg.training.study import markdown, measure, result_file, seed_folder, tabulate, train, write_result

MODULE = "rlfg.training.algorithms"
SELECTED_BY = ("seen+rare", "hm")
BASELINE = "cot-sft"
MEASURES = {
    "HM, seen": ("seen", "hm"),
    "wrong, seen": ("seen", "WRONG"),
    "exact, seen": ("seen", "SPECIFIC"),
    "HM, rare": ("rare", "hm"),
    "HM, unseen": ("unseen", "hm"),
    "wrong, unseen": ("unseen", "WRONG"),
}
STEPS = ("run.steps=120", "run.save_every=60", "run.eval_every=60")
"""Of every arm that has rollouts."""
DAPO = (
    "objective.clip_high=0.28",
    "dynamic_sampling={max_rounds: 3}",
    "reward.terms=[{name: length_guard, weight: 1.0, options: {limit: 56, buffer: 14}}]",
)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A way to train."""

    stage: str
    start: str | None = None
    """The arm whose model it starts from; None for the base."""
    overrides: tuple[str, ...] = ()
    """Beside the demo's config of the stage."""
    sweep: tuple[tuple[str, ...], ...]
    """The settings to choose from."""


def _rates(*rates: str) -> tuple[tuple[str, ...], ...]:
    return tuple((f"run.learning_rate={rate}",) for rate in rates)


def _tapo(divergence: float, entropy: float) -> tuple[str, ...]:
    spec = f"{{positives: 4, divergence_coef: {divergence}, negative_entropy_coef: {entropy}}}"
    return (f"tapo={spec}", f"objective.entropy_coef={entropy}")


ARMS = {
    "direct-sft": Arm(stage="sft", overrides=("target=answer",), sweep=_rates("7.5e-4", "1.5e-3", "3e-3")),
    "cot-sft": Arm(stage="sft", sweep=_rates("7.5e-4", "1.5e-3", "3e-3")),
    "direct-grpo": Arm(
        stage="grpo",
        start="direct-sft",
        overrides=("parse_mode=answer", *STEPS),
        sweep=_rates("5e-4", "1e-3", "1.5e-3"),
    ),
    "cot-grpo": Arm(stage="grpo", start="cot-sft", overrides=STEPS, sweep=_rates("5e-4", "1e-3", "1.5e-3")),
    "cot-dapo": Arm(stage="grpo", start="cot-sft", overrides=(*STEPS, *DAPO), sweep=_rates("5e-4", "1e-3", "1.5e-3")),
    "cot-tapo": Arm(
        stage="grpo",
        start="cot-sft",
        overrides=(*STEPS, *DAPO, "run.learning_rate=1e-3"),
        sweep=(_tapo(0.01, 0.03), _tapo(0.01, 0.0), _tapo(0.1, 0.0)),
    ),
}
"""TAPO's first setting is the paper's coefficients; DAPO's learning rate is tuned, TAPO's is the demo's."""


def chosen_file(out: Path) -> Path:
    """Which setting of each arm is kept."""
    return out / "chosen.json"


def train_here(out_text: str, seed_text: str, name: str) -> None:
    """Trains and scores one model in this process: an arm as chosen, or "arm@k" with its k-th setting."""
    import torch

    from rlfg.training import demo

    torch.set_num_threads(1)
    out, seed = Path(out_text), int(seed_text)
    folder = seed_folder(out, seed)
    arm_name, _, trial = name.partition("@")
    arm = ARMS[arm_name]
    chosen = json.loads(chosen_file(out).read_text()) if chosen_file(out).is_file() else {}
    setting = arm.sweep[int(trial) if trial else chosen[arm_name]]
    start = None
    if arm.start is not None:
        start = folder / (f"{arm.start}@{chosen[arm.start]}" if trial else arm.start) / "final"
    given = [*arm.overrides, *setting, *([f"model.path={start}"] if start else [])]
    if "tapo" in arm_name:
        given.append(f"data.path={folder / 'world' / 'triplets.jsonl'}")
    run = folder / name
    demo.train_stage(arm.stage, folder, seed, (*given, f"run.output_dir={run}"), run=run)
    trained = str(run / "final")
    spec = ModelSpec(path=str(start), adapter=trained, dtype="float32") if start else None
    write_result(out, seed, name, spec or ModelSpec(path=trained, dtype="float32"))


def prepare(out: Path, seed: int) -> None:
    """A seed's pictures, and its triplets: the negative is of the nearest other species."""
    world = seed_folder(out, seed) / "world"
    if (world / "triplets.jsonl").is_file():
        return
    write_world(world, WorldSpec(seed=seed))
    examples = load_examples(DataSpec(path=str(world / "rl.jsonl")))
    taxonomy = load_taxonomy(world / "taxonomy.csv", root="organism")
    write_triplets(world / "triplets.jsonl", triplets(examples, "taxonomy", seed=seed, taxonomy=taxonomy), examples)


def choose(out: Path, tuning_seed: int, workers: int) -> dict[str, int]:
    """The setting of each arm that is best on the tuning seed; the first of several."""
    found: dict[str, int] = json.loads(chosen_file(out).read_text()) if chosen_file(out).is_file() else {}
    prepare(out, tuning_seed)
    for starts in (True, False):  # what others start from comes first
        arms = {n: a for n, a in ARMS.items() if (a.start is None) == starts and n not in found}
        _train_all(out, [(tuning_seed, f"{n}@{k}") for n, a in arms.items() for k in range(len(a.sweep))], workers)
        for name, arm in arms.items():
            scores = [measure(out, tuning_seed, f"{name}@{k}", *SELECTED_BY) for k in range(len(arm.sweep))]
            found[name] = scores.index(max(scores))
        chosen_file(out).write_text(json.dumps(found, indent=1) + "\n")
    return found


def run_study(out: Path, tuning_seed: int, seeds: Sequence[int], workers: int) -> dict[str, Any]:
    """Everything that is missing, then the tables."""
    if tuning_seed in seeds:
        raise SystemExit(f"seed {tuning_seed} chooses the settings and cannot be one of the results")
    chosen = choose(out, tuning_seed, workers)
    for seed in seeds:
        prepare(out, seed)
    for starts in (True, False):
        _train_all(out, [(s, n) for s in seeds for n, a in ARMS.items() if (a.start is None) == starts], workers)
    study = tabulate(out, seeds, list(ARMS), baseline=BASELINE, measures=MEASURES)
    study["chosen"] = {name: list(ARMS[name].sweep[k]) for name, k in chosen.items()}
    (out / "study.json").write_text(json.dumps(study, indent=2) + "\n")
    (out / "study.md").write_text(markdown(study))
    return study


def _train_all(out: Path, jobs: Sequence[tuple[int, str]], workers: int) -> None:
    todo = [job for job in jobs if not result_file(out, *job).is_file()]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda job: train(out, *job, module=MODULE), todo))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="The study of algorithms on the embedded world.")
    parser.add_argument("--out", type=Path, default=Path("runs/algorithms"))
    parser.add_argument("--tuning-seed", type=int, default=100)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103, 104, 105])
    parser.add_argument("--workers", type=int, default=2, help="runs side by side, one thread each")
    args = parser.parse_args()
    run_study(args.out, args.tuning_seed, args.seeds, args.workers)
    print((args.out / "study.md").read_text())


if __name__ == "__main__":
    main()

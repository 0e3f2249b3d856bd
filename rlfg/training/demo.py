"""The demo: world → SFT → GRPO → answers → scores → report, through the same commands a user runs.

Training pictures, test pictures and every random draw follow from the seed. A mechanism shown on invented
organisms, not a reproduction of the papers' figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from eval.backends import BackendSpec
from eval.backends.local import LocalBackend
from eval.predict import PredictConfig, predict
from eval.predictions import read_predictions
from eval.protocols import ProtocolSpec
from eval.protocols.generate import OpenSpec
from eval.score import ScoredItem, score, write_items
from eval.summary import grouped
from rewards.verifier import TaxonomyVerifier
from rlfg.data import DataSpec
from rlfg.data.world import WorldSpec, write_world
from rlfg.errors import RlfgError
from rlfg.models.load import ModelSpec
from rlfg.resources import recipes_folder
from rlfg.rollouts.local import LocalModel
from rlfg.rollouts.sampling import Sampling
from rlfg.taxonomy import load_taxonomy

MODELS = ("base", "sft", "grpo")
UNIONS = {"seen+rare": ("seen", "rare")}
SAMPLES = 10
"""Answers a test picture at temperature 1."""
MODES = {"sampled": (1.0, SAMPLES), "greedy": (0.0, 1)}
KEPT = ("n", "counts", "correctness", "specificity", "hm", "ci")
"""What `summary.json` holds of each group."""
MAX_NEW_TOKENS = 56
PROMPT = "short"


def run_demo(
    out: Path,
    *,
    seed: int,
    world_spec: WorldSpec | None = None,
    overrides: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Runs everything that is not there yet and writes `report.html` and `summary.json` under `out`.

    Args:
        out: Folder of the demo.
        seed: Of the pictures, both stages and the sampled answers.
        world_spec: Another world than the default, for a smaller demo.
        overrides: `key.sub=value` for the "sft" and "grpo" configs.

    Raises:
        RlfgError: `out` holds a demo of another seed, or a stage failed.
    """
    _claim(out, seed)
    world = out / "world"
    if not (world / "test.jsonl").is_file():
        print(f"world: {write_world(world, world_spec or WorldSpec(seed=seed))}", flush=True)
    wall = _read_wall(out)
    for stage in ("sft", "grpo"):
        _note_wall(out, wall, stage, train_stage(stage, out, seed, (overrides or {}).get(stage, ())))
    began = time.perf_counter()
    items = evaluate(out, seed, model_specs(out))
    results = summaries(items, demo_verifier(world))
    _note_wall(out, wall, "eval", None if "eval" in wall else time.perf_counter() - began)
    summary = {"seed": seed, "wall_s": wall, "results": results}
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    _report(out, items, seed)
    print(_table(results))
    print(f"{out / 'report.html'}\n{out / 'summary.json'}")
    return summary


def train_stage(
    stage: str, out: Path, seed: int, overrides: Sequence[str] = (), *, run: Path | None = None
) -> float | None:
    """Launches a training recipe as a user would, its paths under `out`; skips it when it is complete.

    Returns:
        Wall time in seconds; None where it was complete.

    Raises:
        RlfgError: The stage failed; its own message has been shown.
    """
    run, recipes = run or out / stage, recipes_folder()
    if (run / "final").is_dir():
        return None
    own: dict[str, tuple[str, ...]] = {}
    own["sft"] = (f"model.path={recipes / 'assets' / 'world-base'}", f"data.path={out / 'world' / 'sft.jsonl'}")
    own["grpo"] = (
        f"model.path={out / 'sft' / 'final'}",
        f"data.path={out / 'world' / 'rl.jsonl'}",
        f"eval.path={out / 'world' / 'val.jsonl'}",
        f"verifier.taxonomy={out / 'world' / 'taxonomy.csv'}",
    )
    command = [
        *(sys.executable, "-m", "accelerate.commands.launch"),
        *("--config_file", str(recipes / "launch" / "cpu.yaml")),
        *("--num_cpu_threads_per_process", str(torch.get_num_threads())),
        *(str(recipes / f"{stage}.py"), "--config", str(recipes / "configs" / stage / "demo.yaml")),
        *own[stage],
        *(f"run.output_dir={run}", f"run.seed={seed}"),
        *overrides,
    ]
    print(f"\n{stage}: accelerate launch {' '.join(command[3:])}", flush=True)
    began = time.perf_counter()
    if subprocess.run(command, env={**os.environ, "TOKENIZERS_PARALLELISM": "false"}).returncode:
        raise RlfgError(f"{stage} failed; see above. Run the same command again to go on from its last checkpoint")
    return time.perf_counter() - began


def model_specs(out: Path) -> dict[str, ModelSpec]:
    """Base, after SFT, after GRPO."""
    sft = str(out / "sft" / "final")
    return {
        "base": ModelSpec(path=str(recipes_folder() / "assets" / "world-base"), dtype="float32"),
        "sft": ModelSpec(path=sft, dtype="float32"),
        "grpo": ModelSpec(path=sft, adapter=str(out / "grpo" / "final"), dtype="float32"),
    }


def demo_verifier(world: Path) -> TaxonomyVerifier:
    """The verifier that the demo's GRPO config describes."""
    return TaxonomyVerifier(load_taxonomy(world / "taxonomy.csv", root="organism"), profile="exact")


def evaluate(
    out: Path, seed: int, specs: dict[str, ModelSpec], *, modes: Sequence[str] = tuple(MODES)
) -> dict[str, dict[str, list[ScoredItem]]]:
    """Scored test answers of each model: {model: {"sampled" | "greedy": items}}."""
    verifier = demo_verifier(out / "world")
    scored: dict[str, dict[str, list[ScoredItem]]] = {}
    for name, spec in specs.items():
        model: LocalModel | None = None
        scored[name] = {}
        for mode in modes:
            temperature, samples = MODES[mode]
            config = PredictConfig(
                backend=BackendSpec(transformers=spec),
                data=DataSpec(path=str(out / "world" / "test.jsonl")),
                out=str(out / "answers" / f"{name}-{mode}.jsonl"),
                protocol=ProtocolSpec(open=OpenSpec(prompts=(PROMPT,), samples=samples)),
                sampling=Sampling(temperature=temperature, max_new_tokens=MAX_NEW_TOKENS),
                seed=seed,
            )
            if not Path(config.out).is_file():
                model = model or LocalModel(spec, device=torch.device("cpu"))
                predict(config, LocalBackend(model, config.sampling, seed=seed, rows=config.backend.rows))
            predictions = read_predictions(config.out)
            items = score(predictions, verifier, verifier.taxonomy, parse_mode="lenient", group_by="group")
            write_items(out / "scores" / f"{name}-{mode}" / "items.jsonl", items)
            scored[name][mode] = items
        print(f"answers of {name}: done", flush=True)
    return scored


def summaries(items: dict[str, dict[str, list[ScoredItem]]], verifier: TaxonomyVerifier) -> dict[str, Any]:
    """`summary.json`'s results: model → mode → group → numbers."""
    return {
        name: {
            mode: {
                group: {key: found[key] for key in KEPT}
                for group, found in grouped(scored, verifier.taxonomy, unions=UNIONS).items()
            }
            for mode, scored in modes.items()
        }
        for name, modes in items.items()
    }


def _claim(out: Path, seed: int) -> None:
    """Marks the folder as this seed's; one folder never mixes two."""
    marker = out / "demo.json"
    if marker.is_file() and json.loads(marker.read_text())["seed"] != seed:
        raise RlfgError(f"{out}: holds the demo of another seed; give another --out or remove it")
    out.mkdir(parents=True, exist_ok=True)
    if not marker.is_file():
        marker.write_text(json.dumps({"seed": seed, "wall_s": {}}) + "\n")


def _read_wall(out: Path) -> dict[str, float]:
    wall: dict[str, float] = json.loads((out / "demo.json").read_text())["wall_s"]
    return wall


def _note_wall(out: Path, wall: dict[str, float], stage: str, seconds: float | None) -> None:
    """Kept as it goes, so that an interrupted demo still reports each stage's time."""
    if seconds is None:
        return
    wall[stage] = round(seconds, 1)
    record = json.loads((out / "demo.json").read_text())
    (out / "demo.json").write_text(json.dumps({**record, "wall_s": wall}) + "\n")


def _report(out: Path, items: dict[str, dict[str, list[ScoredItem]]], seed: int) -> None:
    from eval.report import ReportInput, build_report, read_curves

    verifier = demo_verifier(out / "world")
    html = build_report(
        ReportInput(
            title="Specificity-aware GRPO on the embedded world",
            runs={name: modes["sampled"] for name, modes in items.items()},
            taxonomy=verifier.taxonomy,
            curves=read_curves(out / "grpo" / "metrics.jsonl"),
            unions=UNIONS,
            provenance={"seed": seed, **_provenance(out)},
        )
    )
    (out / "report.html").write_text(html, encoding="utf-8")


def _provenance(out: Path) -> dict[str, Any]:
    record = json.loads((out / "grpo" / "run.json").read_text())
    reward = record["config"]["reward"]
    return {
        "reward": f"{reward['name']} {reward['options'] or ''}".strip(),
        "steps": record["config"]["run"]["steps"],
        "packages": ", ".join(f"{k} {v}" for k, v in record["packages"].items() if v),
        "revision": record["revision"],
    }


def _table(results: dict[str, Any]) -> str:
    """The result in a few lines, sampled answers."""
    lines = [f"{'':18}{'correct':>9}{'specific':>10}{'HM':>7}{'wrong':>8}{'exact':>8}"]
    for group in ("seen", "rare", "unseen", "seen+rare"):
        for name in MODELS:
            found = results[name]["sampled"][group]
            n, counts = found["n"], found["counts"]
            exact = (counts["SPECIFIC"] + counts["MORE_SPECIFIC"]) / n
            numbers = [found["correctness"], found["specificity"], found["hm"], counts["WRONG"] / n, exact]
            cells = ["–" if v is None else f"{v:.3f}" for v in numbers]
            lines.append(f"{group:<12}{name:<6}{cells[0]:>9}{cells[1]:>10}{cells[2]:>7}{cells[3]:>8}{cells[4]:>8}")
    return "\n".join(lines)

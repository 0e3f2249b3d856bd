"""GRPO with a judge over HTTP: one that goes and comes back, and one that stays away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from http_judge import HttpJudge, at_random

pytest.importorskip("torch")
pytest.importorskip("trl")
pytest.importorskip("aiohttp")

from launching import PATIENCE
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "recipes" / "assets" / "world-base"
RECIPE = """
import rewards.scoring
from rlfg.data import ParsedAnswer

# The base model knows no tags: the whole completion is its answer.
rewards.scoring.parse_answer = lambda text, mode: ParsedAnswer(answer=text.strip(), thoughts=None, well_formed=True)

from rlfg.training.config import GrpoConfig
from rlfg.training.main import launch
from rlfg.training.stages import run_grpo

launch(GrpoConfig, run_grpo)
"""

pytestmark = pytest.mark.slow
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tiny_world: Path, tmp_path: Path) -> Start:
    recipe, config = tmp_path / "recipe.py", tmp_path / "grpo.yaml"
    recipe.write_text(RECIPE)

    def begin(run: Path, judge: HttpJudge, steps: int, **options: object) -> subprocess.Popen[str]:
        endpoint = {"model": "toy", "base_url": judge.url, "retry": {"attempts": 3, "first_wait_s": 0.05}}
        spec = {"endpoint": endpoint, "cache": str(run / "verdicts.sqlite"), **options}
        config.write_text(f"""
model: {{path: {BASE}, dtype: float32, lora: {{r: 4, alpha: 8}}}}
data: {{path: {tiny_world}/rl.jsonl}}
verifier: {{judge: {json.dumps(spec)}}}
prompt: short
reward: {{name: graded}}
sampling: {{max_new_tokens: 8, temperature: 2.0}}
prompts_per_step: 2
group_size: 6
run: {{output_dir: {run}, seed: 4, steps: {steps}, learning_rate: 1e-2, save_every: 100, log_every: 1,
  report_to: [], use_cpu: true}}
""")
        command = [sys.executable, "-m", "accelerate.commands.launch"]
        command += [
            "--config_file",
            str(ROOT / "recipes" / "launch" / "cpu.yaml"),
            "--num_cpu_threads_per_process",
            "1",
        ]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [*command, str(recipe), "--config", str(config)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=ROOT,
        )  # fmt: skip

    return begin


def finish(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out
    return out


def metrics(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def trained_on(run: Path, step: int) -> bool:
    """Whether a step's answers are judged. Truths are not met twice: nothing is known of the next step's answers."""
    return (run / "rollouts" / f"step-{step:06d}.parquet").exists()


def test_a_judge_that_fails_often_and_goes_away_and_comes_back(start: Start, tmp_path: Path) -> None:
    """No request of step 3 is answered before all of its twelve answers were asked about, three times each."""
    run, often, away = tmp_path / "run", at_random(0.3), iter(["close"] * 40)

    def fault() -> str | None:
        return next(away, None) if trained_on(run, 2) else often()

    with HttpJudge(fault=fault) as judge:
        finish(start(run, judge, 14, down_s=600))
    assert next(away, None) is None
    found = metrics(run)
    assert [line["step"] for line in found] == list(range(1, 15))
    assert all(line["verdict/no_verdict"] < 1 for line in found), "no step is trained on nothing"
    assert sum(line["reward_std"] > 0 for line in found) > 10
    assert found[-1]["judge/requests"] > 20


def test_a_judge_that_stays_away_stops_the_run_at_a_checkpoint(start: Start, tmp_path: Path) -> None:
    whole, broken, back = tmp_path / "whole", tmp_path / "broken", threading.Event()
    with HttpJudge(fault=lambda: "500" if trained_on(broken, 3) and not back.is_set() else None) as judge:
        finish(start(whole, judge, 8))
        process = start(broken, judge, 8, down_s=3)
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode != 0
        error = next(line for line in out.splitlines() if line.startswith("error: "))
        assert "has given no usable reply for" in error and "(down_s: 3)" in error
        assert "Step 4 is saved; mend the judge and run the same command" in error
        assert [path.name for path in broken.glob("checkpoint-*")] == ["checkpoint-4"]
        back.set()
        assert f"resuming from {broken / 'checkpoint-4'}" in finish(start(broken, judge, 8, down_s=3))
    ours, theirs = (load_file(folder / "final" / "adapter_model.safetensors") for folder in (broken, whole))
    assert all((ours[name] == theirs[name]).all() for name in theirs)

"""Every config that comes with rlfg loads and could run, and `rlfg recipes copy` hands them out."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from eval.predict import PredictConfig
from rewards.judge.spec import JudgeSpec
from rlfg.cli import main
from rlfg.config import load_config
from rlfg.models.load import ModelSpec
from rlfg.models.skeleton import Skeleton, load_skeleton
from rlfg.resources import recipes_folder
from rlfg.training.config import GrpoConfig
from rlfg.training.plan import plan
from rlfg.training.sft import SftTrainConfig

RECIPES = recipes_folder()
CONFIGS = RECIPES / "configs"
STAGES: dict[str, type[Any]] = {
    "grpo": GrpoConfig,
    "sft": SftTrainConfig,
    "evaluate": PredictConfig,
    "judge": JudgeSpec,
}
BASE = f"model.path={RECIPES / 'assets' / 'world-base'}"
"""What the demo's GRPO starts from has the architecture of its base."""


def names(stage: str, pattern: str = "*") -> list[str]:
    return sorted(path.stem for path in (CONFIGS / stage).glob(f"{pattern}.yaml"))


def load(stage: str, name: str, *overrides: str) -> Any:
    return load_config(STAGES[stage], CONFIGS / stage / f"{name}.yaml", overrides)


@cache
def skeleton(spec: ModelSpec) -> Skeleton:
    return load_skeleton(spec)


@pytest.mark.parametrize(("stage", "name"), [(stage, name) for stage in STAGES for name in names(stage)])
def test_every_config_loads(stage: str, name: str) -> None:
    assert load(stage, name)


def test_no_config_is_of_an_unknown_stage() -> None:
    assert {path.parent.name for path in CONFIGS.rglob("*.yaml")} == set(STAGES)


@pytest.mark.parametrize("name", names("grpo"))
def test_every_grpo_config_can_be_planned(name: str) -> None:
    demo = name.startswith("demo")
    config = load("grpo", name, BASE) if demo else load("grpo", name)
    found = plan(config, processes=1 if demo else 8, skeleton=skeleton(config.model))
    assert found.rows % config.group_size == 0
    assert found.memory.total < (8e9 if demo else 80e9)
    assert str(found)


@pytest.mark.parametrize("name", names("sft"))
def test_every_sft_batch_can_be_split(name: str) -> None:
    assert load("sft", name).accumulation(1 if name == "demo" else 8)


def test_speciarls_run_has_its_values() -> None:
    """METHODS of the paper (arXiv 2603.03197), section 4."""
    config = load("grpo", "cub-qwen2.5-vl-7b")
    assert (config.model.lora.r, config.model.lora.alpha) == (64, 32)
    assert (config.run.learning_rate, config.run.epochs) == (3e-5, 15)
    objective = config.objective
    assert (objective.kl_coef, objective.clip_low, objective.clip_high) == (0.01, 0.2, 0.2)
    assert (objective.aggregation, objective.advantage_scale) == ("token_mean", "group")
    assert (config.group_size, config.prompts_per_step, config.optimizer_steps_per_rollout) == (10, 256, 2)
    assert (config.sampling.max_new_tokens, config.sampling.temperature) == (2048, 1.0)
    assert config.reward.name == "dynamic"


def test_dapo_replaces_groups_that_teach_nothing() -> None:
    config = load("grpo", "cub-dapo")
    assert config.dynamic_sampling is not None and config.dynamic_sampling.max_rounds == 3
    assert (config.objective.kl_coef, config.objective.clip_low, config.objective.clip_high) == (0, 0.2, 0.28)
    (guard,) = config.reward.terms
    assert guard.options == {"limit": 2048, "buffer": 512}


def test_speciarls_run_has_its_steps(tmp_path: Path) -> None:
    """3,000 pictures, 15 epochs: 165 rollouts, two optimizer steps each."""
    manifest = tmp_path / "train.jsonl"
    lines = [json.dumps({"image": f"{i}.jpg", "label": "Cerulean Warbler"}) for i in range(3000)]
    manifest.write_text("\n".join(lines) + "\n")
    config = load("grpo", "cub-qwen2.5-vl-7b", f"data.path={manifest}")
    found = plan(config, processes=8, skeleton=skeleton(config.model))
    assert (found.steps_per_epoch, found.steps) == (22, 330)


@pytest.mark.parametrize(
    "name", [*names("grpo", "cub-reward-*"), *names("grpo", "cub-noise-*"), *names("grpo", "demo-*")]
)
def test_an_ablation_changes_the_reward_and_nothing_else(name: str) -> None:
    of = asdict(load("grpo", "demo" if name.startswith("demo") else "cub-qwen2.5-vl-7b"))
    changed = asdict(load("grpo", name))
    assert changed["run"].pop("output_dir") != of["run"].pop("output_dir")
    assert changed.pop("reward") != of.pop("reward") or name == "demo-" + load("grpo", "demo").reward.name
    assert changed == of


@pytest.mark.parametrize("name", [n for n in names("sft") if n != "demo"])
def test_both_stages_keep_one_contract(name: str) -> None:
    sft, grpo = load("sft", name), load("grpo", name)
    assert (sft.model, sft.prompt) == (grpo.model, grpo.prompt)


def test_dive_k_trains_on_letters_and_is_evaluated_on_names() -> None:
    config, sampled = load("grpo", "cub-dive-k"), load("evaluate", "cub-dive-k")
    assert (config.verifier.text, config.verifier.root, config.reward.name) == ("letter", "bird", "mcq_letter")
    assert (sampled.samples, sampled.sampling.temperature, sampled.model.adapter) == (20, 1.0, None)
    assert config.eval == load("grpo", "cub-qwen2.5-vl-7b").eval


def test_no_two_runs_share_a_folder() -> None:
    folders = [load(stage, name).run.output_dir for stage in ("sft", "grpo") for name in names(stage)]
    assert len(set(folders)) == len(folders)


def test_copy_takes_everything_and_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as copied:
        main(["recipes", "copy", str(tmp_path)])
    assert copied.value.code == 0
    there = {p.relative_to(RECIPES) for p in RECIPES.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {p.relative_to(tmp_path / "recipes") for p in (tmp_path / "recipes").rglob("*") if p.is_file()} == there
    assert f"{len(there)} files" in capsys.readouterr().out
    with pytest.raises(SystemExit) as refused:
        main(["recipes", "copy", str(tmp_path)])
    assert refused.value.code == 2
    assert "is there already" in capsys.readouterr().err

"""Every config that comes with rlfg loads and could run, and `rlfg recipes copy` hands them out."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
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
    sharded = 8 if config.model.lora is None and config.model.adapter is None else 1  # every weight: ZeRO-3
    whole = found.memory.weights + found.memory.gradients + found.memory.optimizer
    assert found.memory.total - whole + whole / (1 if demo else sharded) < (8e9 if demo else 80e9)
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


def test_dapo_as_speciarl_compares_it() -> None:
    config, sampled = load("grpo", "cub-dapo"), load("grpo", "cub-dapo-ds")
    assert config.dynamic_sampling is None and sampled.dynamic_sampling.max_rounds == 30
    assert sampled.objective == config.objective and config.objective.dual_clip == 10
    assert (config.objective.kl_coef, config.objective.clip_low, config.objective.clip_high) == (0, 0.2, 0.28)
    (guard,) = config.reward.terms
    assert guard.options == {"limit": 2048, "buffer": 512}


@pytest.mark.parametrize("name", ["cub-dr-grpo", "cub-dr-grpo-binary"])
def test_dr_grpo_as_speciarl_compares_it(name: str) -> None:
    """Sequence-mean token-sum, no division by the deviation, no KL; the rest as in its main run."""
    of, changed = load("grpo", "cub-qwen2.5-vl-7b").objective, load("grpo", name).objective
    assert changed == replace(of, aggregation="sequence_sum", advantage_scale="none", kl_coef=0.0)


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


def test_fine_r1_has_its_values() -> None:
    """Of the paper (ICLR 2026) and its released scripts."""
    small, large, dapo = (load("grpo", f"fine-r1-{name}") for name in ("tapo-3b", "tapo-7b", "dapo-7b"))
    for config, pictures, epochs in ((small, 128, 10), (large, 64, 5)):
        assert config.prompts_per_step == 3 * pictures and config.optimizer_steps_per_rollout == 3
        assert (config.run.epochs, config.run.learning_rate, config.run.weight_decay) == (epochs, 1e-6, 0.01)
    assert (large.group_size, large.tapo.positives, large.tapo.conditioning) == (10, 5, "anchor")
    assert (large.tapo.divergence_coef, large.tapo.clamp_log_ratio, large.tapo.clamp) == (0.01, 20, 10)
    assert large.objective.entropy_coef == large.tapo.negative_entropy_coef == 0.03
    assert (large.objective.clip_low, large.objective.clip_high, large.objective.dual_clip) == (0.2, 0.28, 3)
    assert large.dynamic_sampling.accuracy == (0.01, 0.99) and not large.model.freeze_vision
    assert (large.sampling.temperature, large.sampling.top_p) == (1.0, 0.99)
    assert dapo.tapo is None and dapo.objective.entropy_coef == 0
    for size in ("3b", "7b"):
        sft = load("sft", f"fine-r1-{size}")
        assert (sft.run.learning_rate, sft.run.warmup_steps, sft.run.epochs, sft.batch_size) == (5e-6, 6, 10, 64)
        assert sft.model.freeze_vision and sft.model.lora is None


@pytest.mark.parametrize("size", ["3b", "7b"])
def test_both_stages_of_fine_r1_keep_one_contract(size: str) -> None:
    sft, grpo = load("sft", f"fine-r1-{size}"), load("grpo", f"fine-r1-tapo-{size}")
    assert (sft.model.max_pixels, sft.prompt) == (grpo.model.max_pixels, grpo.prompt)
    assert sft.model.path == grpo.model.path


@pytest.mark.parametrize("name", names("sft", "cub-*"))
def test_both_stages_keep_one_contract(name: str) -> None:
    sft, grpo = load("sft", name), load("grpo", name)
    assert (sft.model, sft.prompt) == (grpo.model, grpo.prompt)


def test_dive_k_trains_on_letters_and_is_evaluated_on_names() -> None:
    config, sampled = load("grpo", "cub-dive-k"), load("evaluate", "cub-dive-k")
    assert (config.verifier.text, config.verifier.taxonomy, config.reward.name) == (
        "letter",
        "builtin:cub200",
        "mcq_letter",
    )
    assert (sampled.protocol.samples, sampled.sampling.temperature) == (20, 1.0)
    assert sampled.backend.transformers.adapter is None
    assert config.eval == load("grpo", "cub-qwen2.5-vl-7b").eval


def test_no_two_runs_share_a_folder() -> None:
    folders = [load(stage, name).run.output_dir for stage in ("sft", "grpo") for name in names(stage)]
    assert len(set(folders)) == len(folders)


def test_no_two_evaluations_share_a_file() -> None:
    files = [load("evaluate", name).out for name in names("evaluate")]
    assert len(set(files)) == len(files)


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

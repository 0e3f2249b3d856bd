"""Every recipe for two optimizer steps, with a tiny model and the embedded world in place of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

from http_judge import HttpJudge
from launching import BASE

from rlfg.config import load_config
from rlfg.data import DataSpec, load_examples
from rlfg.data.choices import ChoiceSpec, choices, write_choices
from rlfg.data.triplets import triplets, write_triplets
from rlfg.resources import recipes_folder
from rlfg.taxonomy import load_taxonomy
from rlfg.training.config import GrpoConfig
from rlfg.training.sft import SftTrainConfig
from rlfg.training.stages import run_grpo, run_sft

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning"),  # a schedule of two steps
]
CONFIGS = recipes_folder() / "configs"
SMALL = ("run.steps=2", "run.epochs=null", "run.bf16=false", "run.use_cpu=true", "run.report_to=[]")
"""What a recipe is changed in, besides its model, data and sizes."""


def names(stage: str) -> list[str]:
    return sorted(path.stem for path in (CONFIGS / stage).glob("*.yaml"))


@pytest.fixture(scope="module")
def world(tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training pictures in triplets: two of each species."""
    lines = [json.loads(line) for line in (tiny_world / "rl.jsonl").read_text().splitlines()][:8]
    others = [json.loads(line) for line in (tiny_world / "sft.jsonl").read_text().splitlines()]
    folder = tmp_path_factory.mktemp("triplets")
    for number, line in enumerate([*lines, *lines]):
        source = line if number < len(lines) else others[number]
        line = {**line, "id": str(number), "image": str((tiny_world / source["image"]).resolve())}
        with (folder / "rl.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
    examples = load_examples(DataSpec(path=str(folder / "rl.jsonl")))
    taxonomy = load_taxonomy(tiny_world / "taxonomy.csv", root="organism")
    write_triplets(folder / "triplets.jsonl", triplets(examples, "taxonomy", seed=0, taxonomy=taxonomy), examples)
    return folder / "triplets.jsonl"


@pytest.fixture(scope="module")
def questions(tiny_world: Path, world: Path) -> Path:
    """Multiple choice from answers that are each the label of the next picture."""
    examples = load_examples(DataSpec(path=str(world)))
    taxonomy = load_taxonomy(tiny_world / "taxonomy.csv", root="organism")
    answers = {example.id: [examples[i - 1].label] for i, example in enumerate(examples)}
    path = world.with_name("choices.jsonl")
    write_choices(path, choices(examples, answers, ChoiceSpec(), taxonomy), examples)
    return path


@pytest.fixture(scope="module")
def judge() -> Iterator[HttpJudge]:
    with HttpJudge() as server:
        yield server


def steps(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", names("grpo"))
def test_grpo(name: str, tiny_world: Path, world: Path, questions: Path, judge: HttpJudge, tmp_path: Path) -> None:
    path = CONFIGS / "grpo" / f"{name}.yaml"
    recipe = load_config(GrpoConfig, path)
    per_rollout = recipe.optimizer_steps_per_rollout
    changed = [
        *SMALL,
        *(f"model.path={BASE}", "model.dtype=float32", "model.max_pixels=null"),
        *(f"data.path={world}", "data.limit=null", "data.limit_seed=null", "eval=null", "run.eval_every=null"),
        *(f"prompts_per_step={2 * per_rollout}", f"run.save_every={2 * per_rollout}", "run.log_every=1"),
        *("sampling.max_new_tokens=6", f"run.output_dir={tmp_path / 'run'}"),
    ]
    if recipe.verifier.judge is not None:
        changed.append(f"verifier.judge.endpoint.base_url={judge.url}")
    if recipe.verifier.taxonomy is not None:
        verifier = {"taxonomy": str(tiny_world / "taxonomy.csv"), "root": "organism", "text": recipe.verifier.text}
        changed.append(f"verifier={json.dumps(verifier)}")
    if recipe.verifier.text is not None:
        changed.append(f"data.path={questions}")
    if recipe.curriculum is not None and recipe.curriculum.coarse_to_fine:
        changed.append("curriculum.coarse_to_fine={genus: 1}")
    if recipe.dynamic_sampling is not None:
        changed.append("dynamic_sampling.max_rounds=2")
    final = run_grpo(load_config(GrpoConfig, path, changed))
    assert steps(tmp_path / "run") == [1, 2]
    assert final.is_dir() and any(final.glob("*.safetensors"))


@pytest.mark.parametrize("name", names("sft"))
def test_sft(name: str, tiny_world: Path, tmp_path: Path) -> None:
    path = CONFIGS / "sft" / f"{name}.yaml"
    changed = [
        *SMALL,
        *(f"model.path={BASE}", "model.dtype=float32", "model.max_pixels=null", "run.warmup_steps=1"),
        *(f"data.path={tiny_world / 'sft.jsonl'}", "batch_size=4", "pictures_per_device=2", "run.log_every=1"),
        f"run.output_dir={tmp_path / 'run'}",
    ]
    final = run_sft(load_config(SftTrainConfig, path, changed))
    assert steps(tmp_path / "run") == [1, 2]
    assert final.is_dir() and any(final.glob("*.safetensors"))

"""`rlfg plan`: numbers a reader computes by hand, and every refusal with its fix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from rlfg.config import build_config
from rlfg.data import load_prompt, user_message
from rlfg.errors import RlfgError
from rlfg.models.load import ModelSpec, load_model, load_processor
from rlfg.models.prompts import encode_prompt
from rlfg.models.skeleton import load_skeleton
from rlfg.models.tiny import tiny_model, tiny_processor, tiny_tokenizer
from rlfg.training import savings
from rlfg.training.budget import check_rows
from rlfg.training.config import GrpoConfig
from rlfg.training.plan import Plan, plan

PICTURE = 9
"""84 × 84 pixels, 28 × 28 a token."""


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2.5-VL of two layers: hidden 64, key/value 32, MLP 192."""
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = tiny_tokenizer(["What is this? a red bird with a crest"])
    torch.manual_seed(0)
    tiny_model(tokenizer, hidden=64, layers=2).save_pretrained(folder)
    tiny_processor(tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    lines = [json.dumps({"image": f"{i}.png", "label": "robin"}) for i in range(10)]
    path.write_text("\n".join(lines) + "\n")
    return path


def config(model: Path | str, data: Path | str = "nowhere.jsonl", **changes: Any) -> GrpoConfig:
    """4 pictures × 6 answers in 2 steps, as a YAML file would say it."""
    values: dict[str, Any] = {
        "model": {"path": str(model), "dtype": "float32", "lora": {"r": 4, "alpha": 4}},
        "data": {"path": str(data)},
        "verifier": {"taxonomy": "nowhere.csv"},
        "prompt": "short",
        "sampling": {"max_new_tokens": 20},
        "prompts_per_step": 4,
        "group_size": 6,
        "optimizer_steps_per_rollout": 2,
        "max_tokens_per_microbatch": 1000,
        "run": {"output_dir": "runs/x", "epochs": 3, "use_cpu": True},
    }
    for name, value in changes.items():
        section, _, key = name.partition("__")
        if key:
            values[section] = {**values.get(section, {}), key: value}
        else:
            values[section] = value
    return build_config(GrpoConfig, values, "test.yaml")


def test_counts_are_those_computed_by_hand(model_folder: Path, manifest: Path) -> None:
    found = plan(config(model_folder, manifest), processes=1)
    # Rank 4: q and o 4·(64+64), k and v 4·(64+32), gate, up and down 4·(64+192); two layers.
    trained = sum(p.numel() for p in found.skeleton.model.parameters() if p.requires_grad)
    assert trained == 2 * (2 * 512 + 2 * 384 + 3 * 1024)
    assert len(found.skeleton.targets) == 2 * 7
    assert found.rows == 24
    assert found.pictures == 10
    assert found.steps_per_epoch == (10 // 4) * 2
    assert found.steps == 3 * 4
    # 12 rows of 20 tokens fit one micro-batch: two groups, two prompts.
    assert found.microbatches == 1
    assert found.prompt_runs == (2, 12)


def test_no_weight_is_read(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((model_folder / "config.json").read_bytes())
    found = plan(config(tmp_path, model__max_pixels=84 * 84), processes=1)
    assert {p.device.type for p in found.skeleton.model.parameters()} == {"meta"}
    assert not found.prompt.counted
    assert "estimated: no tokenizer at hand" in str(found)


def test_prompt_tokens_are_those_of_the_processor(model_folder: Path) -> None:
    from PIL import Image

    settings = config(model_folder)
    message = user_message(load_prompt("short"))
    encoded = encode_prompt(load_processor(settings.model), [message], [Image.new("RGB", (84, 84))])
    budget = plan(settings, processes=1).prompt
    assert budget.picture == PICTURE
    assert budget.total == len(encoded)


def test_the_longest_question_counts(model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    question = "which bird is this? " * 30
    path.write_text(
        json.dumps({"image": "a.png", "label": "robin"})
        + "\n"
        + json.dumps({"image": "b.png", "label": "robin", "question": question})
        + "\n"
    )
    short = plan(config(model_folder), processes=1)
    long = plan(config(model_folder, path, prompts_per_step=2), processes=1)
    assert long.prompt.text > short.prompt.text + 100


def test_a_smaller_picture_budget_means_fewer_tokens(model_folder: Path) -> None:
    assert plan(config(model_folder, model__max_pixels=4 * 28 * 28), processes=1).prompt.picture == 4


@pytest.mark.parametrize(("processes", "rows", "text"), [(1, 24, "4 groups (whole)"), (3, 8, "1.33333 groups (split")])
def test_groups_a_process(model_folder: Path, processes: int, rows: int, text: str) -> None:
    settings = config(model_folder, optimizer_steps_per_rollout=1, run__save_every=50)
    found = plan(settings, processes=processes)
    assert found.rows == rows
    assert text in str(found)


def test_indivisible_batches_are_refused(model_folder: Path) -> None:
    with pytest.raises(RlfgError, match="24 rows cannot be split over 5 processes .* set prompts_per_step to 10"):
        plan(config(model_folder), processes=5)


def test_a_row_larger_than_a_microbatch_is_refused(model_folder: Path) -> None:
    needed = plan(config(model_folder), processes=1).prompt.total + 20
    assert plan(config(model_folder, max_tokens_per_microbatch=needed), processes=1).microbatches > 1
    with pytest.raises(RlfgError, match=f"max_tokens_per_microbatch is {needed - 1}.* set it to at least {needed}"):
        plan(config(model_folder, max_tokens_per_microbatch=needed - 1), processes=1)


def test_the_picture_budget_that_fits_is_named(model_folder: Path) -> None:
    text = plan(config(model_folder), processes=1).prompt.text
    with pytest.raises(RlfgError, match=f"model.max_pixels to at most {3 * 784}$") as caught:
        plan(config(model_folder, max_tokens_per_microbatch=3 + text + 20), processes=1)
    fix = int(str(caught.value).rsplit(" ", 1)[1])
    assert plan(config(model_folder, max_tokens_per_microbatch=3 + text + 20, model__max_pixels=fix), processes=1)


def test_more_tokens_than_positions_are_refused(model_folder: Path) -> None:
    with pytest.raises(RlfgError, match=r"a completion 2,040: .* more than the 2,048 positions"):
        plan(config(model_folder, sampling__max_new_tokens=2040, max_tokens_per_microbatch=9000), processes=1)


def test_the_stage_makes_the_same_checks(model_folder: Path) -> None:
    settings = config(model_folder, max_tokens_per_microbatch=30)
    model, processor = load_model(settings.model), load_processor(settings.model)
    with pytest.raises(RlfgError, match="max_tokens_per_microbatch is 30"):
        check_rows(settings, model.config, processor, [])  # type: ignore[arg-type]


@pytest.mark.parametrize("load", [load_skeleton, load_model])
def test_targets_that_reach_the_vision_tower_are_refused(model_folder: Path, load: Any) -> None:
    lora = {"targets": r".*\.(?:q_proj|qkv|gate_proj)"}
    settings = config(model_folder, model__lora=lora)
    message = (
        r"also matches the vision tower \(4 modules: \S*visual\S*\.attn\.qkv, \S*visual\S*, …\).*freeze_vision: false"
    )
    with pytest.raises(RlfgError, match=message):
        load(settings.model)
    load(config(model_folder, model__lora=lora, model__freeze_vision=False).model)


@pytest.mark.parametrize("load", [load_skeleton, load_model])
def test_targets_that_match_nothing_are_refused(model_folder: Path, load: Any) -> None:
    with pytest.raises(RlfgError, match=r"'query' matches no layer .* leave `targets` out"):
        load(config(model_folder, model__lora={"targets": "query"}).model)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__lora": None, "objective": {"kl_coef": 0.1}}, "kl_coef needs an adapter"),
        ({"run__eval_every": 50}, "eval_every is set but the config has no `eval`"),
        (
            {"verifier": {"text": "letter"}, "reward": {"terms": [{"name": "lineage", "weight": 0.1}]}},
            "the term lineage reads ranks by a taxonomy",
        ),
        (
            {"dynamic_sampling": {}, "objective": {"advantage_scale": "batch"}},
            "advantage_scale is batch: .* set it to group or none",
        ),
        (
            {"curriculum": {"by": "depth"}, "verifier": {"text": "letter"}},
            "add verifier.taxonomy, or leave curriculum out",
        ),
        (
            {"curriculum": {"by": "depth"}, "verifier": {"text": "letter", "taxonomy": "t.csv"}},
            "closed questions have none; leave verifier.text out",
        ),
        (
            {"curriculum": {"coarse_to_fine": {"family": 9}}, "run": {"output_dir": "x", "steps": 9}},
            "lasts 9 steps and the run 9",
        ),
        ({"dynamic_sampling": {"max_rounds": 1}}, "give 2 or more"),
        ({"prompts_per_step": 0}, "prompts_per_step is 0; at least 1 is needed"),
        ({"optimizer_steps_per_rollout": 0}, "optimizer_steps_per_rollout is 0; at least 1"),
        ({"run": {"output_dir": "x", "steps": 0}}, "run.steps is 0; it must be above 0"),
        ({"run": {"output_dir": "x", "steps": 9, "save_every": 0}}, "run.save_every is 0; it must be above 0"),
        ({"dynamic_sampling": {}, "prompts_per_step": 5}, r"must be a multiple of optimizer_steps_per_rollout \(2\)"),
    ],
)
def test_what_cannot_work_is_refused_when_read(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        config("anywhere", **changes)


def test_more_pictures_a_step_than_there_are(model_folder: Path, manifest: Path) -> None:
    with pytest.raises(RlfgError, match="prompts_per_step is 12 but .* has 10 pictures"):
        plan(config(model_folder, manifest, prompts_per_step=12), processes=1)


def test_without_the_data_steps_are_unknown(model_folder: Path) -> None:
    found = plan(config(model_folder), processes=1)
    assert found.steps is None
    assert "3 epochs; steps an epoch unknown: nowhere.jsonl is not there" in str(found)


def test_labels_are_those_that_the_run_would_refuse(model_folder: Path, manifest: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree.csv"
    known = {"verifier": {"taxonomy": str(tree)}}
    assert line(plan(config(model_folder, manifest), processes=1), "labels").endswith("nowhere.csv is not there")
    tree.write_text("family,species\nMuscicapidae,robin\n")
    found = plan(config(model_folder, manifest, **known, eval={"path": "gone.jsonl"}), processes=1)
    assert line(found, "labels").endswith(f"all in {tree}: 1 of {manifest}, gone.jsonl is not there")
    with pytest.raises(RlfgError, match='there is no profile "exakt"'):
        plan(config(model_folder, manifest, verifier={"taxonomy": str(tree), "profile": "exakt"}), processes=1)
    tree.write_text("family,species\nMuscicapidae,wren\n")
    with pytest.raises(RlfgError, match=r'train.jsonl:1: .*tree.csv: label "robin" is not in the taxonomy'):
        plan(config(model_folder, manifest, **known), processes=1)


def line(found: Plan, name: str) -> str:
    return next(text for text in str(found).splitlines() if text.startswith(name))


def test_savings_say_why_they_do_not_apply(model_folder: Path) -> None:
    on = plan(config(model_folder), processes=1)
    kl = plan(config(model_folder, objective={"kl_coef": 0.01}), processes=1)
    plain = plan(config(model_folder, shared_prefix=False, drop_zero_advantage=False), processes=1)
    assert "dropped: groups" in line(on, "zero advantage")
    assert "not dropped: objective.kl_coef 0.01" in line(kl, "zero advantage")
    assert "drop_zero_advantage: false" in line(plain, "zero advantage")
    assert "2 to 2 prompt runs a step instead of 12 (6.0 to 6.0 times" in line(on, "shared prefix")
    assert "off: 12 prompt runs" in line(plain, "shared prefix")


def test_answers_without_thoughts_are_said(model_folder: Path) -> None:
    assert line(plan(config(model_folder), processes=1), "completion").endswith("up to 20 tokens")
    alone = plan(config(model_folder, parse_mode="answer"), processes=1)
    assert line(alone, "completion").endswith("up to 20 tokens, an answer span without thoughts")


@pytest.mark.parametrize("text", [None, "letter"])
def test_open_questions_are_not_paid_by_letters(model_folder: Path, manifest: Path, text: str | None) -> None:
    settings = config(model_folder, manifest, verifier__text=text, reward={"name": "mcq_letter"})
    with pytest.raises(
        RlfgError, match=r"train\.jsonl:1: reward mcq_letter pays closed answers .* the label is 'robin'"
    ):
        plan(settings, processes=1)
    both = config(model_folder, manifest, verifier__text=text, reward={"name": "binary"})
    assert plan(both, processes=1)


def test_the_curriculum_is_told(model_folder: Path, manifest: Path) -> None:
    """Twelve steps in all, of pictures that are one class."""
    off = plan(config(model_folder, manifest), processes=1)
    assert line(off, "curriculum").split(maxsplit=1)[1].startswith("off")
    spec = {"coarse_to_fine": {"order": 5, "family": 11}}
    unknown = plan(config(model_folder, manifest, curriculum=spec), processes=1)
    assert line(unknown, "curriculum").endswith("truths: order until step 5, then family until step 11, then labels")
    tree = manifest.with_name("birds.csv")
    tree.write_text("order,family,species,species_common\nPasseriformes,Turdidae,Turdus migratorius,robin\n")
    known = plan(config(model_folder, manifest, curriculum=spec, verifier={"taxonomy": str(tree)}), processes=1)
    assert "order until step 5 (1 of them), then family" in line(known, "curriculum")
    with pytest.raises(RlfgError, match="lasts 12 steps and the run 12: no truth would ever be whole"):
        plan(config(model_folder, manifest, curriculum={"coarse_to_fine": {"family": 12}}), processes=1)
    with pytest.raises(RlfgError, match=r"has no rank 'genus'; its ranks are order, family, species"):
        genus = {"coarse_to_fine": {"genus": 5}}
        plan(config(model_folder, manifest, curriculum=genus, verifier={"taxonomy": str(tree)}), processes=1)


def test_vision_passes_are_those_that_the_run_makes(model_folder: Path) -> None:
    """Two optimizer steps a rollout: the second one's rows are off-policy."""
    two = plan(config(model_folder), processes=1)
    one = plan(config(model_folder, optimizer_steps_per_rollout=1), processes=1)
    kl = plan(config(model_folder, objective={"kl_coef": 0.01}), processes=1)
    off = plan(config(model_folder, encode_pictures_once=False), processes=1)
    trained = plan(config(model_folder, model__lora=None, model__freeze_vision=False), processes=1)
    once = "on: 1 vision pass a picture and rollout instead of at least 2 (rollouts, update)"
    assert line(one, "pictures").endswith(once)
    assert "instead of at least 2 (rollouts, update), 3 from the second optimizer step on (old" in line(two, "pictures")
    assert "instead of at least 3 (rollouts, KL reference, update), 4 from" in line(kl, "pictures")
    assert "off: vision passes a picture at least 2" in line(off, "pictures")
    assert "not possible: the vision tower is trained" in line(trained, "pictures")
    assert "no pass: one optimizer step a rollout is on-policy" in line(one, "old log-probs")
    assert "one pass for step 2 of a rollout; step 1 is on-policy" in line(two, "old log-probs")


def test_the_plan_says_what_kept_pictures_take(model_folder: Path, manifest: Path) -> None:
    found = plan(config(model_folder, manifest, picture_cache="kept"), processes=1)
    wide = found.skeleton.model.config.get_text_config().hidden_size
    size = savings.size(10 * found.prompt.picture * wide * 4)
    assert f"kept in kept, up to {size}; instead of" in line(found, "pictures")


def test_the_plan_says_whether_rollouts_merge_the_adapter(model_folder: Path) -> None:
    found = {
        name: line(plan(config(model_folder, **options), processes=1), "rollout adapter")
        for name, options in {
            "on": {"model__dtype": "float32"},
            "half": {"model__dtype": "bfloat16"},
            "cast": {"model__dtype": "float32", "run__bf16": True},
            "off": {"merge_for_rollouts": False},
        }.items()
    }
    assert "merged into a copy" in found["on"] and "three matrix products" in found["off"]
    assert "not merged" in found["half"] and "not merged" in found["cast"]


def test_what_moves_and_what_is_drawn_again(model_folder: Path, manifest: Path) -> None:
    off = plan(config(model_folder, manifest, rebalance=False), processes=2)
    on = plan(config(model_folder, manifest, dynamic_sampling={"max_rounds": 2}), processes=2)
    long = plan(config(model_folder, manifest, dynamic_sampling={}), processes=1)
    all_shown = plan(config(model_folder, manifest, dynamic_sampling={}, prompts_per_step=10), processes=1)
    assert "off: every process" in line(off, "rebalance") and "off: groups" in line(off, "dynamic samples")
    assert "on: groups go" in line(on, "rebalance") and "one process" in line(long, "rebalance")
    assert "up to 2 rounds a step, 4 to 8 pictures answered; 4 are trained on" in line(on, "dynamic samples")
    assert "up to 3 rounds a step, 4 to 10 pictures" in line(long, "dynamic samples")
    assert "nothing to draw from: a step shows 10 of 10 pictures" in line(all_shown, "dynamic samples")


def test_checkpointing_says_what_it_would_save(model_folder: Path) -> None:
    off = plan(config(model_folder), processes=1)
    on = plan(config(model_folder, run__gradient_checkpointing=True), processes=1)
    assert on.memory.activations < off.memory.activations
    kept, replayed = savings.size(off.memory.activations), savings.size(on.memory.activations)
    assert f"off: activations {kept}; run.gradient_checkpointing would keep {replayed}" in line(off, "checkpointing")
    assert f"on: activations {replayed} instead of {kept}" in line(on, "checkpointing")


def test_every_weight_can_be_trained(model_folder: Path) -> None:
    frozen = plan(config(model_folder, model__lora=None), processes=1)
    free = plan(config(model_folder, model__lora=None, model__freeze_vision=False), processes=1)
    assert "no LoRA, vision tower frozen" in str(frozen)
    assert all(p.requires_grad for p in free.skeleton.model.parameters())
    assert free.memory.gradients > frozen.memory.gradients


def test_an_adapter_to_go_on_from(model_folder: Path, tmp_path: Path) -> None:
    load_model(config(model_folder).model).save_pretrained(tmp_path)
    found = load_skeleton(ModelSpec(path=str(model_folder), adapter=str(tmp_path), dtype="float32"))
    assert len(found.targets) == 14
    with pytest.raises(RlfgError, match="no adapter here .* model.adapter=null"):
        load_skeleton(ModelSpec(path=str(model_folder), adapter="runs/nothing/final"))


@pytest.mark.parametrize(
    ("name", "parameters", "modules"),
    [
        # Parameters as published with the weights.
        ("Qwen/Qwen2.5-VL-3B-Instruct", 3_754_622_976, 36 * 7),
        ("Qwen/Qwen2.5-VL-7B-Instruct", 8_292_166_656, 28 * 7),
        ("Qwen/Qwen3-VL-8B-Instruct", 8_767_123_696, 36 * 7),
    ],
)
def test_shipped_architectures_have_the_published_size(name: str, parameters: int, modules: int) -> None:
    settings = config(name, model__lora={}, model__dtype="bfloat16")
    found = load_skeleton(settings.model)
    base = [p.numel() for n, p in found.model.named_parameters() if "lora_" not in n]
    assert sum(base) == parameters
    assert len(found.targets) == modules


def test_a_model_that_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        RlfgError, match=r"runs/demo/sft/final: no folder .* known without the hub: Qwen/Qwen2\.5-VL-3B"
    ):
        load_skeleton(ModelSpec(path="runs/demo/sft/final"))

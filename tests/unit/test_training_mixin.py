"""Lessons beside rollouts: their loss, their draws, and that they leave the rest alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from transformers import AutoProcessor  # noqa: E402
from update_toys import gradient, toy_batch, toy_policy  # noqa: E402

from rlfg.data import DataSpec, Examples, load_examples  # noqa: E402
from rlfg.errors import RlfgError  # noqa: E402
from rlfg.models.prefix import language_model  # noqa: E402
from rlfg.models.prompts import collate  # noqa: E402
from rlfg.training.microbatch import TrainRow  # noqa: E402
from rlfg.training.mixin import Lessons, SftMix, read_lessons, shown_by  # noqa: E402
from rlfg.training.objectives import Objective  # noqa: E402
from rlfg.training.tapo import TapoSpec  # noqa: E402


@pytest.fixture(scope="module")
def taught(tiny_world: Path) -> Examples:
    return load_examples(DataSpec(path=str(tiny_world / "sft.jsonl")))


def lessons(examples: Examples, tokenizer: Any, **options: Any) -> Lessons:
    form = options.pop("form", "think")
    return read_lessons(SftMix(data=DataSpec(path="sft.jsonl"), **options), examples, tokenizer, form=form, seed=5)


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Any:
    return AutoProcessor.from_pretrained(tiny_model).tokenizer


def test_a_target_is_that_of_the_sft_stage(taught: Examples, tokenizer: Any) -> None:
    found = lessons(taught, tokenizer, pictures_per_step=2)
    text = tokenizer.decode(found.targets[0])
    assert text == f"<think>{taught[0].rationale}</think><answer>{taught[0].label}</answer>{tokenizer.eos_token}"
    with pytest.raises(RlfgError, match="fewer than the 999"):
        lessons(taught, tokenizer, pictures_per_step=999)
    bare = replace(taught, items=(replace(taught[0], rationale=None), *taught.items[1:]))
    with pytest.raises(RlfgError, match=r"sft.jsonl:1: sft_mix needs a `rationale`"):
        lessons(bare, tokenizer)
    found = lessons(bare, tokenizer, form="answer", pictures_per_step=2)
    assert tokenizer.decode(found.targets[0]) == f"<answer>{taught[0].label}</answer>{tokenizer.eos_token}"


def test_processes_share_the_lessons_of_a_step(taught: Examples, tokenizer: Any) -> None:
    found = lessons(taught, tokenizer, pictures_per_step=5, coef=0.3)
    whole = found.at(7, rank=0, world=1)
    parts = [row for rank in range(3) for row in found.at(7, rank=rank, world=3)]
    assert len(whole) == 5 and {r.prompt_key for r in parts} == {r.prompt_key for r in whole}
    assert sum(r.weight * len(r.token_ids) for r in parts) == pytest.approx(0.3), "the mean of the step's tokens"
    assert [r.token_ids for r in whole] == [found.targets[shown_by(r.prompt_key).index] for r in whole]
    assert found.at(7, rank=0, world=1) == whole != found.at(8, rank=0, world=1)


@pytest.mark.parametrize("tapo", [TapoSpec(positives=0, divergence_coef=0.0), TapoSpec()], ids=["plain", "tapo"])
def test_their_gradient_is_that_of_the_cross_entropy(tiny_model: Path, tapo: TapoSpec) -> None:
    """Computed by the model's own forward and loss; and it adds to that of the rollouts."""
    policy, batch = toy_policy(tiny_model), toy_batch(tiny_model)
    target = (60, 61, 62, 63)
    row = TrainRow(prompt_key="1", token_ids=target, advantage=0.0, weight=0.5 / len(target), lesson=True)
    contrast = {"negative_key": "2"} if tapo.contrasts else {}
    rows = [replace(r, diverges=True, **contrast) for r in batch.rows]
    options: dict[str, Any] = {"tapo": tapo, "objective": Objective(entropy_coef=0.01)}
    _, before, without = gradient(policy, replace(batch, rows=rows), **options)
    _, after, both = gradient(policy, replace(batch, rows=[*rows, replace(row, **contrast)]), **options)

    inputs = collate([batch.prompts["1"]], pad_id=0, device=torch.device("cpu"))
    lm, said = language_model(policy), torch.tensor([target])
    ids = torch.cat([inputs["input_ids"], said], dim=1)
    labels = torch.cat([torch.full_like(inputs["input_ids"], -100), said], dim=1)
    inputs["mm_token_type_ids"] = torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(said)], dim=1)
    policy.zero_grad()
    loss = lm(**{**inputs, "input_ids": ids, "attention_mask": torch.ones_like(ids)}, labels=labels).loss
    (0.5 * loss).backward()
    expected = torch.cat([p.grad.flatten() for p in policy.parameters() if p.grad is not None])
    assert (both - without - expected).abs().max() <= 1e-5 * expected.abs().max()
    assert after["lesson_loss"] == pytest.approx(float(loss.detach()), rel=1e-5)
    assert after == pytest.approx({**before, "lesson_loss": after["lesson_loss"]}, rel=1e-5)


def test_lessons_are_run_where_no_rollout_carries_gradient(tiny_model: Path) -> None:
    policy, batch = toy_policy(tiny_model), toy_batch(tiny_model)
    row = TrainRow(prompt_key="1", token_ids=(60, 61), advantage=0.0, weight=0.25, lesson=True)
    still = [replace(r, advantage=0.0) for r in batch.rows]
    _, metrics, found = gradient(policy, replace(batch, rows=[*still, row]), Objective())
    assert metrics["tokens_trained_share"] == 0 and found.abs().max() > 0

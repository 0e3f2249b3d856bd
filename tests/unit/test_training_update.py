"""The objective over an optimizer step: by hand, and whatever the micro-batching."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from accelerate import Accelerator  # noqa: E402
from update_toys import gradient, toy_batch, toy_policy  # noqa: E402

from rewards.advantages import group_advantages  # noqa: E402
from rewards.scoring import Scored  # noqa: E402
from rlfg.errors import RlfgError  # noqa: E402
from rlfg.models.load import LoraSpec, ModelSpec, add_reference, load_model  # noqa: E402
from rlfg.models.prompts import EncodedPrompt  # noqa: E402
from rlfg.training.balance import Drawn  # noqa: E402
from rlfg.training.microbatch import TrainRow, pack  # noqa: E402
from rlfg.training.objectives import Objective, row_weights, token_losses  # noqa: E402
from rlfg.training.update import StepBatch, Updater, reference_policy, step_batches  # noqa: E402
from rlfg.types import Rollout, Score, Verdict  # noqa: E402


def losses(objective: Objective, logp: float, old: float, advantage: float, reference: float | None = None) -> float:
    def tensor(value: float) -> Any:
        return torch.tensor([[value]])

    loss, _ = token_losses(
        objective,
        logps_RL=tensor(logp),
        old_logps_RL=tensor(old),
        reference_logps_RL=None if reference is None else tensor(reference),
        entropy_RL=tensor(2.0),
        advantages_R=torch.tensor([advantage]),
        mask_RL=torch.ones(1, 1),
    )
    return float(loss)


def test_the_ratio_is_clipped_against_the_advantage() -> None:
    objective = Objective(clip_low=0.2, clip_high=0.28)
    assert losses(objective, -1.0, -1.0, 2.0) == pytest.approx(-2.0)
    assert losses(objective, -1.0, -2.0, 1.0) == pytest.approx(-1.28)  # ratio e, clipped above
    assert losses(objective, -1.0, -2.0, -1.0) == pytest.approx(math.e)  # a worse action is not protected
    assert losses(objective, -2.0, -1.0, -1.0) == pytest.approx(0.8)  # ratio 1/e, clipped below


def test_kl_and_entropy_terms() -> None:
    gap = -0.5  # log-probability under the reference minus that under the policy
    k3 = math.exp(gap) - gap - 1
    assert losses(Objective(kl_coef=0.1), -1.0, -1.0, 0.0, reference=-1.5) == pytest.approx(0.1 * k3)
    assert losses(Objective(entropy_coef=0.03), -1.0, -1.0, 0.0) == pytest.approx(-0.06)


def test_estimators_of_the_kl() -> None:
    for name, value in {"k1": 0.5, "k2": 0.125, "k3": math.exp(-0.5) + 0.5 - 1}.items():
        objective = Objective(kl_coef=1.0, kl_estimator=name)  # type: ignore[arg-type]
        assert losses(objective, -1.0, -1.0, 0.0, reference=-1.5) == pytest.approx(value)


@pytest.mark.parametrize(
    ("estimator", "corrected", "same"),
    [("k1", False, False), ("k2", False, True), ("k3", False, False), ("k1", True, True), ("k3", True, True)],
)
def test_which_estimators_have_the_gradient_of_the_kl(estimator: Any, corrected: bool, same: bool) -> None:
    """In expectation: summed over all words by their probability, under the policy that sampled them."""
    words = torch.tensor([[0.3, -1.0, 0.8, 0.1]], dtype=torch.float64, requires_grad=True)
    reference = torch.tensor([[1.0, 0.2, -0.4, 0.0]], dtype=torch.float64).log_softmax(1)
    logps = words.log_softmax(1)
    loss, _ = token_losses(
        Objective(kl_coef=1.0, kl_estimator=estimator, kl_corrected=corrected), logps_RL=logps, old_logps_RL=None,
        reference_logps_RL=reference, entropy_RL=torch.zeros(1, 4), advantages_R=torch.zeros(1),
        mask_RL=torch.ones(1, 4),
    )  # fmt: skip
    (found,) = torch.autograd.grad((logps.exp().detach() * loss).sum(), words, retain_graph=True)
    (wanted,) = torch.autograd.grad((logps.exp() * (logps - reference)).sum(), words)
    assert torch.allclose(found, wanted, rtol=0, atol=1e-12) == same


def test_cispo_sapo_and_the_dual_clip() -> None:
    """By hand, at a ratio of e; TRL's gradients are compared in test_against_trl."""
    cispo = Objective(surrogate="cispo", clip_high=0.28)
    assert losses(cispo, -1.0, -2.0, 2.0) == pytest.approx(1.28 * 2)  # −1.28 · advantage · log-probability
    assert losses(cispo, -1.0, -2.0, -2.0) == pytest.approx(-1.28 * 2), "whatever the sign"
    sapo = Objective(surrogate="sapo")
    assert losses(sapo, -1.0, -2.0, 1.0) == pytest.approx(-4 / (1 + math.exp(1 - math.e)))
    assert losses(sapo, -1.0, -2.0, -1.0) == pytest.approx(4 / 1.05 / (1 + math.exp(1.05 * (1 - math.e))))
    dual = Objective(dual_clip=2.0)
    assert losses(dual, -1.0, -2.0, -1.0) == pytest.approx(2.0)
    assert losses(dual, -1.0, -2.0, 1.0) == pytest.approx(-1.2), "a better action is not its business"
    for bad in ({"dual_clip": 1.2}, {"dual_clip": 3.0, "surrogate": "cispo"}):
        with pytest.raises(RlfgError, match="dual_clip"):
            Objective(**bad)  # type: ignore[arg-type]


def test_vespo_by_hand() -> None:
    """At a ratio of e: e^(3 − 3e) · e² where the advantage is not negative, else e^(2 − 2e) · e³; at 1: 1."""
    vespo = Objective(surrogate="vespo")
    assert losses(vespo, -1.0, -2.0, 2.0) == pytest.approx(2 * math.exp(3 - 3 * math.e + 2))
    assert losses(vespo, -1.0, -2.0, -2.0) == pytest.approx(-2 * math.exp(2 - 2 * math.e + 3))
    assert losses(vespo, -1.0, -1.0, 2.0) == pytest.approx(2.0)
    logps = torch.tensor([[-1.0, -2.0, -math.inf]], requires_grad=True)
    loss, _ = token_losses(
        vespo, logps_RL=logps, old_logps_RL=torch.tensor([[-1.3, -2.2, -1.0]]), reference_logps_RL=None,
        entropy_RL=torch.zeros(1, 3), advantages_R=torch.tensor([1.0]), mask_RL=torch.tensor([[1.0, 1.0, 0.0]]),
    )  # fmt: skip
    weight = math.exp(3 - 3 * math.exp(0.5) + 2 * 0.5)  # of the completion, whose ratio is e^(0.3 + 0.2)
    assert loss[0, :2].tolist() == pytest.approx([weight, 2 * weight])
    loss[0, :2].sum().backward()
    assert logps.grad is not None and logps.grad[0, :2].tolist() == pytest.approx([-weight, -weight])
    with pytest.raises(RlfgError, match="leave objective.ratio out"):
        Objective(surrogate="vespo", ratio="sequence")


def test_a_completions_ratio_is_the_geometric_mean_of_its_tokens() -> None:
    """What stands in the padding, an infinity too, has no part in it."""
    logps = torch.tensor([[-1.0, -1.0, -math.inf]], requires_grad=True)
    loss, _ = token_losses(
        Objective(ratio="sequence"), logps_RL=logps, old_logps_RL=torch.tensor([[-1.3, -0.9, -1.0]]),
        reference_logps_RL=None, entropy_RL=torch.zeros(1, 3), advantages_R=torch.tensor([1.0]),
        mask_RL=torch.tensor([[1.0, 1.0, 0.0]]),
    )  # fmt: skip
    ratio = math.exp((0.3 - 0.1) / 2)
    assert loss[0, :2].tolist() == pytest.approx([-ratio, -ratio])
    loss[0, :2].mean().backward()
    assert logps.grad is not None and logps.grad[0].tolist() == pytest.approx([-ratio / 2, -ratio / 2, 0.0])


def test_row_weights_of_each_aggregation() -> None:
    options: dict[str, Any] = {"tokens": 10, "rows": 4, "max_length": 8}
    assert row_weights([2, 5], "token_mean", **options) == [0.1, 0.1]
    assert row_weights([2, 5], "sequence_mean", **options) == [1 / 8, 1 / 20]
    assert row_weights([2, 5], "dr_grpo", **options) == [1 / 32, 1 / 32]


def encoded(length: int) -> EncodedPrompt:
    ids = torch.arange(length)
    return EncodedPrompt(input_ids_T=ids, mm_token_type_ids_T=None, pixel_values_ND=None, image_grid_thw_K3=None)


@pytest.mark.parametrize("budget", [1, 30, 60, 1000])
def test_packing_keeps_every_row_and_the_budget(budget: int) -> None:
    prompts = {"a": encoded(10), "b": encoded(4)}
    rows = [
        TrainRow(prompt_key=key, token_ids=tuple(range(n)), advantage=float(i))
        for i, (key, n) in enumerate([("a", 3), ("b", 9), ("a", 5), ("b", 1), ("a", 2)])
    ]
    parts = pack(rows, prompts, max_tokens=budget, shared_prefix=True)
    assert sorted(r.advantage for part in parts for r in part.rows) == [0, 1, 2, 3, 4]
    for part in parts:
        width = max(len(p) for p in part.prompts) * len(part.prompts)
        assert len(part.rows) == 1 or width + len(part.rows) * max(len(r.token_ids) for r in part.rows) <= budget
        for row, prompt in zip(part.rows, part.prompt_of, strict=True):
            assert part.prompts[prompt] is prompts[row.prompt_key]
    if budget == 1000:
        assert len(parts) == 1 and len(parts[0].prompts) == 2


@pytest.fixture(scope="module")
def policy(tiny_model: Path) -> Any:
    return toy_policy(tiny_model)


@pytest.fixture(scope="module")
def batch(tiny_model: Path) -> StepBatch:
    return toy_batch(tiny_model)


@pytest.mark.parametrize("aggregation", ["token_mean", "sequence_mean", "dr_grpo"])
def test_micro_batches_prefixes_and_dropping_change_nothing(policy: Any, batch: StepBatch, aggregation: Any) -> None:
    objective = Objective(aggregation=aggregation)
    loss, metrics, whole = gradient(policy, batch, objective, shared_prefix=False, drop_zero_advantage=False)
    assert metrics["tokens_trained_share"] == 1
    for options in ({"max_tokens": 1}, {"max_tokens": 60}, {"shared_prefix": False, "max_tokens": 50}, {}):
        other_loss, other_metrics, other = gradient(policy, batch, objective, **options)
        assert (other - whole).abs().max() <= 1e-5 * whole.abs().max()
        torch.testing.assert_close(other_loss, loss, rtol=1e-5, atol=1e-6)
        assert other_metrics["tokens_trained_share"] < 1  # rows without advantage were not run


def test_the_loss_is_that_of_the_formula(policy: Any, batch: StepBatch) -> None:
    """On-policy the ratio is 1: the loss is minus the mean advantage over tokens."""
    loss, _, _ = gradient(policy, batch, Objective())
    expected = -sum(r.advantage * len(r.token_ids) for r in batch.rows) / batch.total_tokens
    assert float(loss) == pytest.approx(expected, abs=1e-6)


def test_nothing_to_learn_gives_a_zero_gradient(policy: Any, batch: StepBatch) -> None:
    rows = [r for r in batch.rows if r.advantage == 0]
    empty = StepBatch(rows=rows, prompts=batch.prompts, total_rows=2, total_tokens=20)
    loss, _, found = gradient(policy, empty, Objective())
    assert float(loss) == 0 and found.abs().max() == 0


def test_an_entropy_or_kl_term_keeps_every_row(policy: Any, batch: StepBatch) -> None:
    for objective in (Objective(entropy_coef=0.1), Objective(kl_coef=0.1)):
        _, metrics, _ = gradient(policy, batch, objective)
        assert metrics["tokens_trained_share"] == 1
    assert metrics["kl"] > 0


def test_the_reference_is_the_adapter_the_stage_started_from(tiny_model: Path, batch: StepBatch) -> None:
    torch.manual_seed(2)
    model = load_model(ModelSpec(path=str(tiny_model), dtype="float32", lora=LoraSpec(r=2, alpha=4)), trainable=True)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.05)
    add_reference(model)
    _, metrics, _ = gradient(model, batch, Objective(kl_coef=0.1))
    assert metrics["kl"] == pytest.approx(0, abs=1e-9)
    trained = [n for n, p in model.named_parameters() if p.requires_grad]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B.default" in name:
                parameter.add_(0.2)
    _, metrics, _ = gradient(model, batch, Objective(kl_coef=0.1))
    assert metrics["kl"] > 1e-6
    with reference_policy(model):
        pass
    assert [n for n, p in model.named_parameters() if p.requires_grad] == trained
    assert not [n for n in trained if ".reference." in n]


def test_old_log_probabilities_are_those_of_the_policy(policy: Any, batch: StepBatch) -> None:
    updater = Updater(
        accelerator=Accelerator(cpu=True), objective=Objective(), pad_id=0, temperature=1.0, max_tokens=60,
        max_length=16, shared_prefix=True, drop_zero_advantage=True,
    )  # fmt: skip
    fixed = updater.with_old_logps(policy, batch)
    assert [len(r.old_logps or ()) for r in fixed.rows] == [len(r.token_ids) for r in batch.rows]
    _, _, on_policy = gradient(policy, batch, Objective())
    _, metrics, off_policy = gradient(policy, fixed, Objective())
    torch.testing.assert_close(off_policy, on_policy, rtol=1e-4, atol=1e-6)
    assert metrics["clip_share"] == 0


@pytest.mark.parametrize("aggregation", ["token_mean", "sequence_mean", "dr_grpo"])
def test_a_rollout_without_a_verdict_weighs_on_nothing(policy: Any, batch: StepBatch, aggregation: Any) -> None:
    """Advantages, loss, KL, entropy and normaliser, and with them the gradient, are those of a step without it."""

    def scored(rewards: list[float | None]) -> list[Scored]:
        advantages = group_advantages(rewards, group_ids=[row.prompt_key for row in rows])
        return [
            Scored(
                rollout=Rollout(
                    step=0, group_id=row.prompt_key, prompt_key=row.prompt_key, index=i, truth="", completion="",
                    token_ids=row.token_ids,
                ),
                verdict=Verdict(relation=None), score=Score(reward=reward, verdict=Verdict(relation=None)),
                advantage=float(advantages.values[i]), valid=bool(advantages.valid[i]),
            )
            for i, (row, reward) in enumerate(zip(rows, rewards, strict=True))
        ]  # fmt: skip

    long = TrainRow(prompt_key="0", token_ids=tuple(range(30, 60)), advantage=0.0)
    rows = [batch.rows[0], long, *batch.rows[1:], long]
    masked = scored([1.0, None, 0.25, 0.5, 0.0, 1.0, 0.0, None])
    del rows[1], rows[-1]
    without = scored([1.0, 0.25, 0.5, 0.0, 1.0, 0.0])
    objective = Objective(aggregation=aggregation, kl_coef=0.1, entropy_coef=0.05)
    found = []
    for everyone in (masked, without):
        drawn = [Drawn(scored=one, home=0, prompt_tokens=9) for one in everyone]
        (step,), _ = step_batches(
            drawn, steps=1, rank=0, world=1, rebalance=False, trains_on=lambda _: True,
            prompts_of=lambda _: batch.prompts,
        )  # fmt: skip
        assert (step.total_rows, step.total_tokens) == (6, sum(len(row.token_ids) for row in rows))
        found.append(gradient(policy, step, objective))
    (loss, metrics, whole), (other_loss, other_metrics, other) = found
    assert torch.equal(loss, other_loss) and torch.equal(whole, other) and metrics == other_metrics


@pytest.mark.parametrize(("mask", "kept", "tokens"), [(False, [1, 2, 3, 4], 10), (True, [1, 3], 4)])
def test_answers_cut_at_the_limit_are_left_out_where_asked(mask: bool, kept: list[int], tokens: int) -> None:
    """Of the rows, and of both counts; the others keep the advantages that they have beside them."""
    verdict = Verdict(relation=None)
    drawn = [
        Drawn(
            scored=Scored(
                rollout=Rollout(
                    step=0, group_id="0", prompt_key="0", index=i, truth="", completion="", token_ids=(5,) * (i + 1),
                    finish_reason="length" if i % 2 else "stop",
                ),
                verdict=verdict, score=Score(reward=0.0, verdict=verdict), advantage=float(i), valid=True,
            ),
            home=0, prompt_tokens=9,
        )
        for i in range(4)
    ]  # fmt: skip
    (step,), _ = step_batches(
        drawn, steps=1, rank=0, world=1, rebalance=False, trains_on=lambda _: True, prompts_of=lambda _: {},
        mask_truncated=mask,
    )  # fmt: skip
    assert [len(row.token_ids) for row in step.rows] == kept
    assert [row.advantage for row in step.rows] == [n - 1 for n in kept]
    assert (step.total_rows, step.total_tokens) == (len(kept), tokens)


def test_steps_and_processes_share_the_rollouts() -> None:
    """Two processes, two steps: each step has its slice of both, and counts what is valid in both."""
    everyone = [
        Scored(
            rollout=Rollout(
                step=0, group_id=str(i // 4), prompt_key=str(i), index=i % 4, truth="", completion="",
                token_ids=tuple(range(i + 1)),
            ),
            verdict=Verdict(relation=None), score=Score(reward=None, verdict=Verdict(relation=None)),
            advantage=0.0, valid=i != 5,
        )
        for i in range(8)
    ]  # fmt: skip
    drawn = [Drawn(scored=one, home=i // 4, prompt_tokens=9) for i, one in enumerate(everyone)]
    options: dict[str, Any] = {"steps": 2, "world": 2, "trains_on": lambda _: True, "prompts_of": lambda _: {}}
    first, second = (step_batches(drawn, rank=rank, rebalance=False, **options)[0] for rank in (0, 1))
    assert [[row.prompt_key for row in batch.rows] for batch in first] == [["0", "1"], ["2", "3"]]
    assert [[row.prompt_key for row in batch.rows] for batch in second] == [["4"], ["6", "7"]]
    for batches in (first, second):
        assert [batch.total_rows for batch in batches] == [3, 4]
        assert [batch.total_tokens for batch in batches] == [1 + 2 + 5, 3 + 4 + 7 + 8]

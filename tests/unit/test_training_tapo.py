"""TAPO by hand, by finite differences, and against the plain objective that it must be without triplets."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from update_toys import gradient, toy_batch, toy_policy  # noqa: E402

from rewards.scoring import Scored  # noqa: E402
from rlfg.data import DataSpec, Shown, check_images, load_examples  # noqa: E402
from rlfg.errors import RlfgError  # noqa: E402
from rlfg.training.balance import Drawn  # noqa: E402
from rlfg.training.microbatch import pack  # noqa: E402
from rlfg.training.objectives import Objective  # noqa: E402
from rlfg.training.tapo import PLAIN, TapoSpec, contrast_losses  # noqa: E402
from rlfg.training.update import StepBatch, step_batches  # noqa: E402
from rlfg.types import Relation, Rollout, Score, Verdict  # noqa: E402


def loss_of(spec: TapoSpec, logp: Any, negative: Any, entropy: float = 2.0, diverges: float = 1.0) -> tuple[float, Any]:
    logps, negatives = (torch.tensor([[x]], requires_grad=True) for x in (logp, negative))
    loss, logs = contrast_losses(
        spec, logps_RL=logps, negative_logps_RL=negatives, negative_entropy_RL=torch.tensor([[entropy]]),
        contrast_R=torch.tensor([diverges]),
    )  # fmt: skip
    loss.sum().backward()
    return float(loss.detach()), (float(logps.grad or 0), float(negatives.grad or 0), float(logs["divergence"]))


def test_the_divergence_by_hand() -> None:
    """With d = −0.5: e^d − d − 1 one way, d·e^d − e^d + 1 the other."""
    e = math.exp(-0.5)
    loss, (grad, negative_grad, logged) = loss_of(TapoSpec(divergence_coef=0.1), -1.0, -1.5)
    assert loss == pytest.approx(-0.1 * (e + 0.5 - 1)) and logged == pytest.approx(e - 0.5)
    assert grad == pytest.approx(-0.1 * (1 - e)) and negative_grad == 0, "the negative branch is detached"
    loss, (grad, _, _) = loss_of(TapoSpec(divergence_coef=0.1, direction="reverse"), -1.0, -1.5)
    assert loss == pytest.approx(-0.1 * (-1.5 * e + 1)) and grad == pytest.approx(-0.1 * 0.5 * e)
    _, (grad, negative_grad, _) = loss_of(TapoSpec(negative_branch="live"), -1.0, -1.5)
    assert negative_grad == -grad != 0


def test_the_clamps_by_hand() -> None:
    loss, (grad, _, _) = loss_of(TapoSpec(divergence_coef=1.0), -4.0, -1.0)
    assert loss == pytest.approx(-10) and grad == 0, "e³ − 4 = 16.1 counts 10, and trains nothing"
    loss, (grad, _, _) = loss_of(TapoSpec(divergence_coef=1.0, clamp=None), -4.0, -1.0)
    assert loss == pytest.approx(4 - math.exp(3)) and grad == pytest.approx(math.exp(3) - 1)
    far = TapoSpec(divergence_coef=1.0, clamp=None, clamp_log_ratio=20.0)
    loss, (grad, _, _) = loss_of(far, -1.0, -31.0)
    assert loss == pytest.approx(-19) and grad == 0, "e⁻²⁰ + 20 − 1"
    for name in ("clamp", "clamp_log_ratio"):
        with pytest.raises(RlfgError, match=name):
            TapoSpec(**{name: 0.0})


def test_only_rows_that_diverge_do_and_every_row_has_its_entropy() -> None:
    spec = TapoSpec(divergence_coef=1.0, negative_entropy_coef=0.03)
    assert loss_of(spec, -1.0, -2.0, diverges=0.0)[0] == pytest.approx(-0.06)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_the_estimates_are_unbiased(direction: Any) -> None:
    """Summed over all words by their probability they are the divergence itself."""
    p, q = (torch.tensor(x, dtype=torch.float64).softmax(0) for x in ([0.3, -1.0, 0.8, 0.1], [1.0, 0.2, -0.4, 0.0]))
    spec = TapoSpec(divergence_coef=1.0, direction=direction, clamp=None)
    loss, _ = contrast_losses(
        spec, logps_RL=p.log()[None], negative_logps_RL=q.log()[None], negative_entropy_RL=torch.zeros(1, 4),
        contrast_R=torch.ones(1),
    )  # fmt: skip
    first, second = (p, q) if direction == "forward" else (q, p)
    assert float(-(p * loss[0]).sum()) == pytest.approx(float((first * (first / second).log()).sum()))


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("branch", ["live", "detached"])
def test_gradients_by_finite_differences(direction: Any, branch: Any) -> None:
    spec = TapoSpec(divergence_coef=0.7, direction=direction, negative_branch=branch, negative_entropy_coef=0.2)
    generator = torch.Generator().manual_seed(0)
    logps, negatives, entropy = (torch.rand(2, 3, generator=generator, dtype=torch.float64) - 1 for _ in range(3))

    def losses(logps: Any, negatives: Any, entropy: Any) -> Any:
        return contrast_losses(
            spec, logps_RL=logps, negative_logps_RL=negatives, negative_entropy_RL=entropy, contrast_R=torch.ones(2)
        )[0]

    wanted = [x.requires_grad_(need) for x, need in ((logps, True), (negatives, branch == "live"), (entropy, True))]
    assert torch.autograd.gradcheck(losses, wanted)


@pytest.fixture(scope="module")
def policy(tiny_model: Path) -> Any:
    return toy_policy(tiny_model)


@pytest.fixture(scope="module")
def batch(tiny_model: Path) -> StepBatch:
    """Every answer is told apart from the next picture."""
    plain = toy_batch(tiny_model)
    rows = [replace(r, negative_key=str((int(r.prompt_key) + 1) % 3), diverges=True) for r in plain.rows]
    return replace(plain, rows=rows)


def test_the_gradient_of_the_step_by_finite_differences(policy: Any, batch: StepBatch) -> None:
    """Along the gradient, both branches live; without advantages, whose loss has no value to differentiate."""
    spec = TapoSpec(divergence_coef=1.0, negative_branch="live", negative_entropy_coef=0.5, clamp=None)
    still = replace(batch, rows=[replace(r, advantage=0.0) for r in batch.rows])
    objective = Objective(entropy_coef=0.3)
    _, metrics, found = gradient(policy, still, objective, tapo=spec)
    trained = [p for p in policy.parameters() if p.grad is not None]
    way = [p.grad / found.norm() for p in trained]

    def moved(by: float) -> float:
        for p, w in zip(trained, way, strict=True):
            p.data.add_(by * w)
        loss = float(gradient(policy, still, objective, tapo=spec)[0])
        for p, w in zip(trained, way, strict=True):
            p.data.sub_(by * w)
        return loss

    step = 1e-3
    slope = (moved(step) - moved(-step)) / (2 * step)
    assert metrics["divergence"] > 1e-4 and metrics["negative_entropy"] > 0
    assert slope == pytest.approx(float(found.norm()), rel=0.002)


@pytest.mark.parametrize("branch", ["live", "detached"])
def test_micro_batches_and_prefixes_change_nothing(policy: Any, batch: StepBatch, branch: Any) -> None:
    spec = TapoSpec(divergence_coef=1.0, negative_branch=branch, negative_entropy_coef=0.1)
    objective = Objective(entropy_coef=0.1)
    loss, metrics, whole = gradient(policy, batch, objective, tapo=spec, shared_prefix=False)
    assert metrics["tokens_trained_share"] == 1, "a divergence keeps rows without advantage"
    for options in ({"max_tokens": 1}, {"max_tokens": 90}, {"shared_prefix": False, "max_tokens": 70}, {}):
        other_loss, other_metrics, other = gradient(policy, batch, objective, tapo=spec, **options)
        assert (other - whole).abs().max() <= 1e-5 * whole.abs().max()
        torch.testing.assert_close(other_loss, loss, rtol=1e-5, atol=1e-6)
        assert other_metrics == pytest.approx(metrics, rel=1e-4)


def test_without_triplets_it_is_the_plain_objective_to_the_bit(policy: Any, batch: StepBatch) -> None:
    plain = replace(batch, rows=[replace(r, negative_key=None, diverges=False) for r in batch.rows])
    options: dict[str, Any] = {"objective": Objective(clip_high=0.28)}
    loss, metrics, found = gradient(policy, plain, **options)
    off = TapoSpec(positives=0, divergence_coef=0.0)
    for spec in (off, replace(off, conditioning="own", answers="correct", negative_branch="live")):
        assert not spec.contrasts and not spec.pictures
        other_loss, other_metrics, other = gradient(policy, plain, tapo=spec, **options)
        assert torch.equal(loss, other_loss) and torch.equal(found, other) and metrics == other_metrics


def test_the_same_picture_as_negative_diverges_from_nothing_and_gives_the_entropy_bonus(
    policy: Any, batch: StepBatch
) -> None:
    same = replace(batch, rows=[replace(r, negative_key=r.prompt_key) for r in batch.rows])
    spec = TapoSpec(divergence_coef=1.0, negative_entropy_coef=0.2)
    _, metrics, negative = gradient(policy, same, Objective(), tapo=spec)
    assert metrics["divergence"] == pytest.approx(0, abs=1e-9)
    _, _, own = gradient(policy, same, Objective(entropy_coef=0.2))
    assert (own - negative).abs().max() <= 1e-5 * own.abs().max()


def test_packing_counts_the_negatives_too(batch: StepBatch) -> None:
    prompt, longest = len(batch.prompts["2"]), batch.rows[-1]
    two = 2 * (prompt + 2 * len(longest.token_ids))  # both answers to a picture, on it and on the other
    for budget, sizes in ((two, [2, 2, 2]), (two - 1, [1, 1, 2, 2])):
        parts = pack(batch.rows, batch.prompts, max_tokens=budget, shared_prefix=True)
        assert [len(part.rows) for part in parts] == sizes
        assert all(len(part.negatives) == 1 == len(part.prompts) for part in parts)
    whole = pack(batch.rows, batch.prompts, max_tokens=10_000, shared_prefix=True)[0]
    assert len(whole.negatives) == 3 and len(whole.negative_of) == 6
    for row, place in zip(whole.rows, whole.negative_of, strict=True):
        assert whole.negatives[place] is batch.prompts[str(row.negative_key)]


def drawn(key: str, relation: Relation) -> Drawn:
    verdict = Verdict(relation=relation)
    rollout = Rollout(
        step=0, group_id="0-0", prompt_key=key, index=0, truth="", completion="", token_ids=(1, 2)
    )  # fmt: skip
    scored = Scored(
        rollout=rollout, verdict=verdict, score=Score(reward=0.0, verdict=verdict), advantage=1.0, valid=True
    )
    return Drawn(scored=scored, home=0, prompt_tokens=9)


def test_what_answers_are_trained_under_and_told_apart_from() -> None:
    """By the paper under the anchor, whichever was shown; by the released code under what was shown."""
    found = [drawn("4", Relation.WRONG), drawn("4/positive", Relation.MORE_SPECIFIC), drawn("4", Relation.GENERIC)]
    asked: list[set[str]] = []

    def rows(spec: TapoSpec) -> list[tuple[str, str | None, bool]]:
        (step,), _ = step_batches(
            found, steps=1, rank=0, world=1, rebalance=False, trains_on=lambda _: True,
            prompts_of=lambda keys: asked.append(keys) or {}, tapo=spec,  # type: ignore[func-returns-value]
        )  # fmt: skip
        return [(r.prompt_key, r.negative_key, r.diverges) for r in step.rows]

    assert rows(TapoSpec()) == [("4", "4/negative", True)] * 3
    assert asked[-1] == {"4", "4/negative"}
    own = rows(TapoSpec(conditioning="own", answers="correct"))
    assert own == [("4", "4/negative", False), ("4/positive", "4/negative", True), ("4", "4/negative", False)]
    assert rows(PLAIN) == rows(TapoSpec(divergence_coef=0.0)) == [("4", None, True)] * 3


def test_a_group_is_answered_by_both_pictures() -> None:
    spec = TapoSpec(positives=2)
    assert [spec.shown(7, place, 5).key for place in range(5)] == ["7", "7", "7", "7/positive", "7/positive"]
    assert Shown.of("7/positive") == Shown(index=7, picture="positive") and Shown.of("7") == Shown(index=7)


def test_missing_and_unreadable_pictures_are_named(tiny_world: Path, tmp_path: Path) -> None:
    picture = next((tiny_world / "images" / "rl").glob("*.png"))
    torn = tmp_path / "torn.png"
    torn.write_bytes(picture.read_bytes()[:60])
    manifest = tmp_path / "rl.jsonl"
    line = f'{{"image": "{picture}", "label": "x", "positive": "{picture}"'
    manifest.write_text(f'{line}, "negative": "{torn}"}}\n{line}}}\n')
    examples = load_examples(DataSpec(path=str(manifest)))
    TapoSpec(divergence_coef=0.0).require_pictures(examples)
    with pytest.raises(RlfgError, match=r"rl.jsonl:2: no `negative` picture.* 0 more of 2 .*rlfg data triplets"):
        TapoSpec().require_pictures(examples)
    check_images(examples, besides=("positive",))
    with pytest.raises(RlfgError, match=r"(?s)1 pictures cannot be read.*torn.png"):
        check_images(examples.subset([0]), besides=("positive", "negative"))

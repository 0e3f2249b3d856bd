"""One update by TRL's GRPOTrainer and by ours: the same gradient."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from grpo_step import Pair, Point, build_model, difference  # noqa: E402

from rlfg.models.pictures import encode_pictures  # noqa: E402
from rlfg.models.prefix import language_model  # noqa: E402
from rlfg.training.microbatch import TrainRow  # noqa: E402
from rlfg.training.objectives import Objective  # noqa: E402
from rlfg.training.update import StepBatch, reference_policy  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_gradient_is_that_of_trl() -> None:
    """TRL's loss `dapo` has a normaliser over the whole batch, as ours; ragged answers, two pictures."""
    args = argparse.Namespace(model=None, device="cpu", recompute=False, max_tokens=200, dtype="float32")
    model, processor = build_model(args)
    pair = Pair(model, processor, Point(picture=64, group=4, length=24, prompts=2), args)
    pair.run_theirs()
    theirs = pair.gradients()
    encoded = encode_pictures(language_model(model), pair.prompts)
    assert len({len(c) for c in pair.completions}) > 1
    pair.run_ours(encoded)
    ours = pair.gradients()
    assert max(float(g.abs().max()) for g in theirs.values()) > 1e-4
    assert difference(theirs, ours) <= 1e-5


SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "DAPO": ({"clip_high": 0.28}, {"loss_type": "dapo", "epsilon_high": 0.28}),
    "GRPO": ({"aggregation": "sequence_mean"}, {"loss_type": "grpo"}),
    "Dr.GRPO": ({"aggregation": "dr_grpo"}, {"loss_type": "dr_grpo"}),
    "GSPO": (
        {"aggregation": "sequence_mean", "ratio": "sequence", "clip_low": 0.02, "clip_high": 0.03},
        {"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon_low": 0.02, "epsilon_high": 0.03},
    ),
    "LUSPO": (
        {"aggregation": "sequence_sum", "ratio": "sequence", "clip_low": 0.02, "clip_high": 0.03},
        {"loss_type": "luspo", "importance_sampling_level": "sequence", "epsilon_low": 0.02, "epsilon_high": 0.03},
    ),
    "CISPO": ({"surrogate": "cispo"}, {"loss_type": "cispo", "epsilon_high": 1.2}),
    "SAPO": ({"surrogate": "sapo", "aggregation": "sequence_mean"}, {"loss_type": "sapo"}),
    "VESPO": ({"surrogate": "vespo"}, {"loss_type": "vespo"}),
    "KL": ({"kl_coef": 0.3}, {"loss_type": "dapo", "beta": 0.3, "use_bias_correction_kl": False}),
    "KL, corrected": (
        {"kl_coef": 0.3, "kl_corrected": True},
        {"loss_type": "dapo", "beta": 0.3, "use_bias_correction_kl": True},
    ),
    "dual clip": ({"dual_clip": 1.4}, {"loss_type": "dapo", "delta": 1.4}),
}
"""Our objective, and TRL's attributes (its CISPO counts epsilon_high from 0)."""


@pytest.fixture(scope="module")
def pair() -> Pair:
    args = argparse.Namespace(model=None, device="cpu", recompute=False, max_tokens=200, dtype="float32")
    model, processor = build_model(args)
    return Pair(model, processor, Point(picture=16, group=4, length=12, prompts=2), args)


def padded(rows: Any) -> Any:
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


@pytest.mark.parametrize("name", SAME)
def test_objectives_off_policy_are_those_of_trl(pair: Pair, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On weights that are not those that sampled, so that clips are at work; ragged answers."""
    ours, theirs = SAME[name]
    encoded = encode_pictures(language_model(pair.model), pair.prompts)
    ready = pair.theirs.ready  # in an order of its own
    answers = [
        ids[keep.bool()].tolist() for ids, keep in zip(ready["completion_ids"], ready["completion_mask"], strict=True)
    ]
    rows = [
        TrainRow(prompt_key=str(pair.completions.index(c) // pair.point.group), token_ids=tuple(c), advantage=float(a))
        for c, a in zip(answers, ready["advantages"], strict=True)
    ]
    tokens = sum(map(len, pair.completions))
    prompts = {str(i): p for i, p in enumerate(encoded)}
    batch = StepBatch(rows=rows, prompts=prompts, total_rows=len(rows), total_tokens=tokens)
    with reference_policy(pair.model):
        base = pair.ours.with_old_logps(pair.model, batch)
    monkeypatch.setitem(ready, "ref_per_token_logps", padded([r.old_logps for r in base.rows]))
    batch = pair.ours.with_old_logps(pair.model, batch)
    torch.manual_seed(4)
    moved = [
        [float(x) for x in torch.tensor(r.old_logps) + 0.6 * torch.rand(len(r.token_ids)) - 0.3] for r in batch.rows
    ]
    batch = replace(batch, rows=[replace(r, old_logps=tuple(m)) for r, m in zip(batch.rows, moved, strict=True)])
    monkeypatch.setitem(ready, "old_per_token_logps", padded(moved))
    monkeypatch.setattr(pair.theirs, "epsilon_low", 0.2)
    monkeypatch.setattr(pair.theirs, "epsilon_high", 0.2)
    for attribute, value in theirs.items():
        monkeypatch.setattr(pair.theirs if hasattr(pair.theirs, attribute) else pair.theirs.args, attribute, value)
    pair.gradients()
    pair.run_theirs()
    wanted = pair.gradients()
    assert max(float(g.abs().max()) for g in wanted.values()) > 1e-4
    _, metrics = replace(pair.ours, objective=Objective(**ours))(pair.model, batch)
    assert name in ("SAPO", "VESPO") or 0 < metrics["clip_share"] < 1
    assert difference(wanted, pair.gradients()) <= 1e-5

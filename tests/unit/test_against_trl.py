"""One update by TRL's GRPOTrainer and by ours: the same gradient."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from grpo_step import Pair, Point, build_model, difference  # noqa: E402

from rlfg.models.pictures import encode_pictures  # noqa: E402
from rlfg.models.prefix import language_model  # noqa: E402

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

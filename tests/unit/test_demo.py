from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlfg.data.world import WorldSpec
from rlfg.errors import RlfgError
from rlfg.training.demo import run_demo
from rlfg.types import VERDICT_LABELS

COUNTS = {
    "sft": {"seen": 1},
    "rl": {"seen": 1, "rare": 1},
    "val": {"seen": 1, "rare": 0},
    "test": {"seen": 1, "rare": 1, "unseen": 1},
}
SHORT = {
    "sft": ("run.steps=2", "run.save_every=2", "batch_size=8"),
    "grpo": ("run.steps=2", "run.save_every=2", "run.eval_every=2", "prompts_per_step=4", "group_size=4"),
}
PICTURES = {"seen": 36, "rare": 12, "unseen": 12, "seen+rare": 48}


def demo(out: Path) -> dict:
    return run_demo(out, seed=5, world_spec=WorldSpec(seed=5, counts=COUNTS), overrides=SHORT)


@pytest.mark.slow
def test_the_demo_s_summary_counts_every_answer_and_repeats(tmp_path: Path) -> None:
    first = demo(tmp_path / "a")
    assert first == json.loads((tmp_path / "a" / "summary.json").read_text())
    assert set(first) == {"seed", "wall_s", "results"}
    assert set(first["wall_s"]) == {"sft", "grpo", "eval"}
    for model in ("base", "sft", "grpo"):
        for mode, samples in (("sampled", 10), ("greedy", 1)):
            groups = first["results"][model][mode]
            assert set(groups) == set(PICTURES)
            for group, found in groups.items():
                assert set(found["counts"]) == set(VERDICT_LABELS)
                assert found["n"] == sum(found["counts"].values()) == samples * PICTURES[group]
    html = (tmp_path / "a" / "report.html").read_text()
    assert "<html" in html and "http://" not in html.replace("http://www.w3.org", "")
    second = demo(tmp_path / "b")
    assert second["results"] == first["results"]
    with pytest.raises(RlfgError, match="another seed"):
        run_demo(tmp_path / "a", seed=6)

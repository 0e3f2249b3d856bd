"""The study of algorithms: its settings are configs, its choice is the best by hand, its table adds up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

from rlfg.config import load_config
from rlfg.resources import recipes_folder
from rlfg.training.algorithms import ARMS, BASELINE, MEASURES, choose, chosen_file
from rlfg.training.config import GrpoConfig
from rlfg.training.sft import SftTrainConfig
from rlfg.training.study import markdown, result_file, tabulate

STAGES: dict[str, type[Any]] = {"sft": SftTrainConfig, "grpo": GrpoConfig}


def write(out: Path, seed: int, name: str, hm: float) -> None:
    """A result whose every group has one HM, and 1 wrong and 3 exact of 10."""
    group = {"n": 10, "hm": hm, "counts": {"WRONG": 1, "SPECIFIC": 3}}
    path = result_file(out, seed, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict.fromkeys(("seen", "rare", "unseen", "seen+rare"), group)))


@pytest.mark.parametrize("name", list(ARMS))
def test_every_setting_is_a_config(name: str) -> None:
    arm = ARMS[name]
    path = recipes_folder() / "configs" / arm.stage / "demo.yaml"
    found = [load_config(STAGES[arm.stage], path, [*arm.overrides, *setting]) for setting in arm.sweep]
    assert len(found) == 3 and len({str(config) for config in found}) == 3
    assert arm.start is None or ARMS[arm.start].stage == "sft"


def test_the_best_setting_on_the_tuning_seed_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "seed-7" / "world").mkdir(parents=True)
    (tmp_path / "seed-7" / "world" / "triplets.jsonl").touch()  # drawn already
    for place, (name, arm) in enumerate(ARMS.items()):
        for k in range(len(arm.sweep)):
            write(tmp_path, 7, f"{name}@{k}", 0.9 if k == place % 3 else 0.5)
    assert choose(tmp_path, 7, workers=1) == {name: place % 3 for place, name in enumerate(ARMS)}
    chosen_file(tmp_path).write_text(json.dumps(dict.fromkeys(ARMS, 1)))
    assert choose(tmp_path, 7, workers=1) == dict.fromkeys(ARMS, 1), "what is chosen stays"


def test_the_table_has_means_and_paired_differences(tmp_path: Path) -> None:
    for seed, base, other in ((1, 0.5, 0.7), (2, 0.6, 0.7)):
        write(tmp_path, seed, BASELINE, base)
        write(tmp_path, seed, "cot-tapo", other)
    study = tabulate(tmp_path, [1, 2], [BASELINE, "cot-tapo"], baseline=BASELINE, measures=MEASURES)
    row = study["models"]["cot-tapo"]["HM, unseen"]
    assert row["values"] == [0.7, 0.7] and row["minus_baseline"]["mean"] == pytest.approx(0.15)
    low, high = row["minus_baseline"]["ci"]  # of 0.2 and 0.1: t = 12.706, deviation / √2 = 0.05
    assert (low, high) == pytest.approx((0.15 - 12.706 * 0.05, 0.15 + 12.706 * 0.05), abs=1e-3)
    table = markdown(study)
    assert "| cot-sft | 0.550 | 0.100 | 0.300 |" in table and "| cot-tapo | 0.700 (+0.150 [-0.485, +0.785]) |" in table

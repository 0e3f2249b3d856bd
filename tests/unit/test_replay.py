"""Stored rollouts: written, read back, and scored again under something else."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from rewards import Noise, RewardSpec, TaxonomyVerifier, build_rubric
from rewards.records import RolloutLog, read_rollouts, read_settings, rollout_files
from rewards.replay import Difference, Signal
from rewards.scoring import Scored, Scorer, reward_groups
from rlfg.cli import main
from rlfg.config import to_dict
from rlfg.errors import RlfgError
from rlfg.taxonomy import load_taxonomy
from rlfg.types import Rollout

TREE = "family,genus,species\nA,aa,aa1\nA,aa,aa2\nA,ab,ab1\nB,ba,ba1\n"
ANSWERS = ("aa1", "genus aa", "ba1", "thing", "aa1", None, "quagga", "none")
NOISY = RewardSpec(name="hedged", noise=Noise(probability=0.3, seed=5))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "tree.csv"
    path.write_text(TREE)
    return path


@pytest.fixture
def run(tmp_path: Path, tree: Path) -> Path:
    """Three steps of four groups of six, under the noisy hedged reward."""
    folder = tmp_path / "run"
    verifier = TaxonomyVerifier(load_taxonomy(tree, root="thing"))
    scorer = Scorer(verifier=verifier, rubric=build_rubric(NOISY), parse_mode="lenient", scale="group")
    settings = {"reward": to_dict(NOISY), "scale": "group", "parse_mode": "lenient", "verifier": {}}
    draw = random.Random(0)
    for step in range(3):
        rollouts = [rollout(step, g, i, draw.choice(ANSWERS)) for g in range(4) for i in range(6)]
        RolloutLog(folder, settings).write(scorer(rollouts))
    return folder


def rollout(step: int, group: int, index: int, answer: str | None) -> Rollout:
    text = "no tags" if answer is None else f"<think>é</think><answer>{answer}</answer>"
    return Rollout(
        step=step, group_id=f"{step}-{group}", prompt_key=str(group), index=index, truth="aa1", completion=text,
        token_ids=(1, 2, 3), logps=(-0.5, -0.25, 0.0) if index else None, finish_reason="stop", weights_version=step,
    )  # fmt: skip


def stored(run: Path) -> list[Scored]:
    return [one for file in rollout_files(run) for one in read_rollouts(file)]


def command(*args: object) -> None:
    with pytest.raises(SystemExit) as done:
        main([str(a) for a in args])
    assert done.value.code == 0


def test_what_is_written_is_read_back(run: Path, tree: Path) -> None:
    found = stored(run)
    assert len(found) == 72
    assert found[1].rollout.logps == (-0.5, -0.25, 0.0) and found[0].rollout.logps is None
    verdicts = TaxonomyVerifier(load_taxonomy(tree, root="thing")).verify([("aa1", "aa1")])
    assert next(s.verdict for s in found if s.verdict.answer == "aa1") == verdicts[0]
    assert {s.verdict.label for s in found} >= {"UNPARSED", "ABSTAIN", "WRONG", "SPECIFIC"}
    assert any(s.score.verdict.label != s.verdict.label for s in found), "what noise changed is told apart"
    assert read_settings(rollout_files(run)[0])["reward"]["name"] == "hedged"
    assert rollout_files(run) == rollout_files(run / "rollouts")


def test_the_runs_own_reward_changes_nothing(run: Path, tmp_path: Path) -> None:
    command("replay", "--rollouts", run, "--out", tmp_path / "again")
    report = json.loads((tmp_path / "again" / "replay.json").read_text())
    changed = report["replayed"]["hedged"]["changed"]
    assert [changed[key] for key in ("verdicts", "rewards", "advantages", "groups")] == [0, 0, 0, 0]
    assert report["replayed"]["hedged"]["groups_with_variance"] == report["stored"]["groups_with_variance"]
    assert (tmp_path / "again" / "changes.jsonl").read_text() == ""


def test_another_reward_keeps_the_verdicts(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inline = "{name: hedged, options: {hedge: 0.6}}"
    command("replay", "--rollouts", run, "--reward", "binary", "--reward", inline, "--out", tmp_path)
    report = json.loads((tmp_path / "replay.json").read_text())
    assert list(report["replayed"]) == ["binary", inline]
    for name, result in report["replayed"].items():
        lines = [json.loads(line) for line in (tmp_path / "changes.jsonl").read_text().splitlines()]
        mine = [line for line in lines if line["replayed"] == name]
        assert result["changed"]["verdicts"] == 0
        assert result["changed"]["rewards"] == sum(line["reward"][0] != line["reward"][1] for line in mine) > 0
        assert result["changed"]["groups"] == len(
            {line["group_id"] for line in mine if abs(line["advantage"][0] - line["advantage"][1]) > 1e-6}
        )
    assert "72 rollouts in 12 groups of 3 steps" in capsys.readouterr().out


def test_another_taxonomy_changes_what_it_knows_more_of(run: Path, tmp_path: Path, tree: Path) -> None:
    """In the second tree "quagga" is the truth's family."""
    finer = tmp_path / "finer.csv"
    finer.write_text("family,genus,species\nquagga,aa,aa1\nB,ba,ba1\n")
    changed = {}
    for file in (tree, finer):
        out = tmp_path / file.stem
        command("replay", "--rollouts", run, "--taxonomy", file, "--root", "thing", "--reward", "binary", "--out", out)
        changed[file] = json.loads((out / "replay.json").read_text())["replayed"]["binary"]["changed"]
    assert changed[tree]["verdicts"] == 0
    quaggas = sum(s.verdict.answer == "quagga" for s in stored(run))
    assert changed[finer]["confusion"]["WRONG"]["LESS_SPECIFIC"] == quaggas == changed[finer]["verdicts"] > 0
    pair = {"truth": "aa1", "answer": "quagga", "before": "WRONG", "after": "LESS_SPECIFIC", "rollouts": quaggas}
    assert changed[finer]["pairs"] == [pair]


def test_signal_by_hand(tree: Path) -> None:
    verifier = TaxonomyVerifier(load_taxonomy(tree, root="thing"))
    groups = {0: ("aa1", "aa1"), 1: ("aa1", "ba1"), 2: ("genus aa", "ba1")}
    rollouts = [rollout(0, g, i, a) for g, answers in groups.items() for i, a in enumerate(answers)]
    verdicts = verifier.verify([(a, "aa1") for answers in groups.values() for a in answers])
    for name, share in (("binary", 1 / 3), ("dynamic", 2 / 3)):
        signal = Signal()
        signal.add(reward_groups(rollouts, verdicts, build_rubric(RewardSpec(name=name)), "none"))
        assert signal.to_json()["share_with_variance"] == pytest.approx(share)
    assert signal.to_json()["mean_reward"] == pytest.approx(4 / 6)
    assert signal.to_json()["mean_abs_advantage"] == pytest.approx(4 * 0.5 / 6)


def test_masked_rollouts_come_and_go(tree: Path) -> None:
    verifier = TaxonomyVerifier(load_taxonomy(tree, root="thing"))
    rollouts = [rollout(0, 0, i, a) for i, a in enumerate(("aa1", "ba1"))]
    rubric = build_rubric(RewardSpec(name="binary"))
    known = verifier.verify([("aa1", "aa1"), ("ba1", "aa1")])
    unknown = verifier.verify([("aa1", "no such truth"), ("ba1", "aa1")])
    before, after = (reward_groups(rollouts, verdicts, rubric, "none") for verdicts in (known, unknown))
    difference, signal = Difference(), Signal()
    (line, _) = difference.add(before, after)
    assert (line["verdict"], line["reward"]) == (["SPECIFIC", "NO_VERDICT"], [1.0, None])
    assert (difference.rewards, difference.advantages, difference.groups) == (1, 2, 1)
    signal.add(after)
    assert (signal.masked, signal.with_variance) == (1, 0)


def test_bad_input_names_the_file_or_option(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "step-000001.parquet"
    bad.write_bytes(b"nothing")
    for args, message in (
        (("--rollouts", tmp_path / "none"), "no rollouts there"),
        (("--rollouts", bad), "step-000001.parquet: not a readable Parquet file"),
        (("--rollouts", run, "--reward", "dynamo"), 'unknown reward "dynamo"'),
        (("--rollouts", run, "--reward", "{name: hedged, hedge: 1}"), "unknown key hedge"),
        (("--rollouts", run, "--reward", "{name"), "not valid YAML"),
    ):
        with pytest.raises(SystemExit) as done:
            main(["replay", *map(str, args)])
        assert done.value.code == 2
        assert message in capsys.readouterr().err
    with pytest.raises(RlfgError, match="no rollouts there"):
        rollout_files(tmp_path / "none")

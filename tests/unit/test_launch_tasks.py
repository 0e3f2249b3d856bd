"""Ways of training, as users start them: without thoughts, by a curriculum, on multiple choice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("torch")
pytest.importorskip("trl")

from launching import BASE, largest_difference, launch, rollouts

from rlfg.cli import main
from rlfg.taxonomy import load_taxonomy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def grpo_config(tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures, two a step: three steps an epoch. The base model answers with bare names."""
    taxonomy = {"taxonomy": f"{tiny_world}/taxonomy.csv", "root": "organism", "profile": "exact"}
    run = {"output_dir": "unset", "seed": 4, "steps": 2, "learning_rate": 1e-3, "save_every": 1, "report_to": []}
    config = {
        "model": {"path": str(BASE), "dtype": "float32", "lora": {"r": 4, "alpha": 8}},
        "data": {"path": f"{tiny_world}/rl.jsonl", "limit": 6},
        "verifier": taxonomy,
        "sampling": {"max_new_tokens": 8},
        "run": {**run, "use_cpu": True},
        **{"prompt": "short", "parse_mode": "bare", "prompts_per_step": 2, "group_size": 4},
    }
    path = tmp_path_factory.mktemp("config") / "grpo.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def train(recipe: str, config: Path, run: Path, *overrides: str, launcher: str = "cpu.yaml") -> list[dict[str, Any]]:
    """The rollouts of a run that ended well."""
    done = launch(recipe, launcher, config, f"run.output_dir={run}", *overrides)
    assert done.returncode == 0, done.stderr[-3000:]
    return rollouts(run)


def test_answers_alone_through_both_stages(grpo_config: Path, tiny_world: Path, tmp_path: Path) -> None:
    """SFT needs no rationales; GRPO goes on in the form that was taught, and in no other."""
    lines = [json.loads(line) for line in (tiny_world / "sft.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("rationale")
        line["image"] = str(tiny_world / line["image"])
    (tmp_path / "sft.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "sft.yaml").write_text(f"""
model: {{path: {BASE}, dtype: float32}}
data: {{path: {tmp_path}/sft.jsonl}}
prompt: short
target: answer
batch_size: 8
run: {{output_dir: unset, steps: 30, learning_rate: 2e-3, report_to: [], use_cpu: true}}
""")
    train("sft.py", tmp_path / "sft.yaml", tmp_path / "sft")
    start = f"model.path={tmp_path / 'sft' / 'final'}"
    found = train("grpo.py", grpo_config, tmp_path / "grpo", start, "parse_mode=answer")
    assert len(found) == 2 * 8
    read = [row for row in found if row["verdict"] != "UNPARSED"]
    assert read and all(row["completion"].startswith("<answer>") for row in read)
    refused = launch("grpo.py", "cpu.yaml", grpo_config, f"run.output_dir={tmp_path}/no", start, "parse_mode=strict")
    assert refused.returncode != 0 and "was taught target: answer, which parse_mode: strict" in refused.stderr


def test_a_curriculum_over_epochs_and_a_resume(grpo_config: Path, tiny_world: Path, tmp_path: Path) -> None:
    """Truths are families for two steps; the first epoch is in order; three epochs in all, the second interrupted."""
    options = ("run.steps=9", "run.keep_checkpoints=9", "curriculum={by: siblings, coarse_to_fine: {family: 2}}")
    one = train("grpo.py", grpo_config, tmp_path / "one", *options)
    tree = load_taxonomy(tiny_world / "taxonomy.csv", root="organism")
    for row in one:
        (node,) = tree.lookup(row["truth"])
        assert (tree.ranks[node] == "family") == (row["step"] < 2)
    epochs = [[row["prompt_key"] for row in one if row["step"] // 3 == e and row["index"] == 0] for e in range(3)]
    assert all(sorted(epoch) == [str(i) for i in range(6)] for epoch in epochs), "every picture once an epoch"
    assert epochs[1] != epochs[2]
    again = tmp_path / "again"
    train("grpo.py", grpo_config, again, *options)
    shutil.rmtree(again / "final")
    for step in (5, 6, 7, 8, 9):
        shutil.rmtree(again / f"checkpoint-{step}")
    assert train("grpo.py", grpo_config, again, *options) == one
    assert largest_difference(tmp_path / "one" / "final", again / "final") == 0
    two = train("grpo.py", grpo_config, tmp_path / "two", *options, launcher="cpu2.yaml")
    assert [(r["truth"], r["prompt_key"]) for r in two] == [(r["truth"], r["prompt_key"]) for r in one]
    assert same_policy_for(one, two, tmp_path / "one", tmp_path / "two") >= 1


def same_policy_for(one: list[dict[str, Any]], two: list[dict[str, Any]], a: Path, b: Path) -> int:
    """Steps of two runs until one token is drawn otherwise; up to there their weights differ by rounding only.

    A token can be: where the draw falls between two tokens, rounding of the weights decides. What was drawn before
    it, in the same answer, has the same log-probability in both.
    """
    steps = sorted({row["step"] for row in one})
    for step in steps:
        pairs = [(x, y) for x, y in zip(one, two, strict=True) if x["step"] == step]
        for x, y in pairs:
            tokens = list(zip(x["token_ids"], y["token_ids"], strict=False))
            common = next((k for k, (p, q) in enumerate(tokens) if p != q), len(tokens))
            assert x["logps"][:common] == pytest.approx(y["logps"][:common], abs=1e-4)
        if any(x["token_ids"] != y["token_ids"] for x, y in pairs):
            return step
        assert largest_difference(a / f"checkpoint-{step + 1}", b / f"checkpoint-{step + 1}") < 1e-5
    return len(steps)


def test_choices_from_the_models_own_answers(grpo_config: Path, tiny_world: Path, tmp_path: Path) -> None:
    """Sampled, asked, trained on beside the open questions, by one reward; and alone, by that of letters."""
    tree = load_taxonomy(tiny_world / "taxonomy.csv", root="organism")
    lines = [json.loads(line) for line in (tiny_world / "rl.jsonl").read_text().splitlines()]
    for line in lines:  # the base model names genera now and then, and hardly a species
        line["image"] = str(tiny_world / line["image"])
        line["label"] = tree.node_name(tree.lineage(tree.lookup(line["label"])[0])[-2])
    (tmp_path / "genera.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "predict.yaml").write_text(f"""
backend: {{transformers: {{path: {BASE}, dtype: float32}}}}
data: {{path: {tmp_path}/genera.jsonl}}
out: {tmp_path}/said.jsonl
protocol: {{open: {{prompts: [short], samples: 12}}}}
sampling: {{temperature: 1.5, max_new_tokens: 8}}
use_cpu: true
""")
    for command in (
        ["predict", "--config", str(tmp_path / "predict.yaml")],
        ["data", "choices", f"{tmp_path}/genera.jsonl", "--predictions", f"{tmp_path}/said.jsonl", "--parse", "bare",
         "--taxonomy", f"{tiny_world}/taxonomy.csv", "--profile", "exact", "--out", f"{tmp_path}/choices.jsonl",
         "--form", "bare", "--with-open"],
    ):  # fmt: skip
        with pytest.raises(SystemExit) as left:
            main(command)
        assert not left.value.code
    lines = [json.loads(line) for line in (tmp_path / "choices.jsonl").read_text().splitlines()]
    questions = [line for line in lines if "question" in line]
    assert questions and any("model" in line["meta"]["chosen_by"] for line in questions)
    mixed = lines[:2] + questions[:2]
    (tmp_path / "mixed.jsonl").write_text("".join(json.dumps(line) + "\n" for line in mixed))
    (tmp_path / "closed.jsonl").write_text("".join(json.dumps(line) + "\n" for line in questions[:4]))
    both = [f"data={{path: {tmp_path}/mixed.jsonl}}", "verifier.text=letter"]
    found = train("grpo.py", grpo_config, tmp_path / "mixed", *both, "reward.name=hedged")
    assert {row["source"] for row in found} >= {"text", "taxonomy"}
    assert {row["truth"] for row in found} == {line["label"] for line in mixed}
    closed = [f"data={{path: {tmp_path}/closed.jsonl}}", "verifier={text: letter}", "reward.name=mcq_letter"]
    for row in train("grpo.py", grpo_config, tmp_path / "closed", *closed):
        assert row["reward"] == (row["answer"] == row["truth"] if row["verdict"] != "UNPARSED" else -1)
    refused = launch(
        "grpo.py", "cpu.yaml", grpo_config, f"run.output_dir={tmp_path}/no", *both, "reward.name=mcq_letter"
    )
    assert refused.returncode != 0 and "mixed.jsonl:1: reward mcq_letter pays closed answers alone" in refused.stderr

"""Recipes as users start them: real processes, a few steps each, on the demo's base model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from launching import (  # noqa: E402
    BASE,
    FSDP,
    ROOT,
    TWO,
    command,
    environment,
    largest_difference,
    launch,
    rollouts,
    weights,
)  # fmt: skip
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def grpo_config(tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three prompts × four answers: over two processes, the second group is split."""
    path = tmp_path_factory.mktemp("config") / "grpo.yaml"
    path.write_text(f"""
model: {{path: {BASE}, dtype: float32, lora: {{r: 4, alpha: 8}}}}
data: {{path: {tiny_world}/rl.jsonl}}
eval: {{path: {tiny_world}/val.jsonl, limit: 5}}
verifier: {{taxonomy: {tiny_world}/taxonomy.csv, root: organism}}
prompt: short
reward: {{name: hedged, terms: [{{name: length_guard, weight: 1.0, options: {{limit: 4, buffer: 4}}}}]}}
sampling: {{max_new_tokens: 8}}
prompts_per_step: 3
group_size: 4
run: {{output_dir: unset, seed: 4, steps: 4, learning_rate: 1e-2, save_every: 2, eval_every: 2,
  report_to: [tensorboard], use_cpu: true}}
""")
    return path


@pytest.fixture(scope="module")
def alone(grpo_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("alone") / "run"
    done = launch("grpo.py", "cpu.yaml", grpo_config, f"run.output_dir={run}")
    assert done.returncode == 0, done.stderr[-3000:]
    return run


def test_a_run_leaves_its_record(alone: Path) -> None:
    record = json.loads((alone / "run.json").read_text())
    assert record["config"]["run"]["seed"] == 4
    assert record["contract"]["taxonomy"]
    steps = [json.loads(line) for line in (alone / "metrics.jsonl").read_text().splitlines()]
    assert {"reward", "entropy", "verdict/unparsed", "time/update", "memory/peak_gb", "hm"} <= set(steps[0])
    assert [s["step"] for s in steps if "eval_hm" in s] == [2, 4]
    # The length guard makes rewards differ inside groups, so that there is something to learn.
    assert {row["advantage"] != 0 for row in rollouts(alone)} >= {True}
    assert not (alone / ".saving").exists()
    tracked = EventAccumulator(str(next((alone / "runs").iterdir()))).Reload().Tags()
    assert "samples/text_summary" in tracked["tensors"] and "train/reward" in tracked["scalars"]


@pytest.mark.parametrize(
    ("config", "extra", "distributed"),
    [
        ("cpu2.yaml", (), "MULTI_CPU"),
        ("zero2.yaml", TWO, "DEEPSPEED"),
        ("zero3.yaml", TWO, "DEEPSPEED"),
        ("fsdp2.yaml", FSDP, "FSDP"),
    ],
    ids=["ddp", "zero2", "zero3", "fsdp2"],
)
def test_two_processes_make_the_run_of_one(
    alone: Path, grpo_config: Path, tmp_path: Path, config: str, extra: tuple[str, ...], distributed: str
) -> None:
    run = tmp_path / "run"
    # Two answers a micro-batch; that of one process ran all in one.
    parts = ("max_tokens_per_microbatch=60", f"run.output_dir={run}")
    done = launch("grpo.py", config, grpo_config, *parts, extra=extra)
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((run / "run.json").read_text())
    assert (record["processes"], record["distributed"]) == (2, distributed)
    one, two = rollouts(alone), rollouts(run)
    assert len(one) == len(two) == 4 * 12
    for a, b in zip(one, two, strict=True):
        assert (a["group_id"], a["index"], a["truth"], a["token_ids"]) == (
            b["group_id"], b["index"], b["truth"], b["token_ids"],
        )  # fmt: skip
        assert (a["verdict"], a["reward"]) == (b["verdict"], b["reward"])
        assert a["advantage"] == pytest.approx(b["advantage"], abs=1e-6)
    # Adam divides by gradients' size, so rounding in tiny gradients shows; the weights move by about 1e-2 a step.
    assert largest_difference(alone / "final", run / "final") < 1e-3
    # Under ZeRO-3 and FSDP2 everybody trains on its own; elsewhere some group went to the process that had less to do.
    moved = [json.loads(line).get("groups_moved") for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert any(moved) == (config not in ("zero3.yaml", "fsdp2.yaml"))
    evals = [
        [json.loads(line) for line in (r / "metrics.jsonl").read_text().splitlines() if "eval_hm" in line]
        for r in (alone, run)
    ]
    for a, b in zip(*evals, strict=True):
        assert {k: v for k, v in a.items() if k.startswith("eval_verdict")} == pytest.approx(
            {k: v for k, v in b.items() if k.startswith("eval_verdict")}
        )


def test_who_trains_on_what_changes_no_gradient(grpo_config: Path, tmp_path: Path) -> None:
    """Two optimizer steps a rollout, the second with old log-probabilities of groups that were taken over."""
    options = (
        "prompts_per_step=16",
        "optimizer_steps_per_rollout=2",
        "run.eval_every=null",
        "sampling.temperature=1.5",
    )
    for name, on in (("on", "true"), ("off", "false")):
        where = (f"run.output_dir={tmp_path / name}", f"rebalance={on}")
        done = launch("grpo.py", "cpu2.yaml", grpo_config, *where, *options)
        assert done.returncode == 0, done.stderr[-3000:]
    steps = [json.loads(line) for line in (tmp_path / "on" / "metrics.jsonl").read_text().splitlines()]
    assert any(step.get("groups_moved") for step in steps)
    assert "groups_moved" not in (tmp_path / "off" / "metrics.jsonl").read_text()
    pairs = list(zip(rollouts(tmp_path / "on"), rollouts(tmp_path / "off"), strict=True))
    assert len(pairs) == 2 * 64 and all(a["token_ids"] == b["token_ids"] for a, b in pairs)
    assert largest_difference(tmp_path / "on" / "final", tmp_path / "off" / "final") < 1e-3


def test_equal_rewards_are_replaced_alike_on_any_number_of_processes(
    grpo_config: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Many groups have answers of one length, which earn the same; a resume goes through the same pictures."""
    options = ("dynamic_sampling.max_rounds=3", "run.eval_every=null", "sampling.temperature=1.2")
    runs = {name: tmp_path_factory.mktemp("dapo") / name for name in ("one", "two", "again")}
    for name, run in runs.items():
        args = ("grpo.py", "cpu2.yaml" if name == "two" else "cpu.yaml", grpo_config, f"run.output_dir={run}", *options)
        done = launch(*args)
        assert done.returncode == 0, done.stderr[-3000:]
        if name == "again":  # as if it had been stopped after step 2
            shutil.rmtree(run / "final")
            shutil.rmtree(run / "checkpoint-4")
            done = launch(*args)
            assert done.returncode == 0 and "checkpoint-2" in done.stdout, done.stderr[-3000:]
    one, two, again = (rollouts(run) for run in runs.values())
    assert one == again and largest_difference(runs["one"] / "final", runs["again"] / "final") == 0
    assert [(r["group_id"], r["index"], r["token_ids"]) for r in one] == [
        (r["group_id"], r["index"], r["token_ids"]) for r in two
    ]
    assert largest_difference(runs["one"] / "final", runs["two"] / "final") < 1e-3
    logged = [json.loads(line) for line in (runs["one"] / "metrics.jsonl").read_text().splitlines()][:4]
    assert len({step["rounds"] for step in logged}) > 1
    for number, step in enumerate(logged):
        found = [r for r in one if r["step"] == number]
        groups = {r["group_id"]: {x["reward"] for x in found if x["group_id"] == r["group_id"]} for r in found}
        # Every answer of every round is on record, no picture twice.
        assert len(found) == 12 * step["rounds"] and len(groups) == 3 * step["rounds"]
        assert len({r["prompt_key"] for r in found}) == len(groups)
        # Three pictures a round, until three groups vary.
        varied = [len(groups[f"{number}-{place}"]) > 1 for place in range(len(groups))]
        assert step["rounds"] == next((r for r in (1, 2) if sum(varied[: 3 * r]) >= 3), 3)
        assert step["varied_groups"] == pytest.approx(sum(len(x) > 1 for x in groups.values()) / len(groups))


def kill_after(step: int, how: signal.Signals, args: list[str], run: Path) -> int:
    """Starts a run and signals its recipe process once `step` is logged."""
    process = subprocess.Popen(
        args, env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    log = run / "metrics.jsonl"
    # What stands after the last line's end is still being written.
    while not (log.exists() and any(json.loads(x)["step"] >= step for x in log.read_text().split("\n")[:-1])):
        assert process.poll() is None
        time.sleep(0.02)
    if how == signal.SIGKILL:
        os.killpg(process.pid, how)
    else:
        os.kill(_child(process.pid), how)
    return process.wait(timeout=3000)


def _child(pid: int) -> int:
    """The recipe's process below `accelerate launch`."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.fixture(scope="module")
def sft_config(tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "sft.yaml"
    path.write_text(f"""
model: {{path: {BASE}, dtype: float32, lora: {{r: 4, alpha: 8}}}}
data: {{path: {tiny_world}/sft.jsonl}}
prompt: short
batch_size: 4
run: {{output_dir: unset, steps: 2, learning_rate: 1e-2, save_every: 1, report_to: [], use_cpu: true}}
""")
    return path


def test_fsdp_with_a_reference_and_recomputed_layers(grpo_config: Path, tmp_path: Path) -> None:
    """Resumed in the middle, it ends where one plain process does."""
    options = ("objective.kl_coef=0.04", "run.eval_every=null")
    one, two = tmp_path / "one", tmp_path / "two"
    done = launch("grpo.py", "cpu.yaml", grpo_config, f"run.output_dir={one}", *options)
    assert done.returncode == 0, done.stderr[-3000:]
    for resumed in (False, True):
        where = (f"run.output_dir={two}", "run.gradient_checkpointing=true")
        done = launch("grpo.py", "fsdp2.yaml", grpo_config, *where, *options, extra=FSDP)
        assert done.returncode == 0 and ("checkpoint-2" in done.stdout) == resumed, done.stderr[-3000:]
        # Adam at a rate of 1e-2 shows rounding where a gradient is tiny.
        assert largest_difference(one / "final", two / "final") < 5e-3
        if not resumed:
            shutil.rmtree(two / "final")
            shutil.rmtree(two / "checkpoint-4")


def test_sft_under_fsdp(sft_config: Path, tmp_path: Path) -> None:
    """Two processes, whose rows are cut alike, with parameters sharded and not."""
    for name, config, extra in (("whole", "cpu2.yaml", ()), ("sharded", "fsdp2.yaml", FSDP)):
        done = launch("sft.py", config, sft_config, f"run.output_dir={tmp_path / name}", extra=extra)
        assert done.returncode == 0, done.stderr[-3000:]
    assert largest_difference(tmp_path / "whole" / "final", tmp_path / "sharded" / "final") < 1e-3


@pytest.mark.parametrize("recipe", ["sft.py", "grpo.py"])
def test_fsdp_is_refused_where_it_would_not_work(
    grpo_config: Path, sft_config: Path, tmp_path: Path, recipe: str
) -> None:
    """On a CPU accelerate would train unsharded."""
    if recipe == "sft.py" and torch.cuda.is_available():
        pytest.skip("this machine can run FSDP")
    config = grpo_config if recipe == "grpo.py" else sft_config
    done = launch(recipe, "fsdp2.yaml", config, f"run.output_dir={tmp_path}/run", extra=TWO)
    assert done.returncode != 0 and "error: " in done.stderr and "FSDP" in done.stderr
    assert not (tmp_path / "run" / "final").exists()


@pytest.mark.parametrize(
    ("recipe", "how", "step"),
    [("grpo.py", signal.SIGKILL, 3), ("grpo.py", signal.SIGTERM, 1), ("sft.py", signal.SIGKILL, 3)],
)
def test_a_stopped_run_resumes_to_the_same_bits(
    grpo_config: Path, sft_config: Path, tmp_path: Path, recipe: str, how: signal.Signals, step: int
) -> None:
    config, longer = grpo_config, ["run.steps=40", "run.save_every=2", "run.eval_every=null"]
    if recipe == "sft.py":
        config, longer = sft_config, longer[:2]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    args = command(recipe, "cpu.yaml", config, f"run.output_dir={stopped}", *longer)
    status = kill_after(step, how, args, stopped)
    assert status != 0
    assert not (stopped / "final").exists()
    resumed = subprocess.run(args, capture_output=True, text=True, env=environment(), cwd=ROOT, timeout=3000)
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    if how == signal.SIGTERM:
        assert "resuming from" in resumed.stdout
    done = launch(recipe, "cpu.yaml", config, f"run.output_dir={whole}", *longer)
    assert done.returncode == 0, done.stderr[-3000:]
    assert largest_difference(whole / "final", stopped / "final") == 0
    steps = [json.loads(line)["step"] for line in (stopped / "metrics.jsonl").read_text().splitlines()]
    assert steps[:40] == list(range(1, 41))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_last_checkpoint(grpo_config: Path, alone: Path, small_disk: Path) -> None:
    run = small_disk / "run"
    size = sum(f.stat().st_size for f in (alone / "checkpoint-4").rglob("*") if f.is_file())
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes((4 << 20) - 2 * size - (size >> 1)))  # room for two checkpoints and a half
    options = (f"run.output_dir={run}", "run.steps=8", "run.save_every=1", "run.eval_every=null")
    done = launch("grpo.py", "cpu.yaml", grpo_config, *options)
    one_error(done, "disk is full", "checkpoint-2 is intact")
    assert {p.name for p in run.glob("checkpoint-*")} == {"checkpoint-1", "checkpoint-2"}
    assert not (run / ".saving").exists()
    ballast.unlink()
    done = launch("grpo.py", "cpu.yaml", grpo_config, *options)
    assert done.returncode == 0 and f"resuming from {run / 'checkpoint-2'}" in done.stdout, done.stderr[-3000:]
    assert (run / "final" / "adapter_model.safetensors").is_file()


def test_sft_then_grpo_with_one_adapter(grpo_config: Path, sft_config: Path, tmp_path: Path) -> None:
    """The KL reference is the adapter that SFT ended with; a finished run says so when started again."""
    done = launch("sft.py", "cpu.yaml", sft_config, f"run.output_dir={tmp_path}/sft")
    assert done.returncode == 0, done.stderr[-3000:]
    goes_on = (f"model.adapter={tmp_path}/sft/final", "model.lora=null", "objective.kl_coef=0.1", "run.eval_every=null")
    done = launch("grpo.py", "cpu.yaml", grpo_config, f"run.output_dir={tmp_path}/grpo", *goes_on)
    assert done.returncode == 0, done.stderr[-3000:]
    first = json.loads((tmp_path / "grpo" / "metrics.jsonl").read_text().splitlines()[0])
    assert first["kl"] == pytest.approx(0, abs=1e-9)
    assert weights(tmp_path / "sft" / "final").keys() == weights(tmp_path / "grpo" / "final").keys()
    assert largest_difference(tmp_path / "sft" / "final", tmp_path / "grpo" / "final") > 1e-4
    again = launch("grpo.py", "cpu.yaml", grpo_config, f"run.output_dir={tmp_path}/grpo", *goes_on)
    assert again.returncode == 0 and "complete" in again.stdout
    other = launch("grpo.py", "cpu.yaml", grpo_config, f"run.output_dir={tmp_path}/grpo", *goes_on, "prompt=think")
    assert other.returncode != 0 and "another contract" in other.stderr


def test_a_base_in_four_bits_trains_or_says_what_is_missing(grpo_config: Path, tmp_path: Path) -> None:
    run = f"run.output_dir={tmp_path}/run"
    done = launch("grpo.py", "cpu.yaml", grpo_config, run, "run.steps=2", "model.load_in_4bit=true")
    if find_spec("bitsandbytes") is None:
        one_error(done, "rlfg[quant]")
        return
    assert done.returncode == 0, done.stderr[-3000:]
    assert any(float(w.abs().max()) > 0 for name, w in weights(tmp_path / "run" / "final").items() if "lora_B" in name)


def one_error(done: subprocess.CompletedProcess[str], *words: str) -> None:
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode != 0 and len(errors) == 1, done.stderr[-3000:]
    for word in words:
        assert word in errors[0]


def test_bad_input_is_one_clear_error(grpo_config: Path, tiny_world: Path, tmp_path: Path) -> None:
    """Run in this process's interpreter, without accelerate, to save start-up time."""

    def recipe(*overrides: str) -> subprocess.CompletedProcess[str]:
        args = [sys.executable, str(ROOT / "recipes" / "grpo.py"), "--config", str(grpo_config)]
        args += [f"run.output_dir={tmp_path}/run", *overrides]
        return subprocess.run(args, capture_output=True, text=True, env=environment(), cwd=ROOT, timeout=3000)

    (tmp_path / "empty.jsonl").write_text("")
    one_error(recipe(f"data.path={tmp_path}/empty.jsonl"), "empty.jsonl", "no examples")
    picture = next((tiny_world / "images" / "rl").iterdir())
    (tmp_path / "label.jsonl").write_text(json.dumps({"image": str(picture), "label": "Fiple fasco"}) + "\n")
    one_error(recipe(f"data.path={tmp_path}/label.jsonl"), "label.jsonl:1", "Fiple fasco", "Fiple fasko")
    (tmp_path / "cycle.csv").write_text("id,parent_id,name\n1,2,a\n2,1,b\n")
    one_error(recipe(f"verifier.taxonomy={tmp_path}/cycle.csv"), "cycle.csv", "cycle")
    (tmp_path / "broken.png").write_bytes(picture.read_bytes()[:200])
    (tmp_path / "picture.jsonl").write_text(json.dumps({"image": "broken.png", "label": "Fiple fasko"}) + "\n")
    found = recipe(f"data.path={tmp_path}/picture.jsonl")
    assert found.returncode == 2 and "picture.jsonl:1" in found.stderr
    one_error(recipe("run.lerning_rate=1"), "run.lerning_rate", "learning_rate")


def answered(path: Path) -> list[dict[str, Any]]:
    """Lines without the time that they took."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(line["usage"].pop("seconds") >= 0 for line in lines)
    return lines


def test_two_processes_answer_as_one_and_go_on_where_they_stopped(tiny_world: Path, tmp_path: Path) -> None:
    """Sampled answers; a picture that cannot be read is an error line, tried again by the next run."""
    lines = [json.loads(line) for line in (tiny_world / "test.jsonl").read_text().splitlines()[:7]]
    for line in lines:
        line["image"] = str(tiny_world / line["image"])
    broken = tmp_path / "late.png"
    manifest = tmp_path / "test.jsonl"
    text = [json.dumps(line) for line in [*lines, {"image": str(broken), "label": lines[0]["label"], "id": "late"}]]
    manifest.write_text("\n".join(text) + "\n")
    config = tmp_path / "predict.yaml"
    config.write_text(f"""
backend: {{transformers: {{path: {BASE}, dtype: float32}}}}
data: {{path: {manifest}}}
out: {tmp_path}/one.jsonl
protocol: {{open: {{prompts: [short], samples: 3}}}}
sampling: {{temperature: 1.0, max_new_tokens: 8}}
use_cpu: true
""")
    one = launch("evaluate.py", "cpu.yaml", config)
    assert one.returncode != 0 and "7 answered, 1 failed" in one.stdout, one.stderr[-3000:]
    Path(broken).write_bytes(Path(lines[0]["image"]).read_bytes())
    again = launch("evaluate.py", "cpu.yaml", config)
    assert again.returncode == 0 and "7 of 8 answered already, 1 to do" in again.stdout, again.stderr[-3000:]
    two = launch("evaluate.py", "cpu2.yaml", config, f"out={tmp_path}/two.jsonl")
    assert two.returncode == 0, two.stderr[-3000:]
    ones, twos = (answered(tmp_path / name) for name in ("one.jsonl", "two.jsonl"))
    assert ones == twos and len(ones) == 8
    assert not list(tmp_path.glob("*.part*"))

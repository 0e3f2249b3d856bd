"""The gradient of a step, however it is computed: on two processes, sharded, in parts, with prompts shared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from launching import BASE, FSDP, TWO, largest_difference, launch, rollouts  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from rlfg.models.load import LoraSpec, ModelSpec, load_model  # noqa: E402

pytestmark = pytest.mark.slow

SGD = str(Path(__file__).with_name("by_sgd.py"))
RATE = 1e3
"""So large that a weight says its gradient to seven digits."""


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter whose two halves both have gradients."""
    torch.manual_seed(2)
    model = load_model(ModelSpec(path=str(BASE), dtype="float32", lora=LoraSpec(r=4, alpha=8)), trainable=True)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    folder = tmp_path_factory.mktemp("start")
    model.save_pretrained(folder)
    return folder


TRIPLETS = """
tapo: {positives: 2, divergence_coef: 5.0, negative_branch: live, negative_entropy_coef: 0.5, conditioning: own}
sft_mix: {data: {path: WORLD/sft.jsonl}, coef: 0.5, pictures_per_step: 3}
"""
"""Half of a group sees the positive, all are told apart from the negative, and lessons stand beside them."""


@pytest.fixture(scope="module", params=["", TRIPLETS], ids=["grpo", "tapo"])
def config(
    request: pytest.FixtureRequest, start: Path, tiny_world: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Five prompts of different lengths × four answers: over two processes, the third group is split."""
    folder = tmp_path_factory.mktemp("ragged")
    lines = [json.loads(line) for line in (tiny_world / "rl.jsonl").read_text().splitlines()]
    pictures = [str((tiny_world / line["image"]).resolve()) for line in lines]
    for number, line in enumerate(lines):
        line["image"], line["positive"], line["negative"] = (pictures[number - back] for back in range(3))
        line["question"] = " ".join(["What is this?"] * (1 + number % 3))
    (folder / "rl.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    path = folder / "grpo.yaml"
    path.write_text(f"""
model: {{path: {BASE}, dtype: float32, adapter: {start}}}
data: {{path: {folder}/rl.jsonl}}
verifier: {{taxonomy: {tiny_world}/taxonomy.csv, root: organism}}
prompt: short
reward: {{name: hedged, terms: [{{name: length_guard, weight: 1.0, options: {{limit: 4, buffer: 4}}}}]}}
sampling: {{max_new_tokens: 8, temperature: 1.5}}
prompts_per_step: 5
group_size: 4
run: {{output_dir: unset, seed: 4, steps: 1, learning_rate: {RATE}, max_grad_norm: 1e9, save_every: 1,
  report_to: [], use_cpu: true}}
{request.param.replace("WORLD", str(tiny_world))}""")
    return path


def gradients(run: Path, start: Path) -> dict[str, Any]:
    before, after = (load_file(folder / "adapter_model.safetensors") for folder in (start, run / "final"))
    assert before.keys() == after.keys()
    return {name: (before[name].double() - after[name].double()) / RATE for name in before}


@pytest.fixture(scope="module")
def plain(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One process, one batch, every prompt run with every answer."""
    run = tmp_path_factory.mktemp("plain") / "run"
    off = ("shared_prefix=false", "encode_pictures_once=false", "drop_zero_advantage=false", "rebalance=false")
    whole = ("max_tokens_per_microbatch=1000000", f"run.output_dir={run}")
    done = launch("grpo.py", "cpu.yaml", config, *off, *whole, extra=(SGD,))
    assert done.returncode == 0, done.stderr[-3000:]
    return run


@pytest.mark.parametrize(
    ("launcher", "extra"),
    [("cpu.yaml", ()), ("cpu2.yaml", ()), ("zero2.yaml", TWO), ("zero3.yaml", TWO), ("fsdp2.yaml", FSDP)],
    ids=["one", "ddp", "zero2", "zero3", "fsdp2"],
)
def test_every_gradient_is_that_of_one_plain_pass(
    plain: Path, start: Path, config: Path, tmp_path: Path, launcher: str, extra: tuple[str, ...]
) -> None:
    """Prompts shared, pictures encoded once, layers recomputed, two answers a micro-batch."""
    run = tmp_path / "run"
    # A prompt of about 40 tokens and two short answers.
    parts = ("max_tokens_per_microbatch=60", "run.gradient_checkpointing=true", f"run.output_dir={run}")
    done = launch("grpo.py", launcher, config, *parts, extra=(*extra, SGD))
    assert done.returncode == 0, done.stderr[-3000:]
    assert [(r["token_ids"], r["advantage"]) for r in rollouts(run)] == [
        (r["token_ids"], pytest.approx(r["advantage"], abs=1e-6)) for r in rollouts(plain)
    ]
    expected, found = gradients(plain, start), gradients(run, start)
    largest = max(float(g.abs().max()) for g in expected.values())
    assert largest > 1e-4 and all(float(g.abs().max()) > 0 for g in expected.values())
    assert max(float((found[name] - g).abs().max()) for name, g in expected.items()) <= 1e-5 * largest


@pytest.mark.parametrize("config", [""], indirect=True, ids=["grpo"])
def test_tapo_without_triplets_is_the_plain_run_to_the_bit(config: Path, tmp_path: Path) -> None:
    """DAPO with both of TAPO's parts switched off: rollouts and weights are those of DAPO."""
    runs = {name: tmp_path / name for name in ("dapo", "off")}
    for name, run in runs.items():
        spec = "{positives: 0, divergence_coef: 0, conditioning: own, answers: correct}" if name == "off" else "null"
        dapo = ("objective.clip_high=0.28", "dynamic_sampling={max_rounds: 2}", "run.steps=2", "run.learning_rate=1e-2")
        done = launch("grpo.py", "cpu.yaml", config, *dapo, f"tapo={spec}", f"run.output_dir={run}")
        assert done.returncode == 0, done.stderr[-3000:]
    assert rollouts(runs["dapo"]) == rollouts(runs["off"])
    assert largest_difference(runs["dapo"] / "final", runs["off"] / "final") == 0


def test_pictures_on_disk_change_nothing(plain: Path, start: Path, config: Path, tmp_path: Path) -> None:
    """The second run reads what the first one kept; two processes write it."""
    runs = {name: tmp_path / name for name in ("first", "second")}
    for name, run in runs.items():
        launcher = "cpu2.yaml" if name == "first" else "cpu.yaml"
        options = (f"picture_cache={tmp_path / 'kept'}", f"run.output_dir={run}")
        done = launch("grpo.py", launcher, config, *options, extra=(SGD,))
        assert done.returncode == 0, done.stderr[-3000:]
        expected, found = gradients(plain, start), gradients(run, start)
        largest = max(float(g.abs().max()) for g in expected.values())
        assert max(float((found[key] - g).abs().max()) for key, g in expected.items()) <= 1e-5 * largest
    shares = [json.loads((run / "metrics.jsonl").read_text().splitlines()[0]) for run in runs.values()]
    assert [share["pictures_from_disk"] for share in shares] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("launcher", "option", "said"),
    [("zero3.yaml", "run.bf16=false", "not ZeRO-3"), ("cpu.yaml", "encode_pictures_once=false", "picture_cache keeps")],
    ids=["sharded", "not encoded once"],
)
def test_pictures_that_cannot_be_kept_are_refused(
    config: Path, tmp_path: Path, launcher: str, option: str, said: str
) -> None:
    where = (f"picture_cache={tmp_path / 'kept'}", f"run.output_dir={tmp_path / 'run'}", option)
    done = launch("grpo.py", launcher, config, *where, extra=TWO if launcher == "zero3.yaml" else ())
    assert done.returncode != 0 and said in done.stderr, done.stderr[-3000:]

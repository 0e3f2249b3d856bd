"""Rollouts by the real engine: the trainer's policy and no other, before and after each sync."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
if find_spec("vllm") is None:
    pytest.skip("vLLM is not installed: make vllm", allow_module_level=True)

from accelerate import Accelerator  # noqa: E402
from launching import BASE, ROOT, TWO, environment, launch, rollouts  # noqa: E402
from PIL import Image  # noqa: E402

from rlfg.errors import RlfgError  # noqa: E402
from rlfg.models.load import LoraSpec, ModelSpec, load_model, load_processor  # noqa: E402
from rlfg.models.logps import Row, completion_logps  # noqa: E402
from rlfg.models.prefix import language_model  # noqa: E402
from rlfg.models.prompts import encode_prompt  # noqa: E402
from rlfg.rollouts.local import build_engine  # noqa: E402
from rlfg.rollouts.sampling import Sampling  # noqa: E402
from rlfg.rollouts.transformers_engine import Completion  # noqa: E402
from rlfg.rollouts.vllm import VllmSpec, asking  # noqa: E402
from rlfg.rollouts.vllm.asking import Ask, EngineError, Manner  # noqa: E402
from rlfg.rollouts.vllm.server import ServerEngine  # noqa: E402
from rlfg.serving import ServerSpec, VllmServer  # noqa: E402
from rlfg.serving.vllm_server import claim_port  # noqa: E402
from rlfg.training.sync import adapter_tensors, write_adapter  # noqa: E402
from rlfg.training.vllm_rollouts import VllmRollouts  # noqa: E402

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
GREEDY = Sampling(temperature=0, max_new_tokens=12)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    spec = ServerSpec(
        model=str(BASE), runtime_adapters=True, max_model_len=2048, dtype="float32",
        args=("--logprobs-mode", "processed_logprobs"),
    )  # fmt: skip
    with VllmServer(spec, log=tmp_path_factory.mktemp("server") / "log", ready_within=300) as running:
        yield running


@pytest.fixture
def engine(server: VllmServer) -> Iterator[ServerEngine]:
    engine = ServerEngine(VllmSpec(url=server.url))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def policy() -> Any:
    return load_model(ModelSpec(path=str(BASE), dtype="float32", lora=LoraSpec(r=4, alpha=8)), trainable=True).eval()


def step(policy: Any, seed: int) -> None:
    """Weights as after a long step: another policy."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.3)


def ask_about(colour: str, *, count: int = 1, seed: int = 0) -> Ask:
    picture = Image.new("RGB", (84, 84), colour)
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]
    processor = load_processor(ModelSpec(path=str(BASE)))
    prompt = encode_prompt(processor, messages, [picture])
    return Ask(prompt=prompt, messages=messages, pictures=[picture], keys=[(seed, colour, k) for k in range(count)])


def manner(policy: Any, sampling: Sampling = GREEDY) -> Manner:
    return Manner(sampling=sampling, banned_ids=(policy.config.image_token_id,), stop_after_answer=True)


def trainers(policy: Any, ask: Ask, found: Completion, temperature: float = 1.0) -> list[float]:
    row = Row(prompt=0, token_ids=found.token_ids)
    with torch.no_grad():
        scored = completion_logps(language_model(policy), [ask.prompt], [row], pad_id=0, temperature=temperature)
    return list(scored.logps_RL[0].tolist())


def test_greedy_answers_are_those_of_transformers_and_peft_after_each_sync(
    engine: ServerEngine, policy: Any, tmp_path: Path
) -> None:
    asks = [ask_about(colour) for colour in ("red", "navy", "olive")]
    local = build_engine(policy, load_processor(ModelSpec(path=str(BASE))), max_rows=8)
    said = []
    for version in range(3):
        step(policy, version)
        folder = tmp_path / str(version)
        write_adapter(policy, adapter_tensors(policy), folder)
        engine.load(f"greedy-{version}", folder)
        theirs = [found[0] for found in engine.sample(f"greedy-{version}", asks, manner(policy))]
        ours = [found[0] for found in local.generate([a.prompt for a in asks], [[()]] * 3, GREEDY)]
        assert [c.token_ids for c in theirs] == [c.token_ids for c in ours]
        for a, b in zip(theirs, ours, strict=True):
            assert a.logps == pytest.approx(b.logps, abs=5e-3)
        said.append([c.token_ids for c in theirs])
    assert said[0] != said[1] != said[2], "each version says something else"


def test_samples_have_the_trainers_log_probabilities(engine: ServerEngine, policy: Any, tmp_path: Path) -> None:
    """Each prompt once, n completions, at a temperature that is not 1; banned tokens never come."""
    write_adapter(policy, adapter_tensors(policy), tmp_path / "a")
    engine.load("samples", tmp_path / "a")
    sampling = Sampling(temperature=1.3, max_new_tokens=10)
    asks = [ask_about(colour, count=6) for colour in ("red", "navy")]
    found = engine.sample("samples", asks, manner(policy, sampling))
    assert [len(completions) for completions in found] == [6, 6]
    for ask, completions in zip(asks, found, strict=True):
        assert len({c.token_ids for c in completions}) > 1
        for completion in completions:
            assert completion.logps == pytest.approx(trainers(policy, ask, completion, 1.3), abs=5e-3)
    often = {token for completions in found for c in completions for token in c.token_ids[:1]}
    banned = replace(manner(policy, sampling), banned_ids=tuple(sorted(often)))
    again = engine.sample("samples", asks, banned)
    assert not often & {token for completions in again for c in completions for token in c.token_ids}


def test_a_completion_ends_with_the_answer(
    engine: ServerEngine, policy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tiny base writes no tags; any text does for one."""
    monkeypatch.setattr(asking, "STOP", "i")
    write_adapter(policy, adapter_tensors(policy), tmp_path / "a")
    engine.load("stops", tmp_path / "a")
    tokenizer = load_processor(ModelSpec(path=str(BASE))).tokenizer
    sampling = Sampling(temperature=1.5, max_new_tokens=40)
    [found] = engine.sample("stops", [ask_about("red", count=16)], manner(policy, sampling))
    ended = [c for c in found if c.finish_reason == "stop" and "i" in tokenizer.decode(c.token_ids)]
    assert ended
    for completion in ended:
        assert "i" not in tokenizer.decode(completion.token_ids[:-1])


def test_another_picture_budget_is_noticed(engine: ServerEngine, policy: Any, tmp_path: Path) -> None:
    write_adapter(policy, adapter_tensors(policy), tmp_path / "a")
    engine.load("budget", tmp_path / "a")
    ask = ask_about("red")
    processor = load_processor(ModelSpec(path=str(BASE), max_pixels=56 * 56))
    smaller = replace(ask, prompt=encode_prompt(processor, ask.messages, ask.pictures))
    with pytest.raises(EngineError, match=r"another prompt than the trainer: \d+ tokens instead of \d+"):
        engine.sample("budget", [smaller], manner(policy))


def test_a_version_that_is_not_there_gives_nothing(engine: ServerEngine, policy: Any, tmp_path: Path) -> None:
    """Neither the base's answers nor those of the version before."""
    for version in (0, 1):
        write_adapter(policy, adapter_tensors(policy), tmp_path / str(version))
        engine.load(f"gone-{version}", tmp_path / str(version))
    for name in ("gone-0", "gone-2"):
        with pytest.raises(EngineError, match=f"no rollouts of {name}: HTTP 404"):
            engine.sample(name, [ask_about("red")], manner(policy))


def test_a_server_that_takes_no_adapters_stops_the_run(policy: Any, tmp_path: Path) -> None:
    write_adapter(policy, adapter_tensors(policy), tmp_path / "a")
    with pytest.raises(EngineError, match="--runtime-adapters"):
        ServerEngine(VllmSpec(url="http://127.0.0.1:9/v1", timeout_s=1)).load("x", tmp_path / "a")


class Corrupting(ServerEngine):
    """Something happens to the file on its way."""

    def __init__(self, spec: VllmSpec, harm: Any) -> None:
        super().__init__(spec)
        self.harm = harm

    def load(self, name: str, folder: Path) -> None:
        self.harm(folder / "adapter_model.safetensors")
        super().load(name, folder)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """The same tensors, negated: a file that loads."""
    from safetensors.torch import load_file, save_file

    save_file({n: -t if "lora_B" in n else t for n, t in load_file(path).items()}, path, metadata={"format": "pt"})


@pytest.mark.parametrize(("harm", "said"), [(cut, "asked to load"), (flip, "log-probabilities")])
def test_a_corrupted_sync_stops_the_run(server: VllmServer, policy: Any, tmp_path: Path, harm: Any, said: str) -> None:
    step(policy, 7)
    spec = VllmSpec(url=server.url, adapter_dir=str(tmp_path))
    engine = Corrupting(spec, lambda path: None)
    rollouts = VllmRollouts(
        spec, engine, Accelerator(cpu=True), manner(policy), folder=tmp_path, tolerance=0.01
    )  # fmt: skip
    probe = ask_about("red")
    good = rollouts.sync(policy, 0, probe, lambda ask, found: trainers(policy, ask, found))
    assert good["sync/probe_gap"] < 5e-3 and good["sync/mb"] > 0
    assert rollouts.sync(policy, 0, probe, lambda *_: []) == {}
    engine.harm = harm
    with pytest.raises(RlfgError, match=said):
        rollouts.sync(policy, 1, probe, lambda ask, found: trainers(policy, ask, found))
    rollouts.close()
    assert not list(tmp_path.iterdir())


def test_the_slurm_script_runs_the_whole_topology(tiny_world: Path, tmp_path: Path) -> None:
    """Judge, rollout server and trainer, started, waited for and ended by the script itself."""
    config = tmp_path / "grpo.yaml"
    config.write_text(f"""
model: {{path: {BASE}, dtype: float32, lora: {{r: 4, alpha: 8}}}}
data: {{path: {tiny_world}/rl.jsonl}}
verifier: {{taxonomy: {tiny_world}/taxonomy.csv, root: organism}}
prompt: short
sampling: {{max_new_tokens: 8}}
prompts_per_step: 2
group_size: 4
run: {{output_dir: {tmp_path}/run, steps: 2, report_to: [], use_cpu: true}}
""")
    ports = [claim_port("127.0.0.1", 0) for _ in range(2)]
    variables = {
        "MODEL": str(BASE), "JUDGE": str(BASE), "TRAIN_GPUS": "0", "ROLLOUT_GPUS": "0", "JUDGE_GPUS": "0",
        "ROLLOUT_PORT": str(ports[0]), "JUDGE_PORT": str(ports[1]), "LOGS": str(tmp_path / "logs"),
        "LAUNCH": "recipes/launch/cpu.yaml", "JUDGE_OPTIONS": "--max-model-len 2048",
        "ROLLOUT_OPTIONS": "--max-model-len 2048 --dtype float32",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    command = ["bash", str(ROOT / "recipes" / "slurm" / "judged-grpo.sbatch"), str(config)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**environment(), **variables}, cwd=ROOT, timeout=400
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert (tmp_path / "run" / "final" / "adapter_model.safetensors").is_file()
    assert all(claim_port("127.0.0.1", port) for port in ports), "the servers are gone"


TRAINED = {
    "adapter": "lora: {r: 4, alpha: 8}",
    "adapter of the vision tower too": "lora: {r: 4, alpha: 8, targets: '.*(?:_proj|qkv)'}, freeze_vision: false",
    "all": "freeze_vision: false",
}
"""What of a model is trained, and its learning rate."""


@pytest.mark.parametrize(
    ("mode", "trained", "launcher"),
    [
        ("server", "adapter", "cpu.yaml"),
        ("colocated", "adapter", "cpu.yaml"),
        ("colocated", "adapter of the vision tower too", "zero3.yaml"),
        ("colocated", "all", "cpu.yaml"),
    ],
)
def test_a_run_rolls_out_by_vllm(
    server: VllmServer, tiny_world: Path, tmp_path: Path, mode: str, trained: str, launcher: str
) -> None:
    """What no adapter of the language model says goes as whole weights."""
    config = tmp_path / "grpo.yaml"
    where = f"url: '{server.url}'" if mode == "server" else "engine: {max_model_len: 2048}"
    config.write_text(f"""
model: {{path: {BASE}, dtype: float32, {TRAINED[trained]}}}
data: {{path: {tiny_world}/rl.jsonl}}
eval: {{path: {tiny_world}/val.jsonl, limit: 5}}
verifier: {{taxonomy: {tiny_world}/taxonomy.csv, root: organism}}
prompt: short
reward: {{name: hedged, terms: [{{name: length_guard, weight: 1.0, options: {{limit: 4, buffer: 4}}}}]}}
sampling: {{max_new_tokens: 8, temperature: 1.3}}
prompts_per_step: 4
group_size: 4
rollouts: {{mode: {mode}, adapter_dir: {tmp_path}/adapters, {where}}}
run: {{output_dir: {tmp_path}/run, seed: 4, steps: 4, learning_rate: {1e-3 if trained == "all" else 1e-2},
  save_every: 2, eval_every: 2, report_to: [], use_cpu: true}}
""")
    done = launch("grpo.py", launcher, config, extra=TWO if launcher == "zero3.yaml" else ())
    assert done.returncode == 0, done.stderr[-3000:]
    found = rollouts(tmp_path / "run")
    assert [r["weights_version"] for r in found] == [step for step in range(4) for _ in range(16)]
    assert {r["advantage"] != 0 for r in found} == {True, False}
    logs = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    gaps = [line["sync/probe_gap"] for line in logs if "sync/probe_gap" in line]
    assert len(gaps) == 4 and max(gaps) < 1e-3
    assert len({tuple(r["logps"]) for r in found}) > 4, "the policy moves"
    assert [line["step"] for line in logs if "eval_hm" in line] == [2, 4]
    assert not list((tmp_path / "adapters").iterdir())

"""Rollouts by the real engine: the trainer's policy and no other, before and after each sync."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
if find_spec("vllm") is None:
    pytest.skip("vLLM is not installed: make vllm", allow_module_level=True)

from accelerate import Accelerator  # noqa: E402
from launching import BASE, ROOT, TWO, environment, launch, rollouts  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from PIL import Image  # noqa: E402

from rlfg.errors import RlfgError  # noqa: E402
from rlfg.models.load import LANGUAGE_LINEARS, LoraSpec, ModelSpec, load_model, load_processor  # noqa: E402
from rlfg.models.logps import Row, completion_logps  # noqa: E402
from rlfg.models.prefix import language_model  # noqa: E402
from rlfg.models.prompts import encode_prompt  # noqa: E402
from rlfg.rollouts.local import build_engine  # noqa: E402
from rlfg.rollouts.sampling import Sampling  # noqa: E402
from rlfg.rollouts.transformers_engine import Completion  # noqa: E402
from rlfg.rollouts.vllm import VllmSpec, asking  # noqa: E402
from rlfg.rollouts.vllm.asking import Ask, EngineError, Manner  # noqa: E402
from rlfg.rollouts.vllm.colocated import ColocatedEngine  # noqa: E402
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
    with VllmServer(spec, log=tmp_path_factory.mktemp("server") / "log", ready_within=900) as running:
        yield running


@pytest.fixture
def engine(server: VllmServer) -> Iterator[ServerEngine]:
    engine = ServerEngine(VllmSpec(url=server.url))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def inside() -> Iterator[ColocatedEngine]:
    """Of this process's own, as a trainer has it."""
    options = {"max_model_len": 2048, "worker_extension_cls": "vllm_worker.CountsPictures"}
    engine = ColocatedEngine(
        VllmSpec(mode="colocated", engine=options), model=str(BASE), dtype="float32", rank=4,
        picture_size=dict(load_processor(ModelSpec(path=str(BASE))).image_processor.size),
    )  # fmt: skip
    yield engine
    engine.close()


@pytest.fixture(params=["server", "colocated"])
def either(request: pytest.FixtureRequest) -> ServerEngine | ColocatedEngine:
    """Both ways to have an engine."""
    found: ServerEngine | ColocatedEngine = request.getfixturevalue(
        {"server": "engine", "colocated": "inside"}[request.param]
    )
    return found


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


def zero(policy: Any) -> None:
    """Weights as before the first step: those of the base."""
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if "lora_B" in name:
                parameter.zero_()


def ask_about(colour: str, *, count: int = 1, seed: int = 0, text: str = "What is this?") -> Ask:
    picture = Image.new("RGB", (84, 84), colour)
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]
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


LONG = "What is this? " + "Look at its shape, its crest and its colours. " * 20
"""More than the 128 tokens that vLLM's prefix cache takes at once on a CPU."""


def greedy(engine: ServerEngine | ColocatedEngine, name: str, asks: list[Ask], policy: Any) -> list[Completion]:
    return [found[0] for found in engine.sample(name, asks, manner(policy))]


def test_greedy_answers_are_those_of_transformers_and_peft_before_and_after_each_sync(
    either: ServerEngine | ColocatedEngine, policy: Any, tmp_path: Path
) -> None:
    """The base first, then three steps away from it; long prompts, of which the engine remembers the beginning."""
    asks = [ask_about(colour, text=LONG) for colour in ("red", "navy", "olive")]
    assert min(len(ask.prompt) for ask in asks) > 2 * 128
    local = build_engine(policy, load_processor(ModelSpec(path=str(BASE))), max_rows=8)
    zero(policy)
    said: list[list[tuple[int, ...]]] = []
    for version in range(4):
        if version:
            step(policy, version)
        ours = [found[0] for found in local.generate([a.prompt for a in asks], [[()]] * 3, GREEDY)]
        if version:
            before = greedy(either, f"greedy-{version - 1}", asks, policy)
            assert [c.token_ids for c in before] == said[-1] != [c.token_ids for c in ours]
        write_adapter(policy, adapter_tensors(policy), tmp_path / str(version))
        either.load(f"greedy-{version}", tmp_path / str(version))
        theirs = greedy(either, f"greedy-{version}", asks, policy)
        assert [c.token_ids for c in theirs] == [c.token_ids for c in ours]
        for a, b in zip(theirs, ours, strict=True):
            assert a.logps == pytest.approx(b.logps, abs=5e-3)
        said.append([c.token_ids for c in theirs])


def test_what_is_remembered_of_a_prompt_is_remembered_for_its_version(
    server: VllmServer, engine: ServerEngine, policy: Any, tmp_path: Path
) -> None:
    """The same prompt again is a hit; the same prompt to another version is none."""
    ask = ask_about("teal", text=LONG)
    hits = [remembered(server)]
    for name in ("old", "new"):
        write_adapter(policy, adapter_tensors(policy), tmp_path / name)
        engine.load(f"prefix-{name}", tmp_path / name)
        for _ in range(2):
            greedy(engine, f"prefix-{name}", [ask], policy)
            hits.append(remembered(server))
    first, again, other, other_again = (b - a for a, b in pairwise(hits))
    assert (first, other) == (0, 0) and again == other_again > 0


def remembered(server: VllmServer) -> float:
    """Tokens that vLLM took from its prefix cache so far."""
    with urlopen(server.url.removesuffix("/v1") + "/metrics", timeout=600) as reply:
        lines = reply.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("vllm:prefix_cache_hits_total"))


def test_a_picture_is_encoded_once_for_all_versions(inside: ColocatedEngine, policy: Any, tmp_path: Path) -> None:
    """The vision tower is frozen: what it made of a picture stays, and the answers are still the new version's."""
    ask = ask_about("purple")
    [start] = inside.llm.collective_rpc("pictures_encoded")
    counts = []
    for version in range(3):
        step(policy, version)
        write_adapter(policy, adapter_tensors(policy), tmp_path / str(version))
        inside.load(f"pictures-{version}", tmp_path / str(version))
        [[found]] = inside.sample(f"pictures-{version}", [ask], manner(policy))
        assert found.logps == pytest.approx(trainers(policy, ask, found), abs=5e-3)
        counts += inside.llm.collective_rpc("pictures_encoded")
    assert counts == [start + 1] * 3


def test_samples_have_the_trainers_log_probabilities(
    either: ServerEngine | ColocatedEngine, policy: Any, tmp_path: Path
) -> None:
    """Each prompt once, n completions, at a temperature that is not 1; banned tokens never come."""
    engine = either
    step(policy, 5)
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


class Corrupting:
    """Something happens to the file on its way to an engine."""

    def __init__(self, engine: ServerEngine | ColocatedEngine) -> None:
        self.engine = engine
        self.sample, self.sleep, self.close = engine.sample, engine.sleep, lambda: None
        self.harm: Any = lambda path: None

    def load(self, name: str, folder: Path) -> None:
        self.harm(folder / "adapter_model.safetensors")
        self.engine.load(name, folder)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """The same tensors, negated: a file that loads."""
    from safetensors.torch import load_file, save_file

    save_file({n: -t if "lora_B" in n else t for n, t in load_file(path).items()}, path, metadata={"format": "pt"})


@pytest.mark.parametrize(("harm", "said"), [(cut, "asked to load|could not load"), (flip, "log-probabilities")])
def test_a_corrupted_sync_stops_the_run(
    either: ServerEngine | ColocatedEngine, policy: Any, tmp_path: Path, harm: Any, said: str
) -> None:
    """And whoever goes on all the same gets no rollouts, neither of the version before nor of the broken one."""
    step(policy, 7)
    spec = VllmSpec(mode="server" if isinstance(either, ServerEngine) else "colocated")
    engine = Corrupting(either)
    rollouts = VllmRollouts(
        spec, engine, Accelerator(cpu=True), manner(policy), folder=tmp_path, tolerance=0.01
    )  # fmt: skip
    probe = ask_about("red")

    def logps_of(ask: Ask, found: Completion) -> list[float]:
        return trainers(policy, ask, found)

    good = rollouts.sync(policy, 0, probe, logps_of)
    assert good["sync/probe_gap"] < 5e-3 and good["sync/mb"] > 0
    assert rollouts.sync(policy, 0, probe, lambda *_: []) == {}
    assert rollouts.sample([probe], GREEDY)
    engine.harm = harm
    with pytest.raises(RlfgError, match=said):
        rollouts.sync(policy, 1, probe, logps_of)
    with pytest.raises(EngineError):
        rollouts.sample([probe], GREEDY)
    engine.harm = lambda path: None
    assert rollouts.sync(policy, 2, probe, logps_of)["sync/probe_gap"] < 5e-3
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
        command, capture_output=True, text=True, env={**environment(), **variables}, cwd=ROOT, timeout=3000
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert (tmp_path / "run" / "final" / "adapter_model.safetensors").is_file()
    assert all(claim_port("127.0.0.1", port) for port in ports), "the servers are gone"


TRAINED = {
    "adapter": "lora: {r: 4, alpha: 8}",
    "adapter of the vision tower too": "lora: {r: 4, alpha: 8, targets: '.*(?:_proj|qkv)'}, freeze_vision: false",
    "adapter and modules besides": "adapter: ELSEWHERE",
    "all": "freeze_vision: false",
}
"""What of a model is trained, and its learning rate."""


@pytest.mark.parametrize(
    ("mode", "trained", "launcher"),
    [
        ("server", "adapter", "cpu.yaml"),
        ("colocated", "adapter", "cpu.yaml"),
        ("colocated", "adapter of the vision tower too", "zero3.yaml"),
        ("colocated", "adapter and modules besides", "cpu.yaml"),
        ("colocated", "all", "cpu.yaml"),
    ],
)
def test_a_run_rolls_out_by_vllm(
    server: VllmServer, tiny_world: Path, tmp_path: Path, mode: str, trained: str, launcher: str
) -> None:
    """What no adapter of the language model says goes as whole weights. The server answers to triplets."""
    config = tmp_path / "grpo.yaml"
    lines = [json.loads(line) for line in (tiny_world / "rl.jsonl").read_text().splitlines()]
    pictures = [str((tiny_world / line["image"]).resolve()) for line in lines]
    for place, line in enumerate(lines):
        line["image"], line["positive"], line["negative"] = (pictures[place - back] for back in range(3))
    (tmp_path / "rl.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    tapo = "tapo: {positives: 2, negative_entropy_coef: 0.03}" if mode == "server" else ""
    where = f"url: '{server.url}'" if mode == "server" else "engine: {max_model_len: 2048}"
    begun = LoraConfig(r=4, lora_alpha=8, target_modules=LANGUAGE_LINEARS, modules_to_save=["merger"])
    plain = load_model(ModelSpec(path=str(BASE), dtype="float32"))
    get_peft_model(plain, begun).save_pretrained(tmp_path / "elsewhere")
    config.write_text(f"""
model: {{path: {BASE}, dtype: float32, {TRAINED[trained].replace("ELSEWHERE", str(tmp_path / "elsewhere"))}}}
data: {{path: {tmp_path}/rl.jsonl}}
{tapo}
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
    assert sum(r["prompt_key"].endswith("/positive") for r in found) == (32 if tapo else 0)
    logs = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    gaps = [line["sync/probe_gap"] for line in logs if "sync/probe_gap" in line]
    assert len(gaps) == 4 and max(gaps) < 1e-3
    assert len({tuple(r["logps"]) for r in found}) > 4, "the policy moves"
    assert [line["step"] for line in logs if "eval_hm" in line] == [2, 4]
    assert not list((tmp_path / "adapters").iterdir())

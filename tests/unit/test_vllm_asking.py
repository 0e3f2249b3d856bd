"""What vLLM is asked and what of its answers is believed; no engine is needed."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from accelerate import Accelerator  # noqa: E402
from peft import LoraConfig, get_peft_model, load_peft_weights  # noqa: E402
from PIL import Image  # noqa: E402

from rewards.setup import VerifierSpec  # noqa: E402
from rlfg.data.spec import DataSpec  # noqa: E402
from rlfg.errors import RlfgError  # noqa: E402
from rlfg.models.load import LANGUAGE_LINEARS, LoraSpec, ModelSpec, add_reference, load_model  # noqa: E402
from rlfg.models.prefix import language_model  # noqa: E402
from rlfg.models.prompts import EncodedPrompt  # noqa: E402
from rlfg.one_writer import only_writer  # noqa: E402
from rlfg.rollouts.sampling import Sampling  # noqa: E402
from rlfg.rollouts.transformers_engine import Completion  # noqa: E402
from rlfg.rollouts.vllm import VllmSpec, colocated  # noqa: E402
from rlfg.rollouts.vllm.asking import Ask, EngineError, Manner, chat_messages  # noqa: E402
from rlfg.rollouts.vllm.server import ServerEngine, read_reply, request_options  # noqa: E402
from rlfg.training.config import GrpoConfig  # noqa: E402
from rlfg.training.runspec import RunSpec  # noqa: E402
from rlfg.training.sync import (  # noqa: E402
    adapter_tensors,
    beyond_adapter,
    check_foldable,
    forget_abandoned,
    whole_tensors,
    write_adapter,
    write_weights,
)
from rlfg.training.vllm_rollouts import VllmRollouts  # noqa: E402

MANNER = Manner(sampling=Sampling(temperature=0.7, max_new_tokens=9), banned_ids=(5,), stop_after_answer=True)


def ask(count: int = 2) -> Ask:
    prompt = EncodedPrompt(
        input_ids_T=torch.tensor([1, 2, 3]), mm_token_type_ids_T=None, pixel_values_ND=None, image_grid_thw_K3=None
    )
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]}]
    return Ask(
        prompt=prompt, messages=messages, pictures=[Image.new("RGB", (4, 4))], keys=[(1, k) for k in range(count)]
    )


def reply(**changes: Any) -> dict[str, Any]:
    def choice(index: int, ids: list[int]) -> dict[str, Any]:
        content = [{"logprob": -0.5 * token} for token in ids]
        return {"index": index, "token_ids": ids, "finish_reason": "stop", "logprobs": {"content": content}}

    return {
        "model": "run-7",
        "prompt_token_ids": [1, 2, 3],
        "choices": [choice(1, [8]), choice(0, [6, 7])],
        **changes,
    }


def test_a_reply_is_read_in_order() -> None:
    found = read_reply(reply(), "run-7", ask(), MANNER)
    assert [(c.token_ids, c.logps, c.finish_reason) for c in found] == [
        ((6, 7), (-3.0, -3.5), "stop"), ((8,), (-4.0,), "stop"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "run-6"}, "asked of run-7, and came from run-6"),
        ({"prompt_token_ids": [1, 9, 3]}, r"difference at 1 \(\[9, 3\] instead of \[2, 3\]\)"),
        ({"prompt_token_ids": [1, 2]}, "2 tokens instead of 3"),
        ({"prompt_token_ids": None}, "0 tokens instead of 3"),
        ({"choices": reply()["choices"][:1]}, "asked for 2 completions and gave 1"),
        ({"choices": [{"index": 0}] * 2}, "lacks 'token_ids'"),
        ({"choices": [one | {"finish_reason": "abort"} for one in reply()["choices"]]}, r"broke .* off \(abort\)"),
    ],
)
def test_a_reply_that_is_not_what_was_asked_for_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        read_reply(reply(**changes), "run-7", ask(), MANNER)


def test_a_long_reply_is_read_whole() -> None:
    """Ten completions of 4,096 tokens are above four megabytes."""
    ids = [6] * 45_000
    content = [{"token": "token", "logprob": -1.123456789, "bytes": [116, 111], "top_logprobs": []} for _ in ids]
    choice = {"index": 0, "token_ids": ids, "finish_reason": "length", "logprobs": {"content": content}}
    text = json.dumps(reply(choices=[choice])).encode()

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.handle_request).start()
        engine = ServerEngine(VllmSpec(url=f"http://127.0.0.1:{server.server_address[1]}/v1"))
        [[found]] = engine.sample("run-7", [ask(1)], MANNER)
    assert len(text) > 4_000_000 and found.token_ids == tuple(ids)


def test_a_picture_token_in_a_completion_is_refused() -> None:
    bad = reply()
    bad["choices"][0]["token_ids"] = [5]
    with pytest.raises(EngineError, match="picture token"):
        read_reply(bad, "run-7", ask(), MANNER)


def test_a_prompt_is_asked_once_as_training_samples() -> None:
    options = request_options(ask(3), MANNER)
    assert (options["n"], options["temperature"], options["top_p"], options["max_tokens"]) == (3, 0.7, 1.0, 9)
    assert (options["top_k"], options["min_p"], options["repetition_penalty"]) == (-1, 0.0, 1.0)
    assert options["logit_bias"] == {"5": -100.0}
    assert options["stop"] == ["</answer>"] and options["include_stop_str_in_output"]
    assert options["seed"] == request_options(ask(2), MANNER)["seed"]
    [message] = chat_messages(ask())
    assert [part["type"] for part in message["content"]] == ["image_url", "text"]
    assert message["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")


class StandIn:
    """What of `vllm.LLM` is used; tells what it was told."""

    def __init__(self, **options: Any) -> None:
        self.options, self.told = options, list[Any]()
        self.llm_engine = SimpleNamespace(
            add_lora=lambda request: self.told.append(("add", request)) or True,
            remove_lora=lambda number: self.told.append(("remove", number)),
            reset_encoder_cache=lambda: self.told.append("no pictures"),
        )

    def chat(self, messages: list[Any], **how: Any) -> list[Any]:
        self.told.append(("chat", how["lora_request"]))
        tokens = [OrderedDict({6: SimpleNamespace(logprob=-1.0)})]
        one = SimpleNamespace(index=0, token_ids=[6], logprobs=tokens, finish_reason="stop")
        name = SimpleNamespace(lora_name=how["lora_request"][0]) if how["lora_request"] else None
        return [SimpleNamespace(lora_request=name, prompt_token_ids=[1, 2, 3], outputs=[one]) for _ in messages]

    def collective_rpc(self, method: str, args: tuple[str, ...]) -> None:
        if args == ("broken",):
            raise ValueError("no weights there")
        self.told.append((method, *args))

    def reset_prefix_cache(self) -> bool:
        self.told.append("no prompts")
        return True

    def sleep(self, level: int) -> None:
        self.told.append(("sleep", level))

    def wake_up(self) -> None:
        self.told.append("wake")


def stand_in(monkeypatch: pytest.MonkeyPatch, *, gpu: bool, rank: int | None = 20) -> Any:
    monkeypatch.setattr(colocated.torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(colocated.ColocatedEngine, "_request", lambda self, *adapter: adapter)
    monkeypatch.setattr(colocated.ColocatedEngine, "_parameters", lambda self, ask, manner: len(ask.keys))
    spec = VllmSpec(mode="colocated", engine={"max_model_len": 100})
    return colocated.ColocatedEngine(
        spec,
        model="base",
        revision="9f3e",
        dtype="bfloat16",
        rank=rank,
        picture_size={"longest_edge": 9},
        local_rank=1,
        llm=StandIn,
    )


def test_a_colocated_engine_sleeps_while_weights_are_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = stand_in(monkeypatch, gpu=True)
    engine.load("run-0", Path("a"))
    engine.sample("run-0", [ask(1)], MANNER)
    engine.sleep()
    engine.sleep()
    engine.load("run-1", Path("b"))
    engine.sample("run-1", [ask(1)], MANNER)
    assert engine.llm.told == [
        ("add", ("run-0", 1, "a")), ("chat", ("run-0", 1, "a")), ("sleep", 1),
        "wake", ("remove", 1), ("add", ("run-1", 2, "b")), ("chat", ("run-1", 2, "b")),
    ]  # fmt: skip
    options = engine.llm.options
    assert options["max_lora_rank"] == 32 and options["enable_sleep_mode"] and options["max_model_len"] == 100
    assert options["mm_processor_kwargs"] == {"size": {"longest_edge": 9}}
    assert options["revision"] == options["tokenizer_revision"] == "9f3e"
    with pytest.raises(EngineError, match="asked of run-0, and the engine has run-1"):
        engine.sample("run-0", [ask(1)], MANNER)


def test_whole_weights_take_the_place_of_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing computed with those before is used again; after a failure nothing is answered at all."""
    engine = stand_in(monkeypatch, gpu=True, rank=None)
    engine.load("run-0", Path("a"))
    engine.sample("run-0", [ask(1)], MANNER)
    engine.sleep()
    engine.load("run-1", Path("b"))
    assert engine.llm.told == [
        ("take_weights", "a"), "no pictures", "no prompts", ("chat", None), ("sleep", 1),
        "wake", ("take_weights", "b"), "no pictures", "no prompts",
    ]  # fmt: skip
    assert "enable_lora" not in engine.llm.options
    with pytest.raises(EngineError, match="could not load what is in broken: no weights there"):
        engine.load("run-2", Path("broken"))
    for name in ("run-1", "run-2"):
        with pytest.raises(EngineError, match=f"asked of {name}, and the engine has none"):
            engine.sample(name, [ask(1)], MANNER)


def test_a_cpu_engine_stays_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = stand_in(monkeypatch, gpu=False)
    engine.sleep()
    assert engine.llm.told == [] and not engine.llm.options["enable_sleep_mode"]
    assert "gpu_memory_utilization" not in engine.llm.options


def test_the_engine_is_started_with_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}
    monkeypatch.setattr(StandIn, "__init__", lambda self, **_: seen.update(colocated.os.environ))
    for name, value in {"RANK": "1", "MASTER_ADDR": "x", "CUDA_VISIBLE_DEVICES": "4,5", "KEPT": "yes"}.items():
        monkeypatch.setenv(name, value)
    stand_in(monkeypatch, gpu=True)
    assert "RANK" not in seen and "MASTER_ADDR" not in seen
    assert (seen["CUDA_VISIBLE_DEVICES"], seen["KEPT"]) == ("5", "yes")
    assert colocated.os.environ["RANK"] == "1" and colocated.os.environ["CUDA_VISIBLE_DEVICES"] == "4,5"


def test_the_adapter_is_that_which_peft_saves(tiny_model: Path, tmp_path: Path) -> None:
    model = load_model(ModelSpec(path=str(tiny_model), dtype="float32", lora=LoraSpec(r=4, alpha=8)), trainable=True)
    add_reference(model)
    assert beyond_adapter(model) is None
    size = write_adapter(model, adapter_tensors(model), tmp_path / "ours")
    model.save_pretrained(tmp_path / "peft", selected_adapters=["default"])
    ours, theirs = (
        load_peft_weights(str(tmp_path / "ours"), device="cpu"),
        load_peft_weights(str(tmp_path / "peft"), device="cpu"),
    )
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert sum(t.numel() * 4 for t in ours.values()) < size < 2 * sum(t.numel() * 4 for t in ours.values())


EVERYWHERE = LoraSpec(r=4, alpha=8, targets=r".*(?:language_model|visual\.blocks).*(?:proj|qkv)")


@pytest.mark.parametrize("lora", [None, EVERYWHERE])
def test_whole_weights_are_the_model_with_its_adapter(tiny_model: Path, tmp_path: Path, lora: LoraSpec | None) -> None:
    spec = ModelSpec(path=str(tiny_model), dtype="float32", lora=lora, freeze_vision=False)
    model = load_model(spec, trainable=True).eval()
    if lora is not None:
        add_reference(model)
    assert beyond_adapter(model) is not None
    check_foldable(model)
    torch.manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if lora is None or "lora_B.default" in name:
                parameter.add_(0.05 * torch.randn_like(parameter))
    assert whole_tensors(model, keep=False) == {}
    tensors = whole_tensors(model, keep=True)
    assert write_weights(model, tensors, tmp_path / "whole") > sum(t.numel() * 4 for t in tensors.values())
    plain = load_model(ModelSpec(path=str(tmp_path / "whole"), dtype="float32")).eval()
    ids = torch.arange(5, 25)[None]
    pixels = torch.randn(16, model.config.vision_config.in_channels * 2 * model.config.vision_config.patch_size**2)
    grid = torch.tensor([[1, 4, 4]])
    with torch.no_grad():
        torch.testing.assert_close(plain(ids).logits, model(ids).logits, rtol=1e-5, atol=1e-5)
        ours, theirs = (language_model(m).model.visual(pixels, grid) for m in (plain, model))
    torch.testing.assert_close(getattr(ours, "pooler_output", ours), getattr(theirs, "pooler_output", theirs))


def plain_model(folder: Path) -> Any:
    return load_model(ModelSpec(path=str(folder), dtype="float32"))


def test_whole_weights_have_the_modules_that_were_trained_besides(tiny_model: Path, tmp_path: Path) -> None:
    """PEFT's `modules_to_save`, which vLLM takes in no adapter, and layers of other ranks than the adapter's."""
    config = LoraConfig(r=4, target_modules=LANGUAGE_LINEARS, modules_to_save=["merger"], rank_pattern={"k_proj": 2})
    get_peft_model(plain_model(tiny_model), config).save_pretrained(tmp_path / "elsewhere")
    model = load_model(ModelSpec(path=str(tiny_model), adapter=str(tmp_path / "elsewhere"), dtype="float32"),
                       trainable=True).eval()  # fmt: skip
    add_reference(model)
    assert "modules_to_save" in str(beyond_adapter(model))
    check_foldable(model)
    torch.manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B.default" in name or "modules_to_save.default" in name:
                parameter.add_(0.05 * torch.randn_like(parameter))
    tensors = whole_tensors(model, keep=True)
    assert tensors.keys() == {name for name, _ in plain_model(tiny_model).named_parameters()}
    write_weights(model, tensors, tmp_path / "whole")
    plain = plain_model(tmp_path / "whole").eval()
    ids, merger = torch.arange(5, 25)[None], "model.visual.merger.ln_q.weight"
    with torch.no_grad():
        torch.testing.assert_close(plain(ids).logits, model(ids).logits, rtol=1e-5, atol=1e-5)
    trained = dict(language_model(model).named_parameters())["model.visual.merger.modules_to_save.default.ln_q.weight"]
    assert torch.equal(dict(plain.named_parameters())[merger], trained)


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`:UserWarning")
@pytest.mark.parametrize("options", [{"modules_to_save": ["lm_head"]}, {"use_dora": True}, {"lora_bias": True}])
def test_what_whole_weights_cannot_say_is_refused(tiny_model: Path, options: dict[str, Any]) -> None:
    """A head that is tied in the engine; what is no sum of two matrices."""
    model = get_peft_model(
        plain_model(tiny_model), LoraConfig(r=4, target_modules=r".*language_model.*q_proj", **options)
    )
    assert beyond_adapter(model) is not None
    with pytest.raises(RlfgError, match="cannot be merged into its weights"):
        check_foldable(model)


def test_the_probe_asks_without_a_nucleus(tiny_model: Path, tmp_path: Path) -> None:
    """In which the engine's log-probabilities would be others than the trainer's."""
    asked: list[Sampling] = []

    class Agrees:
        def load(self, name: str, folder: Path) -> None:
            assert (folder / "adapter_model.safetensors").is_file()

        def sample(self, name: str, asks: Any, manner: Manner) -> list[list[Completion]]:
            asked.append(manner.sampling)
            return [[Completion(token_ids=(6,), logps=(-1.0,), finish_reason="stop")] for _ in asks]

        def sleep(self) -> None:
            """Has no memory."""

        def close(self) -> None:
            """Is nothing."""

    spec = ModelSpec(path=str(tiny_model), dtype="float32", lora=LoraSpec(r=2))
    sampling = Sampling(temperature=0.8, top_p=0.5, max_new_tokens=40)
    rollouts = VllmRollouts(
        VllmSpec(), Agrees(), Accelerator(cpu=True), replace(MANNER, sampling=sampling), folder=tmp_path, tolerance=0.01
    )
    rollouts.sync(load_model(spec, trainable=True), 0, ask(1), lambda ask, found: [-1.0])
    rollouts.sample([ask(1)], sampling)
    rollouts.close()
    assert asked == [Sampling(temperature=0.8, top_p=1.0, max_new_tokens=16), sampling]


def test_what_killed_runs_left_is_removed_and_what_others_use_is_not(tmp_path: Path) -> None:
    for name in ("rlfg-dead", "rlfg-alive", "other"):
        (tmp_path / name / "0").mkdir(parents=True)
    (tmp_path / ".rlfg-dead.lock").touch()
    with only_writer(tmp_path / "rlfg-alive"):
        forget_abandoned(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == [".rlfg-alive.lock", "other", "rlfg-alive"]


def test_weights_that_do_not_fit_are_an_error(tiny_model: Path, tmp_path: Path) -> None:
    model = load_model(ModelSpec(path=str(tiny_model), dtype="float32"), trainable=True)
    (tmp_path / "there").mkdir()
    with pytest.raises(RlfgError, match="the weights for vLLM could not be written"):
        write_weights(model, whole_tensors(model, keep=True), tmp_path / "there")


def test_a_server_takes_adapters_only() -> None:
    """Whole weights are for the engine of this process; a convolution's adapter is for none."""
    with pytest.raises(RlfgError, match=r"rollouts.mode server sends a LoRA .* colocated"):
        GrpoConfig(
            model=ModelSpec(path="base"), data=DataSpec(path="a.jsonl"), verifier=VerifierSpec(taxonomy="t.csv"),
            run=RunSpec(output_dir="out", steps=1), rollouts=VllmSpec(),
        )  # fmt: skip


def test_an_adapter_that_no_weight_can_hold_is_refused(tiny_model: Path) -> None:
    lora = LoraSpec(r=2, alpha=2, targets=r".*visual\.patch_embed\.proj")
    spec = ModelSpec(path=str(tiny_model), dtype="float32", lora=lora, freeze_vision=False)
    with pytest.raises(RlfgError, match=r"patch_embed.proj has an adapter that cannot be merged"):
        check_foldable(load_model(spec, trainable=True))


def test_a_spec_that_cannot_work_is_refused() -> None:
    for options, said in (
        ({"url": "localhost:8000"}, "rollouts.url"),
        ({"concurrency": 0}, "rollouts.concurrency"),
        ({"engine": {"max_model_len": 5}}, "rollouts.engine is for mode colocated"),
    ):
        with pytest.raises(RlfgError, match=said):
            VllmSpec(**options)

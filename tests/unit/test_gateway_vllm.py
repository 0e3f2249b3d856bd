"""`rlfg serve` with the real engine on the embedded model: a random adapter, real requests."""

from __future__ import annotations

import asyncio
import base64
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("prometheus_client")
if find_spec("vllm") is None:
    pytest.skip("vLLM is not installed: make vllm", allow_module_level=True)

import openai  # noqa: E402
import psutil  # noqa: E402
from browser import CHROMIUM, artefacts, tab, texts  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from PIL import Image  # noqa: E402
from serving_toys import form  # noqa: E402
from transformers import AutoModelForImageTextToText, AutoProcessor  # noqa: E402

from rlfg.data import contract_hash, load_prompt  # noqa: E402
from rlfg.data.contract import write_contract  # noqa: E402
from rlfg.data.images import data_url  # noqa: E402
from rlfg.models.load import LANGUAGE_LINEARS  # noqa: E402
from rlfg.serving.gateway import GatewaySpec  # noqa: E402
from rlfg.serving.gateway.engine import Engine  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "recipes" / "assets" / "world-base"
pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves under final/: adapter, processor, contract."""
    folder = tmp_path_factory.mktemp("run") / "final"
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_pretrained(BASE, dtype=torch.float32)
    get_peft_model(model, LoraConfig(r=4, target_modules=LANGUAGE_LINEARS)).save_pretrained(folder)
    AutoProcessor.from_pretrained(BASE).save_pretrained(folder)
    write_contract(folder, {"prompt": contract_hash(load_prompt("short")), "parse_mode": "lenient"})
    return folder


@pytest.fixture(scope="module")
def port(adapter: Path, tiny_world: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [
            sys.executable, "-c", "from rlfg.cli import main; main()", "serve",
            *("--model", str(BASE), "--adapter", str(adapter), "--taxonomy", str(tiny_world / "taxonomy.csv")),
            *("--root", "organism", "--port", "0", "--samples", "4", "--max-tokens", "24", "--api-key-env", "KEY"),
            *("--read-timeout", "10", "--url-host", "localhost"),
            *("--log", str(adapter.parent / "server.log"), "--", "--max-model-len", "512"),
        ],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT), "KEY": "outer"},
    )  # fmt: skip
    assert process.stdout is not None
    port = int(process.stdout.readline().rpartition(":")[2])
    assert get(port, "/health")[0] == 200 and get(port, "/ready")[0] == 503
    assert process.stdout.readline() == "ready\n"
    yield port
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(600) == 0
    assert len(family) >= 3 and not [one for one in family if one.is_running()]
    process.stdout.close()


def get(port: int, path: str, key: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
    reply = connection.getresponse()
    found = reply.status, reply.read().decode()
    connection.close()
    return found


def ask(port: int, path: str, **body: Any) -> tuple[int, Any]:
    async def post() -> tuple[int, Any]:
        from aiohttp import ClientSession

        headers = {"Authorization": "Bearer outer", **body.pop("headers", {})}
        async with (
            ClientSession(f"http://127.0.0.1:{port}") as client,
            client.post(path, headers=headers, **body) as reply,
        ):
            return reply.status, await reply.json()

    return asyncio.run(post())


@pytest.fixture(scope="module")
def shown(tiny_world: Path) -> bytes:
    return sorted((tiny_world / "images" / "test").iterdir())[0].read_bytes()


def client(port: int, key: str = "outer") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key, max_retries=0)


def test_a_picture_is_classified_by_upload_and_base64(port: int, shown: bytes) -> None:
    assert get(port, "/ready")[0] == 200
    status, answer = ask(port, "/v1/classify", data=form(shown))
    assert status == 200, answer
    assert answer["model"] == "tuned" and answer["samples"].pop("asked") == 4 == sum(answer["samples"].values())
    image = {"base64": base64.b64encode(shown).decode()}
    status, answer = ask(port, "/v1/classify", json={"image": image, "samples": 2})
    assert status == 200 and answer["samples"]["asked"] == 2
    status, found = ask(port, "/v1/classify/batch", data=form(shown, b"junk", shown))
    assert [("error" in one) for one in found["results"]] == [False, True, False], found


def test_the_openai_client_speaks_to_the_engine_through_it(port: int, shown: bytes) -> None:
    with client(port) as speaker:
        assert {model.id for model in speaker.models.list()} == {"tuned", "tuned-base"}
        url = f"data:image/png;base64,{base64.b64encode(shown).decode()}"
        content: Any = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is this?"}]
        asked: Any = {"model": "tuned", "messages": [{"role": "user", "content": content}], "temperature": 0}
        whole = speaker.chat.completions.create(**asked, max_tokens=8).choices[0].message.content
        parts = [
            part.choices[0].delta.content or ""
            for part in speaker.chat.completions.create(**asked, max_tokens=8, stream=True)
        ]
        assert whole and "".join(parts) == whole and len(parts) > 2
        with pytest.raises(openai.NotFoundError):
            speaker.chat.completions.create(**{**asked, "model": "none"})
    with client(port, "wrong") as stranger, pytest.raises(openai.AuthenticationError, match="wrong"):
        stranger.models.list()


def test_the_engine_fetches_nothing(port: int) -> None:
    content = [{"type": "image_url", "image_url": {"url": f"http://127.0.0.1:{port}/health"}}]
    body = {"model": "tuned", "messages": [{"role": "user", "content": content}]}
    status, answer = ask(port, "/v1/chat/completions", json=body)
    assert status == 400 and "domain" in json.dumps(answer), answer


def test_a_picture_of_strange_shape_is_the_clients_error(port: int) -> None:
    from serving_toys import picture

    status, answer = ask(port, "/v1/classify", data=form(picture((4000, 2))))
    assert status == 400 and "cannot take this picture" in answer["error"]["message"], answer
    assert get(port, "/ready")[0] == 200


def hundred_megapixels() -> bytes:
    """A whole picture, not just a header that claims to be one."""
    buffer = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(buffer, "PNG")
    return buffer.getvalue()


async def slow() -> AsyncIterator[bytes]:
    yield b'{"image": '
    await asyncio.sleep(60)
    yield b"{}}"


JSON = {"Content-Type": "application/json"}
BAD: dict[str, tuple[Callable[[bytes], dict[str, Any]], int, str]] = {
    "not a picture": (lambda shown: {"data": form(b"hello")}, 400, "not a picture"),
    "truncated": (lambda shown: {"data": form(shown[:-200])}, 400, "damaged"),
    "100 megapixels": (lambda shown: {"data": form(hundred_megapixels())}, 413, "100,000,000 pixels"),
    "wrong JSON": (lambda shown: {"data": b'{"image": ', "headers": JSON}, 400, "no valid JSON"),
    "no key": (lambda shown: {"data": form(shown), "headers": {"Authorization": ""}}, 401, "the API key is missing"),
    "private network": (
        lambda shown: {"json": {"image": {"url": "https://localhost/a.png"}}}, 400, "its host has no public address",
    ),
    "a host that is not allowed": (
        lambda shown: {"json": {"image": {"url": "https://169.254.169.254/a.png"}}}, 400, "not fetched from",
    ),
    "50 MB": (lambda shown: {"data": form(b"x" * 50_000_000)}, 413, "larger than 20,000,000 bytes"),
    "a slow client": (lambda shown: {"data": slow(), "headers": JSON}, 408, "did not come within 10 s"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_told_what_is_wrong_and_the_server_lives(port: int, shown: bytes, name: str) -> None:
    request, status, message = BAD[name]
    found = ask(port, "/v1/classify", **request(shown))
    assert found[0] == status and message in found[1]["error"]["message"], found
    assert get(port, "/ready")[0] == 200
    assert ask(port, "/v1/classify", data=form(shown, samples="1"))[0] == 200


def test_what_is_banned_is_never_sampled(port: int, shown: bytes) -> None:
    """The gateway's own question to the real engine, with other tokens in the place of the picture's."""

    async def body(banned: tuple[int, ...]) -> dict[str, Any]:
        spec = GatewaySpec(
            engine_url="http://x/v1", model="tuned", question="What is this?", max_tokens=8, banned_ids=banned
        )
        engine = Engine(spec)
        await engine.close()
        return dict(json.loads(engine._body(data_url(shown, "image/png"), 16, None)))

    def sampled(banned: tuple[int, ...]) -> set[int]:
        asked = {**asyncio.run(body(banned)), "return_token_ids": True}
        status, reply = ask(port, "/v1/chat/completions", json=asked)
        assert status == 200, reply
        return {token for choice in reply["choices"] for token in choice["token_ids"]}

    banned = tuple(sorted(sampled(())))[:10]
    assert banned and not set(banned) & sampled(banned)


def test_a_client_that_leaves_a_stream_is_noticed(port: int, shown: bytes) -> None:
    async def leave() -> None:
        from aiohttp import ClientSession

        async with ClientSession(f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer outer"}) as client:
            url = f"data:image/png;base64,{base64.b64encode(shown).decode()}"
            content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Tell all."}]
            body = {"model": "tuned", "messages": [{"role": "user", "content": content}], "ignore_eos": True}
            long = {**body, "max_tokens": 440, "n": 64, "stream": True}  # not over before the client has left
            async with client.post("/v1/chat/completions", json=long) as reply:
                await reply.content.readany()

    asyncio.run(leave())
    deadline = time.monotonic() + 300
    while 'status="499"' not in get(port, "/metrics")[1]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_shows_what_the_real_engine_says(port: int, shown: bytes, tmp_path: Path) -> None:
    async def run() -> None:
        async with tab(f"http://127.0.0.1:{port}/", tmp_path / "profile") as browser:
            await browser.js("document.getElementById('key').value = 'outer'")
            await browser.drop(shown)
            await browser.until("!document.getElementById('answer-box').hidden", within_s=60)
            [said] = await texts(browser, "#answer")
            assert said
            await browser.shoot(artefacts(tmp_path) / "page-real.png")
            assert browser.errors == []

    asyncio.run(run())

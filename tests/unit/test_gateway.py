"""The gateway over real HTTP, in front of an engine that says what it is told to."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import struct
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import wraps
from importlib import resources
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("prometheus_client")

from aiohttp import FormData
from PIL import Image
from serving_toys import SAID, StubEngine, form, gateway, picture, tagged

from eval.backoff import Policy
from rlfg.errors import RlfgError
from rlfg.serving import ServerSpec
from rlfg.serving.client import Client
from rlfg.serving.gateway import GatewaySpec, Limits

Scenario = Callable[..., Coroutine[Any, Any, None]]


def run(scenario: Scenario) -> Callable[..., None]:
    """An async test, run to its end."""

    @wraps(scenario)
    def test(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(scenario(*args, **kwargs), 300))

    return test


def b64(data: bytes) -> dict[str, Any]:
    return {"image": {"base64": base64.b64encode(data).decode()}}


def shown(body: dict[str, Any]) -> bytes:
    """The picture that the engine was sent."""
    url = body["messages"][0]["content"][0]["image_url"]["url"]
    return base64.b64decode(url.partition(",")[2])


@run
async def test_a_picture_becomes_an_answer() -> None:
    engine = StubEngine()
    async with gateway(engine) as client, client.post("/v1/classify", data=form(picture())) as reply:
        assert reply.status == 200
        answer = await reply.json()
    # 6 of 10 say Herring Gull; "gull" is what the two gulls share, Laridae; a spaceship is nothing, None a refusal.
    assert answer["answer"] == "Herring Gull" and not answer["abstained"]
    assert answer["taxon"]["rank"] == "species"
    assert [(t["name"], t["confidence"]) for t in answer["lineage"]] == [
        ("bird", 0.8), ("Charadriiformes", 0.8), ("Laridae", 0.8), ("Larus", 0.6), ("Herring Gull", 0.6),
    ]  # fmt: skip
    assert answer["confidence"] == {"order": 0.8, "family": 0.8, "genus": 0.6, "species": 0.6}
    assert [(c["name"], c["confidence"]) for c in answer["candidates"]] == [
        ("Herring Gull", 0.6), ("Laridae", 0.1), ("Laughing Gull", 0.1),
    ]  # fmt: skip
    assert answer["samples"] == {"asked": 10, "resolved": 8, "unresolved": 1, "refused": 1, "unparsed": 0}
    assert answer["rationale"] == "because 0" and answer["model"] == "tuned"
    assert answer["policy"] == {"risk": None, "delta": None, "threshold": 0.5, "calibrated": False}
    assert answer["timing"]["total_ms"] >= answer["timing"]["model_ms"] > 0


@run
async def test_the_engine_is_asked_once_as_training_asks() -> None:
    engine, sent = StubEngine(), picture()
    async with gateway(engine, engine_key="inner", banned_ids=(5, 6)) as client:
        async with client.post("/v1/classify", json=b64(sent)) as reply:
            assert reply.status == 200
        async with client.post("/v1/classify", data=form(sent, samples="3", question="Which bird?")) as reply:
            assert (await reply.json())["samples"]["asked"] == 3
    first, second = engine.bodies
    assert (first["n"], second["n"]) == (10, 3)
    assert [part["type"] for part in first["messages"][0]["content"]] == ["image_url", "text"]
    assert first["messages"][0]["content"][1]["text"] == "What is it?" and len(first["messages"]) == 1
    assert second["messages"][0]["content"][1]["text"] == "Which bird?"
    assert (first["temperature"], first["top_p"], first["top_k"], first["repetition_penalty"]) == (1, 1, -1, 1)
    assert first["logit_bias"] == second["logit_bias"] == {"5": -100, "6": -100}
    assert "mm_processor_kwargs" not in first, "vLLM takes none from clients"
    assert shown(first) == shown(second) == sent
    assert engine.headers[0]["Authorization"] == "Bearer inner"


@pytest.mark.parametrize(
    ("said", "threshold", "answer"),
    [
        (["Herring Gull"] * 5 + ["Laughing Gull"] * 5, 0.6, "Laridae"),
        (["Herring Gull"] * 5 + ["Laughing Gull"] * 5, 0.5, "Herring Gull"),
        (["Herring Gull"] * 4 + ["Cerulean Warbler"] * 6, 0.7, None),
        (["None"] * 10, 0.1, None),
        (["bird"] * 10, 0.1, None),
    ],
)
@run
async def test_it_backs_off_to_what_enough_answers_share(said: list[str], threshold: float, answer: str | None) -> None:
    async with (
        gateway(StubEngine(tagged(said)), policy=Policy(threshold=threshold)) as client,
        client.post("/v1/classify", data=form(picture())) as reply,
    ):
        found = await reply.json()
    assert found["answer"] == answer and found["abstained"] == (answer is None)
    assert (found["taxon"] is None) == (found["rationale"] is None) == (answer is None)
    assert sum(v for k, v in found["samples"].items() if k != "asked") == 10


@run
async def test_pictures_arrive_as_training_opens_them() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [Image.new("P", (4, 4), n) for n in range(3)]
    animation = io.BytesIO()
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:])
    clear = io.BytesIO()
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(clear, "PNG")
    engine = StubEngine()
    async with gateway(engine) as client:
        for data in (picture((8, 6), "JPEG", exif=exif), animation.getvalue(), clear.getvalue(), picture(kind="WEBP")):
            async with client.post("/v1/classify", data=form(data)) as reply:
                assert reply.status == 200, await reply.text()
    turned, first, white, webp = (Image.open(io.BytesIO(shown(body))) for body in engine.bodies)
    assert turned.size == (6, 8) and first.format == "PNG" and not getattr(first, "is_animated", False)
    assert white.convert("RGB").getpixel((0, 0)) == (255, 255, 255) and webp.format == "WEBP"


@run
async def test_jpegs_as_cameras_and_encoders_make_them_are_taken() -> None:
    """Of some scans; and with a film behind, as phones take them, in which any bytes may stand."""
    engine = StubEngine()
    async with gateway(engine) as client:
        for data in (scanned(50), picture((64, 64), "JPEG") + b"\xff\xda\0\2" * 20_000):
            async with client.post("/v1/classify", data=form(data)) as reply:
                assert reply.status == 200, await reply.text()


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header claims a size; 67 bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def gif_bomb() -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", 60000, 60000, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, 9, 9, 0)
        + b"\x02\0;"
    )


def two(name: str, value: str) -> FormData:
    data = form(picture())
    for _ in range(2):
        data.add_field(name, value)
    return data


def scanned(times: int, before: bytes = b"") -> bytes:
    """A progressive JPEG with its last scan so many times more."""
    whole = picture((64, 64), "JPEG", progressive=True)
    start, end = whole.rindex(b"\xff\xc4"), whole.rindex(b"\xff\xd9")
    return whole[:end] + (before + whole[start:end]) * times + whole[end:]


BAD: dict[str, tuple[Callable[[], dict[str, Any]], int, str]] = {
    "wrong JSON": (lambda: {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "no valid JSON"),
    "deep JSON": (lambda: {"data": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}, 400, "JSON"),
    "a list": (lambda: {"json": [1]}, 400, "JSON object"),
    "endless values": (
        lambda: {"data": b'{"images": [' + b"0," * 10_000 + b"0]}", "headers": {"Content-Type": "application/json"}},
        400,
        "the JSON has more values",
    ),
    "one and several": (lambda: {"json": {**b64(picture()), "images": []}}, 400, "`image` is for one picture"),
    "two questions": (lambda: {"data": two("question", "Which?")}, 400, "question is in the form twice"),
    "no picture": (lambda: {"json": {}}, 400, "one `image` wanted"),
    "an unknown field": (lambda: {"json": {"picture": 1}}, 400, "unknown field 'picture'"),
    "a picture that is a number": (lambda: {"json": {"image": 3}}, 400, "image must be"),
    "wrong base64": (lambda: {"json": {"image": {"base64": "not base64!"}}}, 400, "no valid base64"),
    "text beyond ASCII": (lambda: {"json": {"image": {"base64": "ü"}}}, 400, "no valid base64"),
    "nothing": (lambda: {"json": {"image": {"base64": ""}}}, 400, "empty"),
    "not a picture": (lambda: {"data": form(b"hello")}, 400, "not a picture"),
    "a picture of another format": (lambda: {"data": form(picture(kind="TIFF"))}, 400, "none of PNG, JPEG, WEBP, GIF"),
    "a truncated PNG": (lambda: {"data": form(picture((64, 64))[:-30])}, 400, "damaged"),
    "a truncated JPEG": (lambda: {"data": form(picture((64, 64), "JPEG")[:400])}, 400, "damaged"),
    "50 megapixels": (lambda: {"data": form(bomb(5_000, 10_000))}, 413, "5000 × 10000 = 50,000,000 pixels"),
    "100 megapixels": (lambda: {"data": form(bomb(10_000, 10_000))}, 413, "100,000,000 pixels"),
    "a bomb": (lambda: {"data": form(bomb(2_000_000, 2_000_000))}, 413, "pixels"),
    "a GIF bomb": (lambda: {"data": form(gif_bomb())}, 413, "pixels"),
    "50 MB": (lambda: {"data": form(b"x" * 50_000_000)}, 413, "larger than"),
    "a JPEG of many scans": (lambda: {"data": form(scanned(101))}, 400, "more than 100 scans"),
    "and hidden ones": (lambda: {"data": form(scanned(101, before=b"\xff\x01"))}, 400, "more than 100 scans"),
    "a JPEG of many segments": (
        lambda: {"data": form(picture(kind="JPEG")[:2] + b"\xff\xfe\0\2" * 10_001 + picture(kind="JPEG")[2:])},
        400,
        "10,000 segments",
    ),
    "two pictures": (lambda: {"data": form(picture(), picture())}, 400, "one `image` wanted"),
    "a form without files": (lambda: {"data": form(question="what?")}, 415, "Content-Type"),
    "another form field": (lambda: {"data": form(picture(), label="gull")}, 400, "unknown field 'label'"),
    "a broken form": (
        lambda: {"data": b"--x\r\nbroken", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        400,
        "form is broken",
    ),
    "no boundary": (lambda: {"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "broken"),
    "another type": (lambda: {"data": b"x", "headers": {"Content-Type": "image/png"}}, 415, "Content-Type"),
    "too many samples": (lambda: {"data": form(picture(), samples="11")}, 400, "from 1 to 10"),
    "samples in words": (lambda: {"json": {**b64(picture()), "samples": "ten"}}, 400, "from 1 to 10"),
    "a true number of samples": (lambda: {"json": {**b64(picture()), "samples": True}}, 400, "from 1 to 10"),
    "an endless question": (lambda: {"json": {**b64(picture()), "question": "x" * 2001}}, 400, "question"),
    "a URL": (lambda: {"json": {"image": {"url": "https://example.org/a.png"}}}, 400, "by URL are off"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
@run
async def test_bad_requests_are_answered_and_the_gateway_lives(name: str) -> None:
    request, status, message = BAD[name]
    engine = StubEngine()
    async with gateway(engine) as client:
        async with client.post("/v1/classify", **request()) as reply:
            found = await reply.json()
        assert (reply.status, message in found["error"]["message"]) == (status, True), found
        assert set(found["error"]) == {"type", "message", "param"}
        assert not engine.bodies
        async with client.post("/v1/classify", data=form(picture())) as reply:
            assert reply.status == 200


@run
async def test_a_chunked_body_ends_at_the_limit() -> None:
    async def endless() -> Any:
        for _ in range(200):
            yield b"x" * 100_000

    headers = {"Content-Type": "application/json"}
    async with (
        gateway(StubEngine(), limits=Limits(body_bytes=1_000_000)) as client,
        client.post("/v1/classify", data=endless(), headers=headers) as reply,
    ):
        assert reply.status == 413


@run
async def test_a_forms_headers_and_boundaries_count_too() -> None:
    async def parts() -> Any:
        for name in (b"samples", b"question"):
            head = b'Content-Disposition: form-data; name="' + name + b'"\r\nX-Long: ' + b"x" * 4_000
            yield b"--edge\r\n" + head + b"\r\n\r\n1\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    async with (
        gateway(StubEngine(), limits=Limits(body_bytes=6_000)) as client,
        client.post("/v1/classify", data=parts(), headers=headers) as reply,
    ):
        assert reply.status == 413


@run
async def test_a_client_that_takes_no_answer_keeps_nobody_from_the_engine() -> None:
    engine = StubEngine()
    engine.streamed = [b"x" * 1_000_000] * 40
    async with gateway(engine, limits=Limits(concurrency=1, read_timeout_s=3)) as client:
        reader, writer = await asyncio.open_connection(client._base_url.host, client._base_url.port, limit=1_000)
        body = b'{"stream": true}'
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        while not engine.now:
            await asyncio.sleep(0.01)
        async with client.post("/v1/classify", data=form(picture())) as reply:
            assert reply.status == 200
        writer.transport.abort()
        assert not reader.at_eof()


@run
async def test_a_slow_client_is_not_waited_for() -> None:
    async def slow() -> Any:
        yield b"{"
        await asyncio.sleep(30)

    headers = {"Content-Type": "application/json"}
    async with (
        gateway(StubEngine(), limits=Limits(read_timeout_s=0.2)) as client,
        client.post("/v1/classify", data=slow(), headers=headers) as reply,
    ):
        assert reply.status == 408


@run
async def test_a_batch_answers_each_in_order() -> None:
    engine = StubEngine()
    async with gateway(engine, limits=Limits(batch=4)) as client:
        async with client.post("/v1/classify/batch", data=form(picture(), b"junk", picture())) as reply:
            results = (await reply.json())["results"]
        assert [result.get("answer") for result in results] == ["Herring Gull", None, "Herring Gull"]
        assert "not a picture" in results[1]["error"]["message"]
        images = [b64(picture())["image"], {"base64": "?"}, 7]
        async with client.post("/v1/classify/batch", json={"images": images}) as reply:
            results = (await reply.json())["results"]
        assert [result.get("error", {}).get("param") for result in results] == [None, "images[1]", "images[2]"]
        async with client.post("/v1/classify/batch", data=form(*[picture()] * 5)) as reply:
            assert reply.status == 413
        async with client.post("/v1/classify/batch", json={"images": []}) as reply:
            assert reply.status == 400


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Bearer ", 401),
        ("secret", 401),
        ("Bearer sécret", 401),
        ("Bearer secret", 200),
    ],
)
@run
async def test_every_v1_route_wants_the_key(header: str | None, status: int) -> None:
    engine = StubEngine()
    headers = {} if header is None else {"Authorization": header}
    async with gateway(engine, api_key="secret", engine_key="inner") as client:
        for path in ("/v1/taxonomy", "/v1/models", "/%761/models"):
            async with client.get(path, headers=headers) as reply:
                assert reply.status == status or (path.startswith("/%") and reply.status == 404)
        async with client.post("/v1/classify", data=form(picture()), headers=headers) as reply:
            assert reply.status == status
        for path in ("/health", "/ready", "/metrics"):
            async with client.get(path) as reply:
                assert reply.status == 200
        if status == 200:
            async with client.get("/v1/models", headers=headers) as reply:
                assert (await reply.json())["key"] == "Bearer inner"
    assert status == 200 or not (engine.bodies or engine.paths)


@run
async def test_too_many_requests_are_told_to_come_back() -> None:
    engine = StubEngine()
    engine.go.clear()
    async with gateway(engine, limits=Limits(concurrency=2, waiting=1)) as client:

        async def ask() -> int:
            async with client.post("/v1/classify", data=form(picture())) as reply:
                assert reply.status == 200 or reply.headers["Retry-After"] == "1"
                return reply.status

        tasks = [asyncio.create_task(ask()) for _ in range(8)]
        waiting = set(tasks)
        while len(waiting) > 3:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        refused = set(tasks) - waiting
        while engine.now < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # what else would be refused, or asked too early, has its time
        assert [task.result() for task in refused] == [429] * 5 and engine.now == engine.most == 2
        engine.go.set()
        assert await asyncio.gather(*waiting) == [200] * 3
        assert await ask() == 200
    assert engine.most == 2


@run
async def test_a_client_that_leaves_cancels_the_engine() -> None:
    engine = StubEngine()
    engine.go.clear()
    async with gateway(engine, limits=Limits(concurrency=1, waiting=0)) as client:
        for path, body in (("/v1/classify", b64(picture())), ("/v1/chat/completions", {"stream": True})):
            task = asyncio.create_task(client.post(path, json=body))
            while not engine.now:
                await asyncio.sleep(0.01)
            task.cancel()
            while engine.now:
                await asyncio.sleep(0.01)
        assert engine.cancelled == 2
        engine.go.set()
        async with client.post("/v1/classify", data=form(picture())) as reply:
            assert reply.status == 200
        async with client.get("/metrics") as reply:
            assert 'rlfg_requests_total{route="/v1/classify",status="499"} 1.0' in await reply.text()


@pytest.mark.parametrize(("theirs", "ours"), [(400, 400), (500, 502), (503, 503), (404, 502)])
@run
async def test_the_engines_failures_are_told_apart(theirs: int, ours: int) -> None:
    engine = StubEngine()
    engine.status = theirs
    async with gateway(engine) as client, client.post("/v1/classify", data=form(picture())) as reply:
        assert reply.status == ours and "stubbed" in (await reply.json())["error"]["message"]


@run
async def test_an_engine_that_is_down_is_503_and_not_ready() -> None:
    from aiohttp import ClientSession
    from serving_toys import birds, listening

    from rlfg.serving.gateway.app import build_app

    spec = GatewaySpec(engine_url="http://127.0.0.1:1/v1", model="tuned", question="?")
    async with listening(build_app(spec, birds())) as url, ClientSession(url) as client:
        for path, status in (("/health", 200), ("/ready", 503), ("/v1/models", 503)):
            async with client.get(path) as reply:
                assert reply.status == status
        async with client.post("/v1/classify", data=form(picture())) as reply:
            assert reply.status == 503 and reply.headers["Retry-After"]


@run
async def test_a_slow_engine_is_504() -> None:
    engine = StubEngine()
    engine.go.clear()
    async with (
        gateway(engine, limits=Limits(engine_timeout_s=0.2)) as client,
        client.post("/v1/classify", data=form(picture())) as reply,
    ):
        assert reply.status == 504


@run
async def test_other_routes_go_through_and_stay_below_v1() -> None:
    engine = StubEngine()
    async with gateway(engine) as client:
        async with client.get("/v1/models?a=%26") as reply:
            assert (await reply.json())["path"] == "/v1/models?a=%26"
        async with client.post("/v1/chat/completions", json={"stream": True}) as reply:
            assert reply.content_type == "text/event-stream"
            assert await reply.read() == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
        for path in ("/v1/%2e%2e/metrics", "/v1/%252e%252e/metrics", "/v1/load_lora_adapter", "/v1/x/..%2f../metrics"):
            from yarl import URL

            async with client.post(URL(f"{client._base_url}".rstrip("/") + path, encoded=True), json={}) as reply:
                assert reply.status == 404, path
    assert engine.paths == ["/v1/models?a=%26"]


@run
async def test_metrics_count_and_labels_are_bounded() -> None:
    engine = StubEngine()
    async with gateway(engine) as client:
        for data in (picture(), b"junk"):
            async with client.post("/v1/classify", data=form(data)):
                pass
        for number in range(20):
            for path in (f"/nothing/{number}", f"/v1/engine/{number}"):
                async with client.get(path):
                    pass
        async with client.get("/metrics") as reply:
            text = await reply.text()
    counted = [
        'rlfg_requests_total{route="/v1/classify",status="200"} 1.0',
        'rlfg_requests_total{route="/v1/classify",status="400"} 1.0',
        'rlfg_requests_total{route="other",status="404"} 20.0',
        'rlfg_requests_total{route="/v1/{path}",status="200"} 20.0',
        'rlfg_pictures_total{outcome="classified"} 1.0',
        'rlfg_pictures_total{outcome="failed"} 1.0',
        'rlfg_answers_total{outcome="species"} 1.0',
        'rlfg_samples_total{outcome="resolved"} 8.0',
        'rlfg_samples_total{outcome="refused"} 1.0',
    ]
    assert [line for line in counted if line not in text] == []
    assert "rlfg_requests_in_flight 1.0" in text and len(SAID) == 10


@run
async def test_the_page_is_served_under_a_strict_policy() -> None:
    page = resources.files("rlfg.serving") / "page"
    async with gateway(StubEngine()) as client:
        for path, kind in (("index.html", "html"), ("page.js", "javascript"), ("page.css", "css")):
            async with client.get(f"/{path}") as reply:
                assert reply.status == 200 and kind in reply.content_type
                assert await reply.text() == (page / path).read_text(encoding="utf-8")
                policy = reply.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
        async with client.get("/") as reply:
            assert await reply.text() == (page / "index.html").read_text(encoding="utf-8")
        async with client.get("/other.js") as reply:
            assert reply.status == 404


@run
async def test_a_calibrated_policy_is_told_where_it_holds() -> None:
    policy = Policy(threshold=0.7, risk=0.1, delta=0.05, samples=10)
    async with gateway(StubEngine(), policy=policy) as client:
        found = []
        for more in ({}, {"samples": "5"}, {"question": "Which bird?"}):
            async with client.post("/v1/classify", data=form(picture(), **more)) as reply:
                found.append(await reply.json())
    assert found[0]["answer"] == "Laridae"
    assert found[0]["policy"] == {"risk": 0.1, "delta": 0.05, "threshold": 0.7, "calibrated": True}
    assert [one["policy"]["calibrated"] for one in found] == [True, False, False]
    async with (
        gateway(StubEngine(), policy=replace(policy, temperature=0.5)) as client,
        client.post("/v1/classify", data=form(picture())) as reply,
    ):
        assert not (await reply.json())["policy"]["calibrated"], "asked at temperature 1"


@run
async def test_a_policy_that_found_no_threshold_abstains() -> None:
    async with (
        gateway(StubEngine(), policy=Policy(threshold=None, risk=0.1, delta=0.05, samples=10)) as client,
        client.post("/v1/classify", data=form(picture())) as reply,
    ):
        found = await reply.json()
    assert found["abstained"] and found["answer"] is None and len(found["lineage"]) == 5


@run
async def test_the_taxonomy_is_told() -> None:
    async with gateway(StubEngine()) as client, client.get("/v1/taxonomy") as reply:
        found = await reply.json()
    assert found["name"] == "bird" and found["taxa"] == 11 and len(found["hash"]) == 64
    assert found["ranks"] == ["order", "family", "genus", "species"]


def test_a_spec_that_cannot_serve_is_refused() -> None:
    for options, message in (
        ({"engine_url": "localhost:8000"}, "engine_url"),
        ({"api_key": ""}, "key"),
        ({"temperature": 0}, "temperature 0"),
    ):
        with pytest.raises(RlfgError, match=message):
            GatewaySpec(**{"engine_url": "http://x/v1", "model": "m", "question": "?", **options})
    with pytest.raises(RlfgError, match=r"limits\.body_bytes"):
        Limits(body_bytes=0)
    assert json.dumps(GatewaySpec(engine_url="http://x/v1", model="m", question="?").limits.batch) == "32"


def test_no_key_is_in_what_is_printed() -> None:
    spec = GatewaySpec(engine_url="http://x/v1", model="m", question="?", api_key="secret", engine_key="secret")
    server = ServerSpec(model="m", env={"VLLM_API_KEY": "secret"})
    assert "secret" not in repr([spec, server, Client(api_key="secret")])

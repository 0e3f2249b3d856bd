"""Large pictures are decoded beside the gateway's process, and what goes wrong there is told here."""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import threading
import time

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("prometheus_client")

from PIL import Image
from serving_toys import StubEngine, form, gateway, picture

from rlfg.data.images import data_url
from rlfg.serving.gateway import base64_text, body, decoder
from rlfg.serving.gateway.decoder import Decoder
from rlfg.serving.gateway.errors import ApiError

LARGE = (1250, 1000)


async def urls(*pictures: bytes) -> list[str | ApiError]:
    made, found = Decoder(pixels=2_000_000, processes=1), list[str | ApiError]()
    try:
        for data in pictures:
            try:
                found.append(await made.url(data))
            except ApiError as error:
                found.append(error)
    finally:
        made.close()
    return found


def test_where_it_is_decoded_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = io.BytesIO()
    Image.new("RGBA", LARGE, (0, 0, 0, 0)).save(clear, "PNG")
    large = picture(LARGE), picture(LARGE, "JPEG", exif=exif), clear.getvalue()
    apart = asyncio.run(urls(*large))
    monkeypatch.setattr(decoder, "SMALL", 1 << 30)
    assert apart == asyncio.run(urls(*large))
    assert apart[0] == data_url(large[0], "image/png")
    assert all(isinstance(one, str) for one in apart) and len(set(apart)) == 3


def test_small_pictures_start_no_process_and_large_ones_leave_none() -> None:
    async def children() -> list[int]:
        made = Decoder(pixels=2_000_000, processes=3)
        counts = []
        for size in ((1000, 1000), LARGE):
            await made.url(picture(size))
            counts.append(len(multiprocessing.active_children()))
        made.close()
        return counts

    assert ended()
    assert asyncio.run(children()) == [0, 1]
    assert ended()


def ended(within_s: float = 60) -> bool:
    """Whether all processes are gone, or soon go; the pool's own thread may be the one that learns of it."""
    until = time.monotonic() + within_s
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.01)
    return not multiprocessing.active_children()


def test_the_thread_of_the_event_loop_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    where = set[str]()

    def note(data: bytes, *, pixels: int) -> tuple[str, int]:
        where.add(threading.current_thread().name.partition("_")[0])
        return "PNG", 1

    monkeypatch.setattr(decoder, "check_header", note)
    asyncio.run(urls(picture()))
    assert where == {"decode"}


def test_an_error_comes_back_as_it_is() -> None:
    broken, many = asyncio.run(urls(picture(LARGE, "JPEG")[:2000], picture((2000, 1500))))
    assert isinstance(broken, ApiError) and isinstance(many, ApiError)
    assert (broken.status, broken.param, broken.kind) == (400, "image", "invalid_request_error")
    assert "damaged" in broken.message and str(broken) == broken.message
    assert many.status == 413 and "2000 × 1500" in many.message


def test_a_process_that_dies_is_replaced() -> None:
    assert ended()

    async def scenario() -> None:
        async with gateway(StubEngine()) as client:
            statuses = []
            for _ in range(3):
                async with client.post("/v1/classify", data=form(picture(LARGE))) as reply:
                    statuses.append(reply.status)
                    if reply.status == 503:
                        assert "has died" in (await reply.json())["error"]["message"]
                        assert reply.headers["Retry-After"] == "1"
                if len(statuses) == 1:
                    assert multiprocessing.active_children()
                    for child in multiprocessing.active_children():
                        child.kill()
            assert statuses == [200, 503, 200]

    asyncio.run(scenario())


def test_base64_is_decoded_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base64_text, "PIECE", 4)
    assert base64_text.decode("AAECAwQF") == base64_text.decode("data:image/png;base64,AAECAwQF") == bytes(range(6))
    assert base64_text.decode("AAEC" + "Aw==") == bytes(range(4))
    for text in (
        "AA==AAAA",
        "AAECA",
        "AAEC\nAAA",
        "AAEü",
        "data:image/png,AAAA",
        "data:,",
        "AAAAdata:image/png;base64,",
    ):
        with pytest.raises(ValueError):
            base64_text.decode(text)


def test_a_large_picture_in_base64_is_read_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    where: list[threading.Thread] = []

    def noted(text: str) -> bytes:
        where.append(threading.current_thread())
        return base64_text.decode(text)

    monkeypatch.setattr(body, "decode", noted)

    async def scenario() -> None:
        noise = Image.frombytes("RGB", (400, 400), os.urandom(480_000))
        buffer = io.BytesIO()
        noise.save(buffer, "PNG")
        engine = StubEngine()
        url = data_url(buffer.getvalue(), "image/png")
        async with gateway(engine) as client:
            async with client.post("/v1/classify", json={"image": {"base64": url}}) as reply:
                assert reply.status == 200
            async with client.post("/v1/classify", json={"image": {"base64": url + "="}}) as reply:
                assert reply.status == 400 and "no valid base64" in (await reply.json())["error"]["message"]
        assert engine.bodies[0]["messages"][0]["content"][0]["image_url"]["url"] == url
        assert len(where) == 2 and threading.main_thread() not in where

    asyncio.run(scenario())

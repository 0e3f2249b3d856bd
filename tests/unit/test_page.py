"""The page to try a classifier, in a real browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("prometheus_client")

from browser import CHROMIUM, artefacts, tab, texts
from serving_toys import StubEngine, birds, listening, picture, tagged

from eval.backoff import Policy
from rlfg.serving.gateway import GatewaySpec
from rlfg.serving.gateway.app import build_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_dropped_picture_lights_up_its_lineage(tmp_path: Path, dark: bool) -> None:
    async def run() -> None:
        policy = Policy(threshold=0.7, risk=0.1, delta=0.05, samples=10)
        async with listening(StubEngine().app()) as engine:
            spec = GatewaySpec(engine_url=f"{engine}/v1", model="tuned", question="?", policy=policy)
            async with (
                listening(build_app(spec, birds())) as url,
                tab(f"{url}/", tmp_path / "profile", dark=dark) as browser,
            ):
                await browser.drop(picture((320, 240)))
                await browser.until("!document.getElementById('answer-box').hidden")
                assert await texts(browser, "#answer") == ["Laridae"]
                assert await texts(browser, "#lineage .name") == [
                    "bird", "Charadriiformes", "Laridae", "Larus", "Herring Gull",
                ]  # fmt: skip
                assert await texts(browser, "#lineage .share") == ["80 %", "80 %", "80 %", "60 %", "60 %"]
                assert await texts(browser, "#lineage .said .name") == ["Laridae"]
                assert await texts(browser, "#lineage .beyond .name") == ["Larus", "Herring Gull"]
                promise = "Of what is said with this policy, at most 10 % is wrong: 95 % sure."
                assert await texts(browser, "#promise") == [promise]
                assert await texts(browser, "#rationale") == ["because 0"]
                await browser.until("document.getElementById('preview').naturalWidth === 320")
                await browser.shoot(artefacts(tmp_path) / f"page-{'dark' if dark else 'light'}.png")
                assert browser.errors == []

    asyncio.run(run())


def test_it_says_when_it_cannot_say_and_why_it_failed(tmp_path: Path) -> None:
    async def run() -> None:
        engine = StubEngine(tagged(["Herring Gull"] * 4 + ["Cerulean Warbler"] * 4 + ["None"] * 2))
        async with listening(engine.app()) as address:
            spec = GatewaySpec(engine_url=f"{address}/v1", model="tuned", question="?", api_key="secret")
            async with listening(build_app(spec, birds())) as url, tab(f"{url}/", tmp_path / "profile") as browser:
                await browser.drop(picture())
                await browser.until("!document.getElementById('error').hidden")
                assert "key" in (await texts(browser, "#error"))[0]
                assert await browser.js("document.getElementById('key-box').open")
                await browser.js("document.getElementById('key').value = 'secret'")
                await browser.drop(picture())
                await browser.until("!document.getElementById('answer-box').hidden")
                assert await texts(browser, "#answer") == ["It cannot say"]
                assert await browser.js("document.getElementById('error').hidden")
                assert await texts(browser, "#lineage .said") == []
                await browser.drop(b"no picture at all")
                await browser.until("!document.getElementById('error').hidden")
                assert "not a picture" in (await texts(browser, "#error"))[0]
                assert await browser.js("document.getElementById('answer-box').hidden")
                await browser.drop(b"words", "text/plain")
                await browser.until("document.getElementById('error').textContent === 'That is no picture.'")

    asyncio.run(run())


def test_a_name_is_text_and_no_markup(tmp_path: Path) -> None:
    async def run() -> None:
        engine = StubEngine(["<think><img src=x onerror=alert(1)></think><answer>Herring Gull</answer>"] * 10)
        async with listening(engine.app()) as address:
            spec = GatewaySpec(engine_url=f"{address}/v1", model="tuned", question="?")
            async with listening(build_app(spec, birds())) as url, tab(f"{url}/", tmp_path / "profile") as browser:
                await browser.drop(picture())
                await browser.until("!document.getElementById('answer-box').hidden")
                assert (await texts(browser, "#rationale"))[0].startswith("<img")
                assert await browser.js("document.querySelectorAll('#rationale img').length") == 0

    asyncio.run(run())

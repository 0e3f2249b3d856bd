"""An engine over real HTTP that says what it is told to, and a gateway in front of it, in one event loop."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from PIL import Image

from rlfg.serving.gateway import GatewaySpec, Limits
from rlfg.serving.gateway.app import build_app
from rlfg.taxonomy import Taxonomy, taxonomy_from_lineages

SAID = ["Herring Gull"] * 6 + ["gull", "Laughing Gull", "a spaceship", "None"]


def birds() -> Taxonomy:
    """Two gulls and a warbler."""
    lineages = {
        "Herring Gull": ["Charadriiformes", "Laridae", "Larus"],
        "Laughing Gull": ["Charadriiformes", "Laridae", "Leucophaeus"],
        "Cerulean Warbler": ["Passeriformes", "Parulidae", "Setophaga"],
    }
    return taxonomy_from_lineages(
        {name: [*above, name] for name, above in lineages.items()},
        ranks=("order", "family", "genus", "species"),
        root="bird",
    )


def picture(size: tuple[int, int] = (8, 6), kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(buffer, kind, **options)
    return buffer.getvalue()


def tagged(answers: Sequence[str]) -> list[str]:
    return [f"<think>because {i}</think><answer>{answer}</answer>" for i, answer in enumerate(answers)]


class StubEngine:
    """POST /v1/chat/completions with the first `n` of its texts; holds them back until `go` is set."""

    def __init__(self, texts: Sequence[str] | None = None) -> None:
        self.texts = list(texts or tagged(SAID))
        self.go = asyncio.Event()
        self.go.set()
        self.status, self.bodies, self.headers, self.paths = 200, list[Any](), list[Any](), list[str]()
        self.now = self.most = self.cancelled = 0
        self.streamed = [f"data: {number}\n\n".encode() for number in range(3)]

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 28)
        app.router.add_get("/health", self.health)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_route("*", "/{path:.*}", self.echo)
        return app

    async def health(self, _: web.Request) -> web.Response:
        return web.Response(status=self.status)

    async def echo(self, request: web.Request) -> web.Response:
        self.paths.append(request.raw_path)
        return web.json_response({"path": request.raw_path, "key": request.headers.get("Authorization")})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.go.wait()
            if body.get("stream"):
                return await self.stream(request)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.now -= 1
        if self.status != 200:
            return web.json_response({"error": {"message": "stubbed"}}, status=self.status)
        choices = [{"message": {"content": text}} for text in self.texts[: body.get("n", 1)]]
        return web.json_response({"choices": choices})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for part in self.streamed:
            await response.write(part)
        return response


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    """The app on a free port, with clients' leaving made known to it."""
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def gateway(
    engine: StubEngine,
    *,
    limits: Limits | None = None,
    change: Callable[[web.Application], None] = lambda app: None,
    **options: Any,
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a gateway in front of `engine`."""
    async with listening(engine.app()) as url:
        spec = GatewaySpec(
            engine_url=f"{url}/v1", model="tuned", question="What is it?", limits=limits or Limits(), **options
        )
        app = build_app(spec, birds())
        change(app)
        async with listening(app) as address, aiohttp.ClientSession(address) as client:
            yield client


def form(*pictures: bytes, **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for number, one in enumerate(pictures):
        data.add_field("image", io.BytesIO(one), filename=f"{number}.png", content_type="image/png")
    for name, value in fields.items():
        data.add_field(name, value)
    return data

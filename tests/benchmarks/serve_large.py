"""What large pictures do to everybody else: how long the gateway's event loop stands still while they are decoded.

    python tests/benchmarks/serve_large.py            # large pictures in processes of their own, as served
    python tests/benchmarks/serve_large.py --threads  # in threads of the gateway, for comparison

The engine is a stub. While one client sends a large picture after another, a probe in the gateway's event loop sleeps
for a millisecond at a time; what it sleeps longer is what every other request waits.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web
from PIL import Image
from serve_load import COUNTS, gateway_app, started, stub_app
from serving_toys import form

from rlfg.data.world import WorldSpec, write_world
from rlfg.serving.gateway import decoder

LAGS = web.AppKey("lags", list[float])
SHAPES: dict[str, tuple[int, int, str, dict[str, Any]]] = {
    "JPEG, 12 megapixels": (4000, 3000, "RGB", {"format": "JPEG", "quality": 90}),
    "JPEG, 39 megapixels": (7500, 5200, "RGB", {"format": "JPEG", "quality": 90}),
    "PNG with transparency, 6 megapixels": (3000, 2000, "RGBA", {"format": "PNG", "compress_level": 1}),
}


def photo(width: int, height: int, mode: str, options: dict[str, Any]) -> bytes:
    """Smooth noise: compresses as a photograph does."""
    low = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8, len(mode)), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(low, mode).resize((width, height), Image.Resampling.BICUBIC).save(buffer, **options)
    return buffer.getvalue()


def probed(engine: str, world: str, threads: bool) -> web.Application:
    """The gateway, with a probe in its loop and GET /lags."""
    if threads:
        decoder.SMALL = 1 << 40
    app = gateway_app(engine, world, 10, 56, "tuned")

    async def probe(app: web.Application) -> AsyncIterator[None]:
        async def look() -> None:
            while True:
                began = time.perf_counter()
                await asyncio.sleep(0.001)
                app[LAGS].append(1000 * (time.perf_counter() - began) - 1)

        app[LAGS] = []
        task = asyncio.create_task(look())
        yield
        task.cancel()

    async def lags(request: web.Request) -> web.Response:
        found = list(request.app[LAGS])
        request.app[LAGS].clear()
        return web.json_response(found)

    app.cleanup_ctx.append(probe)
    app.router.add_get("/lags", lags)
    return app


async def measure(address: str, name: str, count: int, body: dict[str, Any]) -> None:
    async with aiohttp.ClientSession(address) as http:
        times = []
        for number in range(count + 1):
            if number == 1:  # the first one starts the process
                await (await http.get("/lags")).read()
            began = time.perf_counter()
            data = form(body["file"]) if "file" in body else None
            async with http.post("/v1/classify", data=data, json=body.get("json")) as reply:
                assert reply.status == 200, await reply.text()
            times.append(time.perf_counter() - began)
        lags = await (await http.get("/lags")).json()
    p99 = statistics.quantiles(lags, n=100)[98]
    print(f"{name:<48} {statistics.median(times[1:]):5.2f} s each; loop stands still {p99:5.1f} ms (p99), "
          f"{max(lags):5.1f} ms (most)", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=8, help="of each kind")
    parser.add_argument("--threads", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_world(Path(folder), WorldSpec(seed=5, counts=COUNTS))
        with (
            started(stub_app) as (_, url),
            started(probed, f"{url}/v1", folder, args.threads) as (_, address),
        ):
            for name, shape in SHAPES.items():
                data = photo(*shape)
                asyncio.run(measure(address, name, args.pictures, {"file": data}))
                text = base64.b64encode(data).decode()
                if len(text) < 19_000_000:
                    body = {"json": {"image": {"base64": text}}}
                    asyncio.run(measure(address, f"{name}, as base64", args.pictures, body))


if __name__ == "__main__":
    main()

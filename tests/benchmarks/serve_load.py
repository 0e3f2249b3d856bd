"""What the gateway costs: beside the bare engine asked for the same tokens, and on an engine that takes no time.

    python tests/benchmarks/serve_load.py --pictures 2000 --clients 64          # needs vLLM
    python tests/benchmarks/serve_load.py --stub                                # needs none

With vLLM on the embedded model: blocks of pictures go in turn through the gateway and straight to the engine, as one
and the same chat request. Rates are of pictures, and of tokens as the engine counts them, for both draw their answers.
With the stub, which is a process of its own and answers at once: requests a second of gateway CPU, and the time a
request takes longer through the gateway than without it, one at a time.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import multiprocessing
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from serving_toys import StubEngine, form

from rlfg.data import load_prompt
from rlfg.data.world import WorldSpec, write_world
from rlfg.serving import ServerSpec, VllmServer
from rlfg.serving.gateway import GatewaySpec, Limits
from rlfg.serving.gateway.app import build_app
from rlfg.taxonomy import load_taxonomy

BASE = Path(__file__).parents[2] / "recipes" / "assets" / "world-base"
QUESTION = load_prompt("short").text
COUNTS = {"sft": {}, "rl": {}, "val": {}, "test": {"seen": 8}}
Ask = Callable[[bytes], Awaitable[None]]


def serve_app(make: Callable[..., web.Application], args: tuple[Any, ...], ports: Any) -> None:
    """Runs an application in this process and says at which port."""

    async def run() -> None:
        runner = web.AppRunner(make(*args), access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        ports.put(runner.addresses[0][1])
        await stop.wait()
        await runner.cleanup()

    asyncio.run(run())


@contextmanager
def started(make: Callable[..., web.Application], *args: Any) -> Iterator[tuple[Any, str]]:
    """A process that serves an application, and its URL."""
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    process = context.Process(target=serve_app, args=(make, args, ports))
    process.start()
    try:
        yield process, f"http://127.0.0.1:{ports.get(timeout=60)}"
    finally:
        process.terminate()
        process.join()


def stub_app() -> web.Application:
    return StubEngine().app()


def gateway_app(engine: str, world: str, samples: int, tokens: int, model: str) -> web.Application:
    taxonomy = load_taxonomy(Path(world) / "taxonomy.csv", root="organism")
    limits = Limits(samples=samples, waiting=1024)
    spec = GatewaySpec(engine_url=engine, model=model, question=QUESTION, max_tokens=tokens, limits=limits)
    return build_app(spec, taxonomy)


def chat_body(picture: bytes, model: str, samples: int, tokens: int) -> dict[str, Any]:
    """What the gateway asks."""
    url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": QUESTION}]
    drawing = {"temperature": 1, "top_p": 1, "top_k": -1, "min_p": 0, "repetition_penalty": 1}
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "n": samples,
        "max_tokens": tokens,
        **drawing,
    }


async def drive(ask: Ask, pictures: list[bytes], clients: int) -> list[float]:
    """Seconds of each request, `clients` at a time."""
    left, times = iter(pictures), list[float]()

    async def client() -> None:
        for picture in left:
            began = time.perf_counter()
            await ask(picture)
            times.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(clients)))
    return times


def asking(http: aiohttp.ClientSession, gateway: str, engine: str, args: Any) -> tuple[Ask, Ask]:
    """The two ways; either raises where the answer is not 200."""

    async def through(picture: bytes) -> None:
        async with http.post(f"{gateway}/v1/classify", data=form(picture)) as reply:
            found = await reply.json()
            assert reply.status == 200 and found["samples"]["asked"] == args.samples, found

    async def bare(picture: bytes) -> None:
        body = chat_body(picture, args.model, args.samples, args.tokens)
        async with http.post(f"{engine}/chat/completions", json=body) as reply:
            found = await reply.json()
            assert reply.status == 200 and len(found["choices"]) == args.samples, found

    return through, bare


async def generated(http: aiohttp.ClientSession, engine: str) -> float:
    """Tokens that the engine has decoded so far, as it counts them."""
    async with http.get(engine.removesuffix("/v1") + "/metrics") as reply:
        lines = (await reply.text()).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("vllm:generation_tokens_total"))


async def against_vllm(gateway: str, engine: str, pictures: list[bytes], args: Any) -> None:
    timeout = aiohttp.ClientTimeout(600)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as http:
        through, bare = asking(http, gateway, engine, args)
        for ask in (through, bare):
            await drive(ask, pictures[: args.clients], args.clients)
        size = -(-len(pictures) // args.blocks)
        rates: dict[str, list[tuple[float, float]]] = {"gateway": [], "bare": []}
        for number, first in enumerate(range(0, len(pictures), size)):
            block = pictures[first : first + size]
            ways = [("gateway", through), ("bare", bare)]
            for name, ask in ways if number % 2 else reversed(ways):
                before, began = await generated(http, engine), time.perf_counter()
                await drive(ask, block, args.clients)
                seconds = time.perf_counter() - began
                rates[name].append((len(block) / seconds, (await generated(http, engine) - before) / seconds))
    print(f"{len(pictures)} pictures each way, {args.clients} clients, {args.samples} answers each, no error")
    for what, unit in enumerate(("pictures/s", "tokens/s")):
        ways_N = {name: [block[what] for block in blocks] for name, blocks in rates.items()}
        for name, values in ways_N.items():
            print(f"{name:<8}{statistics.mean(values):9.1f} {unit}  blocks {' '.join(f'{v:.1f}' for v in values)}")
        ratios = [a / b for a, b in zip(ways_N["gateway"], ways_N["bare"], strict=True)]
        spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
        print(f"gateway / bare, {unit}: median of {len(ratios)} blocks {statistics.median(ratios):.3f} ({spread})")


async def against_stub(gateway: str, engine: str, pid: int, pictures: list[bytes], args: Any) -> None:
    process = psutil.Process(pid)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        through, bare = asking(http, gateway, engine, args)
        await drive(through, pictures[:200], args.clients)
        before, began = process.cpu_times(), time.perf_counter()
        await drive(through, pictures, args.clients)
        wall, after = time.perf_counter() - began, process.cpu_times()
        cpu = after.user + after.system - before.user - before.system
        alone = pictures[:500]
        slow, fast = await drive(through, alone, 1), await drive(bare, alone, 1)
    print(f"stub: {len(pictures)} requests, {args.clients} clients, no error: {len(pictures) / wall:.0f}/s, "
          f"{len(pictures) / cpu:.0f} for a second of gateway CPU")  # fmt: skip
    for share in (50, 99):
        a, b = (statistics.quantiles(times, n=100)[share - 1] * 1000 for times in (slow, fast))
        print(f"one at a time, p{share}: {a:.2f} ms through the gateway, {b:.2f} ms bare, {a - b:+.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=56)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--model", default="tuned")
    parser.add_argument("--stub", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_world(Path(folder), WorldSpec(seed=5, counts=COUNTS))
        drawn = [path.read_bytes() for path in sorted((Path(folder) / "images" / "test").iterdir())]
        pictures = [drawn[i % len(drawn)] for i in range(args.pictures)]
        if args.stub:
            with (
                started(stub_app) as (_, url),
                started(gateway_app, f"{url}/v1", folder, args.samples, args.tokens, args.model) as (gateway, address),
            ):
                asyncio.run(against_stub(address, f"{url}/v1", gateway.pid, pictures, args))
        else:
            spec = ServerSpec(model=str(BASE), name=args.model, max_model_len=512)
            with (
                VllmServer(spec, log=Path(folder) / "server.log") as server,
                started(gateway_app, server.url, folder, args.samples, args.tokens, args.model) as (_, address),
            ):
                asyncio.run(against_vllm(address, server.url, pictures, args))


if __name__ == "__main__":
    main()

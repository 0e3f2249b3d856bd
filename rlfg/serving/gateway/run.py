"""A gateway's life: it listens, waits for its engine, and ends in order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from rlfg.errors import RlfgError
from rlfg.serving.gateway.app import build_app
from rlfg.serving.gateway.spec import GatewaySpec
from rlfg.serving.vllm_server import VllmServer
from rlfg.taxonomy import Taxonomy

LOOK_EVERY = 0.5
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a gateway listens, and how it leaves."""

    host: str = "127.0.0.1"
    port: int = 8080
    """0: any free one."""
    grace_s: float = 30.0
    """For requests under way, once asked to stop."""


async def serve(
    spec: GatewaySpec,
    taxonomy: Taxonomy,
    place: Place,
    *,
    engine: VllmServer | None = None,
    on_listening: Callable[[str], None] = lambda url: None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves until SIGTERM or SIGINT; then takes no more, and ends what is under way within the grace.

    Args:
        spec: of the gateway.
        taxonomy: what answers are resolved in.
        place: where to listen.
        engine: a server of its own, started already; its end is the gateway's.
        on_listening: told the URL once.
        on_ready: called when the engine is healthy first.

    Raises:
        RlfgError: The port is taken, or the engine has ended or is not healthy in time; why.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    # A client that leaves cancels its handler, and with it the question to the engine.
    runner = web.AppRunner(
        build_app(spec, taxonomy),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=place.grace_s,
        keepalive_timeout=spec.limits.read_timeout_s,
    )
    await runner.setup()
    try:
        on_listening(await _listen(runner, place))
        watch = asyncio.create_task(_watch(engine, on_ready))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({watch, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (watch, stopping):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
    finally:
        await runner.cleanup()
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _listen(runner: web.AppRunner, place: Place) -> str:
    try:
        await web.TCPSite(runner, place.host, place.port, backlog=1024).start()
    except OSError as error:
        reason = error.strerror or error
        raise RlfgError(f"cannot listen on {place.host} port {place.port}: {reason}") from error
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _watch(engine: VllmServer | None, on_ready: Callable[[], None]) -> None:
    """Ends only by the engine's end: an RlfgError that says why."""
    if engine is None:
        await asyncio.Event().wait()
        return
    limit = asyncio.get_running_loop().time() + engine.ready_within
    while not await asyncio.to_thread(engine.healthy):
        engine.check()
        if asyncio.get_running_loop().time() > limit:
            raise RlfgError(f"the engine is not healthy after {engine.ready_within:g} s; its log says more")
        await asyncio.sleep(LOOK_EVERY)
    on_ready()
    while True:
        engine.check()
        await asyncio.sleep(LOOK_EVERY)

"""Every other /v1/ route goes to the engine as it came, and its answer back as it comes."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from yarl import URL

from rlfg.serving.gateway.body import read_bytes
from rlfg.serving.gateway.engine import Engine
from rlfg.serving.gateway.errors import ApiError, engine_error
from rlfg.serving.gateway.gate import Gate

HANDED_ON = ("Content-Type", "Accept")
"""Of the client's headers. Its key is the gateway's, not the engine's."""
HANDED_BACK = ("Content-Type", "Cache-Control", "Retry-After", "X-Request-Id")
CLOSED = ("load_lora_adapter", "unload_lora_adapter")
"""Of the engine's routes: they read folders of its machine."""


async def pass_through(request: web.Request, engine: Engine, gate: Gate) -> web.StreamResponse:
    """Hands one request on.

    Raises:
        ApiError: No such route; too many requests; the engine is down or slow.
    """
    url = URL(engine.url + checked(request.raw_path).removeprefix("/v1"), encoded=True)
    async with gate.entered():
        body = await read_bytes(request, engine.spec.limits) if request.can_read_body else None
        headers = {name: request.headers[name] for name in HANDED_ON if name in request.headers}
        timeout = aiohttp.ClientTimeout(total=None, sock_read=engine.spec.limits.engine_timeout_s)
        async with gate.slot():
            asking = engine.http.request(
                request.method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            )
            return await _forward(request, asking, taken_within=engine.spec.limits.read_timeout_s)


def checked(raw_path: str) -> str:
    """The path and query, if they stay below /v1/ whatever is decoded, and name no closed route.

    Raises:
        ApiError: 404.
    """
    parts = unquote(unquote(raw_path.partition("?")[0])).replace("\\", "/").split("/")
    if parts[:2] != ["", "v1"] or {".", ".."} & set(parts) or any(part in CLOSED for part in parts):
        raise ApiError(404, "there is no such route")
    return raw_path


async def _forward(
    request: web.Request, asking: AbstractAsyncContextManager[aiohttp.ClientResponse], *, taken_within: float
) -> web.StreamResponse:
    """What the engine says, byte by byte; a connection that breaks in the middle is broken for the client, too.

    A client that does not take a part within so many seconds is left, for it keeps others from the engine.
    """
    response: web.StreamResponse | None = None
    try:
        async with asking as reply:
            headers = {name: reply.headers[name] for name in HANDED_BACK if name in reply.headers}
            response = web.StreamResponse(status=reply.status, headers=headers)
            await response.prepare(request)
            async for part in reply.content.iter_any():
                async with asyncio.timeout(taken_within):
                    await response.write(part)
            await response.write_eof()
            return response
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        if response is None or not response.prepared:
            slow = isinstance(error, TimeoutError)
            raise engine_error(504 if slow else 503, f"the engine gave no answer ({type(error).__name__})") from error
        if request.transport is not None:
            request.transport.abort()
        return response

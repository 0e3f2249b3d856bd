"""The API key: asked for on every /v1/ route when the gateway has one."""

from __future__ import annotations

import hmac
from typing import Any

from aiohttp import web

from rlfg.serving.gateway.errors import ApiError, Handler


def key_needed(key: str) -> Any:
    """A middleware that lets only those in who show `Authorization: Bearer KEY`; compared in constant time."""
    expected = key.encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/v1/") or request.raw_path.startswith("/v1/"):
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            shown = given.strip().encode(errors="surrogateescape")
            if scheme.lower() != "bearer" or not hmac.compare_digest(shown, expected):
                what = "wrong" if given else "missing"
                message = f"the API key is {what}; send it as `Authorization: Bearer KEY`"
                raise ApiError(401, message, kind="authentication_error", headers={"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return check

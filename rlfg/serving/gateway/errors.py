"""Errors as OpenAI's routes have them, for whatever goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

LOG = logging.getLogger("rlfg.serving")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiError(Exception):
    """What a client is told in place of an answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message)  # all that it takes to be made again in another process
        self.status, self.message, self.param, self.kind = status, message, param, kind
        self.headers = dict(headers or {})

    def __str__(self) -> str:
        """The message."""
        return self.message

    def body(self) -> dict[str, Any]:
        """The JSON object."""
        return {"error": {"type": self.kind, "message": self.message, "param": self.param}}

    def response(self) -> web.Response:
        """The whole answer."""
        return web.json_response(self.body(), status=self.status, headers=self.headers)


def engine_error(status: int, message: str) -> ApiError:
    """What is the engine's fault: 502 (it failed), 503 (it is not there), 504 (too slow)."""
    return ApiError(status, message, kind="engine_error", headers={"Retry-After": "5"} if status == 503 else None)


@web.middleware
async def as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure is the same JSON object, and none ends the server."""
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except web.HTTPException as error:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        message = f"{request.method} {request.path}: {error.reason}"
        return ApiError(error.status, message, headers=headers).response()
    except ConnectionError:
        raise
    except Exception:
        LOG.exception("%s %s failed", request.method, request.path)
        return ApiError(500, "the gateway failed; its log says how", kind="server_error").response()

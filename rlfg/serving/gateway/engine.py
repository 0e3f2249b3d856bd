"""The gateway's side of the engine: N answers by one request, and whether it is there at all."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any, final

import aiohttp

from rlfg.rollouts.vllm.process import NEVER
from rlfg.serving.gateway.errors import ApiError, engine_error
from rlfg.serving.gateway.spec import GatewaySpec

HEALTH_WITHIN = 3.0
JSON = {"Content-Type": "application/json"}
PICTURE = "data:picture"
"""Where a request has its picture; before anything that a client writes."""


@final
class Engine:
    """An OpenAI-compatible server; one connection pool for a gateway, closed with it."""

    def __init__(self, spec: GatewaySpec) -> None:
        self.spec = spec
        self.url = spec.engine_url.rstrip("/")
        headers = {"Accept-Encoding": "identity"}
        if spec.engine_key:
            headers["Authorization"] = f"Bearer {spec.engine_key}"
        self.http = aiohttp.ClientSession(
            headers=headers,
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Closes its connections."""
        await self.http.close()

    async def healthy(self) -> bool:
        """Whether its /health answers now."""
        url = self.url.removesuffix("/v1") + "/health"
        try:
            async with self.http.get(url, timeout=aiohttp.ClientTimeout(total=HEALTH_WITHIN)) as reply:
                return reply.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def sample(self, picture: str, *, samples: int, question: str | None) -> list[str]:
        """`samples` answers about a picture (a data URL). A caller that is cancelled cancels them at the engine.

        Raises:
            ApiError: 400 if the engine refuses the picture, 502 if it fails, 503 if it is down, 504 if it is slow.
        """
        try:
            async with asyncio.timeout(self.spec.limits.engine_timeout_s):
                url, body = f"{self.url}/chat/completions", io.BytesIO(self._body(picture, samples, question))
                async with self.http.post(url, data=body, headers=JSON) as r:
                    status, data = r.status, await r.read()
        except TimeoutError:
            raise engine_error(504, f"no answer within {self.spec.limits.engine_timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise engine_error(503, f"the engine is down ({type(error).__name__})") from error
        if status != 200:
            raise _refusal(status, data)
        return _texts(data, samples)

    def _body(self, picture: str, samples: int, question: str | None) -> bytes:
        """As training asks: picture, then question, no system prompt, and none of the model's sampling defaults."""
        spec = self.spec
        content = [
            {"type": "image_url", "image_url": {"url": PICTURE}},
            {"type": "text", "text": question or spec.question},
        ]
        body: dict[str, Any] = {
            "messages": [{"role": "user", "content": content}],
            "model": spec.model,
            "n": samples,
            "temperature": spec.temperature,
            "top_p": spec.top_p,
            "top_k": -1,
            "min_p": 0,
            "repetition_penalty": 1,
            "max_tokens": spec.max_tokens,
            "logit_bias": {str(token): NEVER for token in spec.banned_ids},
        }
        # A data URL is JSON as it is; to look for what must be escaped in 25 MB of it takes 50 ms.
        head, _, tail = json.dumps(body).encode().partition(PICTURE.encode())
        return b"".join((head, picture.encode("ascii"), tail))


def _refusal(status: int, data: bytes) -> ApiError:
    message = " ".join(data.decode(errors="replace").split())[:300]
    try:
        found = json.loads(data)
        message = str((found.get("error") or found).get("message") or message)[:300]
    except (ValueError, AttributeError):
        pass
    if status in (400, 413, 422):
        return ApiError(400, f"the model cannot take this picture or question: {message}", param="image")
    return engine_error(503 if status in (429, 503) else 502, f"the engine answered with status {status}: {message}")


def _texts(data: bytes, samples: int) -> list[str]:
    try:
        texts = [choice["message"]["content"] or "" for choice in json.loads(data)["choices"]]
    except (ValueError, LookupError, TypeError):
        raise engine_error(502, "the engine's answer is no chat completion") from None
    if not all(isinstance(text, str) for text in texts):
        raise engine_error(502, "the engine's answer has no text")
    if len(texts) != samples:
        raise engine_error(502, f"{samples} answers asked, {len(texts)} given")
    return texts

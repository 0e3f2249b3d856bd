"""The project's client of OpenAI-compatible chat endpoints (vLLM's server, or any other).

It retries what can be retried, gives up on what cannot, and says why; what a failure means is its caller's
business. Needs aiohttp (`pip install 'rlfg[judge]'`).
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar, final

from rlfg.errors import RlfgError
from rlfg.read_json import loads

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")
_RETRIED = {408, 409, 425, 429}
"""Besides every 5xx: what the same request may be granted later."""
MOST_BYTES = 4_000_000
"""Of a reply; no text comes near."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often, and how far apart, a request is sent again. Waits grow twofold, each drawn from its upper half."""

    attempts: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    longest_asked_s: float = 600.0
    """A server that asks for a longer wait (a spent quota) fails the request at once."""

    def wait(self, attempt: int, asked: float | None = None) -> float:
        """Seconds to wait after the failed attempt `attempt` (from 1); at least what the server `asked` for."""
        longest = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempt - 1))
        # Not of the global generator: waiting must not move anybody's draws.
        return max(longest * random.SystemRandom().uniform(0.5, 1.0), asked or 0.0)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a model is served, and how patiently it is asked."""

    model: str
    """Its name at the endpoint."""
    base_url: str = "http://127.0.0.1:8000/v1"
    api_key_env: str | None = None
    """Environment variable that holds the key; None for none."""
    max_concurrency: int = 64
    """Requests under way at once."""
    timeout_s: float = 60.0
    """For one attempt from first to last byte, so that a trickle ends, too."""
    retry: Retry = field(default_factory=Retry)

    def __post_init__(self) -> None:
        """Refuse what could never answer."""
        if not self.base_url.startswith(("http://", "https://")):
            raise RlfgError(f"base_url is {self.base_url!r}; it starts with http:// or https://, and ends with /v1")
        if self.max_concurrency < 1 or self.timeout_s <= 0 or self.retry.attempts < 1:
            raise RlfgError("max_concurrency, timeout_s and retry.attempts must be above 0")


class ChatFailure(Exception):
    """One request that gave nothing, and why."""

    def __init__(self, reason: str, *, retryable: bool, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.wait_s = wait_s
        """What the server asked to wait."""


@final
class ChatClient:
    """Sends chat requests to one endpoint; use as an asynchronous context manager."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        on_attempt: Callable[[str | None], None] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`on_attempt` is told of every attempt: None where it succeeded, else the reason."""
        self.endpoint, self.most_bytes = endpoint, most_bytes
        self._on_attempt = on_attempt or (lambda reason: None)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        aiohttp = _import_aiohttp()
        self._http = aiohttp.ClientSession(
            headers=self._headers(),
            connector=aiohttp.TCPConnector(limit=self.endpoint.max_concurrency),
            timeout=aiohttp.ClientTimeout(total=self.endpoint.timeout_s),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def ask(self, body: Mapping[str, Any], read: Callable[[str], T]) -> T:
        """The reply to one chat request, as `read` understands its text.

        Args:
            body: of the request, without the model.
            read: makes the result of the reply's text; raises ValueError where it cannot, which is retried.

        Raises:
            ChatFailure: After the last attempt, or at once where another would fail alike.
        """
        return await self.reply(body, lambda text: read(_content(text)))

    async def reply(self, body: Mapping[str, Any], read: Callable[[str], T]) -> T:
        """The same for the whole reply, of any number of choices: `read` gets its JSON as text."""
        return await self._retried("chat/completions", {"model": self.endpoint.model, **body}, read)

    async def post(self, route: str, body: Mapping[str, Any]) -> str:
        """What another route of the endpoint answers."""
        return await self._retried(route, body, str)

    async def _retried(self, route: str, body: Mapping[str, Any], read: Callable[[str], T]) -> T:
        retry = self.endpoint.retry
        for attempt in range(1, retry.attempts + 1):
            try:
                result = await self._attempt(route, body, read)
            except ChatFailure as failure:
                self._on_attempt(failure.reason)
                if not failure.retryable:
                    raise
                if failure.wait_s is not None and failure.wait_s > retry.longest_asked_s:
                    raise ChatFailure(
                        f"{failure.reason} (it asks to wait {failure.wait_s:g} s)", retryable=True
                    ) from failure
                if attempt == retry.attempts:
                    tries = f"{attempt} attempts: " if attempt > 1 else ""
                    raise ChatFailure(tries + failure.reason, retryable=True) from failure
                await asyncio.sleep(retry.wait(attempt, failure.wait_s))
            else:
                self._on_attempt(None)
                return result
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, route: str, body: Mapping[str, Any], read: Callable[[str], T]) -> T:
        text = await self._send(route, body)
        try:
            return read(text)
        except ValueError as error:
            raise ChatFailure(f"unusable reply: {error}", retryable=True) from None

    async def _send(self, route: str, body: Mapping[str, Any]) -> str:
        """The body of a 200 reply, read up to a limit."""
        aiohttp = _import_aiohttp()
        assert self._http is not None, "use `async with`"
        url = f"{self.endpoint.base_url.rstrip('/')}/{route}"
        try:
            async with self._http.post(url, json=body) as reply:
                text = await _read(reply.content, self.most_bytes)
        except TimeoutError:
            raise ChatFailure(f"no reply within {self.endpoint.timeout_s:g} s", retryable=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise ChatFailure(f"{type(error).__name__}: {error or url}", retryable=True) from None
        if reply.status != 200:
            raise _refusal(reply.status, text, reply.headers.get("retry-after"))
        return text

    def _headers(self) -> dict[str, str]:
        name = self.endpoint.api_key_env
        if name is None:
            return {}
        if not os.environ.get(name):
            raise RlfgError(f"the environment variable {name} (api_key_env) is not set; it holds the endpoint's key")
        return {"Authorization": f"Bearer {os.environ[name]}"}


async def _read(content: aiohttp.StreamReader, most_bytes: int) -> str:
    parts: list[bytes] = []
    size = 0
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most_bytes:
            raise ChatFailure(f"a reply of more than {most_bytes:,} bytes", retryable=False)
    return b"".join(parts).decode(errors="replace")


def _content(text: str) -> str:
    """The message of a chat completion; ValueError where there is no whole one."""
    try:
        choice = loads(text)["choices"][0]
        content, finish = choice["message"]["content"], choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ValueError(f"not a chat completion: {_short(text)}") from None
    if not isinstance(content, str):
        raise ValueError("a chat completion without text")
    if finish == "length":
        raise ValueError(f"cut at the token limit: {_short(content)}")
    return content


def _refusal(status: int, text: str, retry_after: str | None) -> ChatFailure:
    retryable = status >= 500 or status in _RETRIED
    return ChatFailure(f"HTTP {status}: {_short(text)}", retryable=retryable, wait_s=_seconds(retry_after))


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After header: seconds, or a date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 120 else line[:117] + "…")


def _import_aiohttp() -> Any:
    try:
        import aiohttp
    except ImportError as error:
        raise RlfgError("asking an endpoint needs aiohttp: pip install 'rlfg[judge]'") from error
    return aiohttp

"""How many requests are taken in, and how many of them the engine sees at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import final

from rlfg.serving.gateway.errors import ApiError


@final
class Gate:
    """`entered()` stands around a request, before its body is read; `slot()` around a question to the engine."""

    def __init__(self, *, concurrency: int, waiting: int) -> None:
        self.most = concurrency + waiting
        self.entered_now = 0
        self._slots = asyncio.Semaphore(concurrency)

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Counts a request in.

        Raises:
            ApiError: 429; as many as there may be are in already.
        """
        if self.entered_now >= self.most:
            message = f"{self.entered_now} requests are under way or waiting; try again"
            raise ApiError(429, message, kind="rate_limit_error", headers={"Retry-After": "1"})
        self.entered_now += 1
        try:
            yield
        finally:
            self.entered_now -= 1

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Waits for room at the engine."""
        async with self._slots:
            yield

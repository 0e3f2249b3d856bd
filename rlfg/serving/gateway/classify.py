"""POST /v1/classify and /v1/classify/batch."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from eval.confidence import Reader
from rlfg.serving.gateway.body import Asked, Source, read_asked
from rlfg.serving.gateway.decoder import Decoder
from rlfg.serving.gateway.engine import Engine
from rlfg.serving.gateway.errors import ApiError
from rlfg.serving.gateway.fetch import Fetcher
from rlfg.serving.gateway.gate import Gate
from rlfg.serving.gateway.metrics import Metrics
from rlfg.serving.gateway.spec import GatewaySpec
from rlfg.serving.gateway.vote import vote
from rlfg.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """Everything an answer takes."""

    spec: GatewaySpec
    taxonomy: Taxonomy
    read: Reader
    engine: Engine
    gate: Gate
    fetcher: Fetcher
    decoder: Decoder
    metrics: Metrics

    async def one(self, request: web.Request) -> web.Response:
        """A picture; its answer."""
        async with self.gate.entered():
            asked = await read_asked(request, self.spec.limits, batch=False)
            return web.json_response(await self._answer(asked.pictures[0], asked))

    async def many(self, request: web.Request) -> web.Response:
        """Pictures; an answer or an error for each, in order."""
        async with self.gate.entered():
            asked = await read_asked(request, self.spec.limits, batch=True)
            tasks = []
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._answer_or_error(picture, asked)) for picture in asked.pictures]
            return web.json_response({"results": [task.result() for task in tasks]})

    async def _answer_or_error(self, picture: Source, asked: Asked) -> dict[str, Any]:
        try:
            return await self._answer(picture, asked)
        except ApiError as error:
            return error.body()

    async def _answer(self, picture: Source, asked: Asked) -> dict[str, Any]:
        try:
            answer = await self._classify(picture, asked)
        except ApiError:
            self.metrics.pictures.labels("failed").inc()
            raise
        self.metrics.classified(answer)
        return answer

    async def _classify(self, picture: Source, asked: Asked) -> dict[str, Any]:
        began = time.perf_counter()
        if isinstance(picture, ApiError):
            raise picture
        data = await self.fetcher.fetch(picture, asked.room) if isinstance(picture, str) else picture
        fetched = time.perf_counter()
        url = await self.decoder.url(data)
        decoded = time.perf_counter()
        async with self.gate.slot():
            sent = time.perf_counter()
            texts = await self.engine.sample(url, samples=asked.samples, question=asked.question)
            answered = time.perf_counter()
        self.metrics.decode.observe(decoded - fetched)
        self.metrics.engine.observe(answered - sent)
        result = vote(self.taxonomy, [self.read(text) for text in texts], threshold=self.spec.policy.threshold)
        rule = self.spec.policy
        alike = self.spec.as_calibrated and asked.question is None
        policy = {
            "risk": rule.risk,
            "delta": rule.delta,
            "threshold": rule.threshold,
            "calibrated": alike and rule.promises(asked.samples),
        }
        timing = {
            "decode_ms": _ms(decoded - fetched),
            "model_ms": _ms(answered - sent),
            "total_ms": _ms(time.perf_counter() - began),
        }
        return {**result, "model": self.spec.model, "policy": policy, "timing": timing}

    async def show_taxonomy(self, _: web.Request) -> web.Response:
        """GET /v1/taxonomy."""
        tree = self.taxonomy
        ranks = list(tree.main_ranks) or sorted({str(rank) for rank in set(tree.ranks) if rank is not None})
        return web.json_response({"name": tree.node_name(0), "ranks": ranks, "hash": tree.hash, "taxa": tree.n})


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)

"""Prometheus metrics of one gateway. No label takes a value that a client could make up."""

from __future__ import annotations

import asyncio
import time
from typing import Any, final

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from rlfg.serving.gateway.errors import Handler

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
GONE = "499"
"""Status of requests whose client left."""


@final
class Metrics:
    """Counters, and where they are read."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("rlfg_requests", "Requests by route and status", ["route", "status"], **own)
        self.seconds = Histogram("rlfg_request_seconds", "Time to answer", ["route"], buckets=SECONDS, **own)
        self.in_flight = Gauge("rlfg_requests_in_flight", "Requests under way", **own)
        self.pictures = Counter("rlfg_pictures", "Pictures by outcome (classified, failed)", ["outcome"], **own)
        self.answers = Counter("rlfg_answers", "Pictures by the answer's rank, or abstained", ["outcome"], **own)
        self.samples = Counter("rlfg_samples", "Sampled answers by what they are", ["outcome"], **own)
        self.decode = Histogram("rlfg_decode_seconds", "Time to decode a picture", buckets=SECONDS, **own)
        self.engine = Histogram("rlfg_engine_seconds", "Time of the engine for a picture", buckets=SECONDS, **own)

    def classified(self, answer: dict[str, Any]) -> None:
        """Counts an answer."""
        self.pictures.labels("classified").inc()
        taxon = answer["taxon"]
        self.answers.labels("abstained" if taxon is None else taxon["rank"] or "unranked").inc()
        for outcome, count in answer["samples"].items():
            if outcome != "asked":
                self.samples.labels(outcome).inc(count)

    async def show(self, _: web.Request) -> web.Response:
        """GET /metrics."""
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    @property
    def middleware(self) -> Any:
        """Counts and times every request."""

        @web.middleware
        async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
            route, began, status = route_of(request), time.perf_counter(), "500"
            self.in_flight.inc()
            try:
                response = await handler(request)
                status = str(response.status)
                return response
            except (asyncio.CancelledError, ConnectionError):
                status = GONE
                raise
            finally:
                self.in_flight.dec()
                self.requests.labels(route, status).inc()
                self.seconds.labels(route).observe(time.perf_counter() - began)

        return measure


def route_of(request: web.Request) -> str:
    """The route as it was declared; one name for all that there are none of."""
    resource = request.match_info.route.resource
    return "other" if resource is None else resource.canonical

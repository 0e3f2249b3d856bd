"""The gateway as an aiohttp application."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from eval.confidence import reader
from rlfg.serving.gateway.classify import Classifier
from rlfg.serving.gateway.decoder import Decoder
from rlfg.serving.gateway.engine import Engine
from rlfg.serving.gateway.errors import as_json, engine_error
from rlfg.serving.gateway.fetch import Fetcher
from rlfg.serving.gateway.gate import Gate
from rlfg.serving.gateway.key import key_needed
from rlfg.serving.gateway.metrics import Metrics
from rlfg.serving.gateway.page import add_page
from rlfg.serving.gateway.proxy import pass_through
from rlfg.serving.gateway.spec import GatewaySpec
from rlfg.taxonomy import Taxonomy


def build_app(spec: GatewaySpec, taxonomy: Taxonomy) -> web.Application:
    """Routes, limits and metrics; connections are opened when it starts and closed when it ends."""
    metrics, limits = Metrics(), spec.limits
    keys = [] if spec.api_key is None else [key_needed(spec.api_key)]
    app = web.Application(middlewares=[metrics.middleware, as_json, *keys], client_max_size=limits.body_bytes)
    read = reader(taxonomy, profile=spec.profile, mode=spec.parse_mode)

    async def parts(app: web.Application) -> AsyncIterator[None]:
        app[CLASSIFIER] = classifier = Classifier(
            spec=spec,
            taxonomy=taxonomy,
            read=read,
            engine=Engine(spec),
            gate=Gate(concurrency=limits.concurrency, waiting=limits.waiting),
            fetcher=Fetcher(spec.url_hosts, timeout_s=limits.fetch_timeout_s),
            decoder=Decoder(pixels=limits.pixels, processes=limits.decoders),
            metrics=metrics,
        )
        yield
        await classifier.fetcher.close()
        await classifier.engine.close()
        classifier.decoder.close()

    app.cleanup_ctx.append(parts)
    app.router.add_get("/health", health)
    app.router.add_get("/ready", ready)
    app.router.add_get("/metrics", metrics.show)
    app.router.add_post("/v1/classify", classify)
    app.router.add_post("/v1/classify/batch", classify_batch)
    app.router.add_get("/v1/taxonomy", taxonomy_of)
    for method in ("GET", "POST"):
        app.router.add_route(method, "/v1/{path:.*}", others)
    add_page(app)
    return app


CLASSIFIER = web.AppKey("classifier", Classifier)


async def health(_: web.Request) -> web.Response:
    """The gateway is alive."""
    return web.json_response({"status": "alive"})


async def ready(request: web.Request) -> web.Response:
    """The engine is healthy, too."""
    if not await request.app[CLASSIFIER].engine.healthy():
        raise engine_error(503, "the engine is not healthy (yet)")
    return web.json_response({"status": "ready"})


async def classify(request: web.Request) -> web.Response:
    """One picture."""
    return await request.app[CLASSIFIER].one(request)


async def classify_batch(request: web.Request) -> web.Response:
    """Several."""
    return await request.app[CLASSIFIER].many(request)


async def taxonomy_of(request: web.Request) -> web.Response:
    """What answers are made of."""
    return await request.app[CLASSIFIER].show_taxonomy(request)


async def others(request: web.Request) -> web.StreamResponse:
    """The engine's own routes."""
    classifier = request.app[CLASSIFIER]
    return await pass_through(request, classifier.engine, classifier.gate)

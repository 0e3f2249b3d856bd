"""Pictures by URL: from allowed hosts, at public addresses, whatever DNS and redirects say."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("prometheus_client")

from aiohttp import web
from aiohttp.abc import AbstractResolver
from serving_toys import StubEngine, gateway, listening, picture

from rlfg.serving.gateway.errors import ApiError
from rlfg.serving.gateway.fetch import Fetcher, Room, is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("::", False),
        ("fe80::1%eth0", False), ("fd00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False), ("64:ff9b:1::7f00:1", False), ("::7f00:1", False),
        ("2002:7f00:1::", False), ("2001:0:7f00:1::", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


class Dns(AbstractResolver):
    """Every name is `address`; counts how often it is asked."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address, self.asked = address, 0

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        self.asked += 1
        return [
            {"hostname": host, "host": self.address, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        ]

    async def close(self) -> None:
        """Nothing is open."""


def site() -> web.Application:
    """Good pictures, large ones, slow ones, and redirects."""

    async def serve(request: web.Request) -> web.Response:
        name = request.path[1:]
        if name == "slow":
            await asyncio.sleep(20)
        if name == "large":
            return web.Response(body=b"x" * 100_001)
        if name == "missing":
            raise web.HTTPNotFound
        if name.startswith("to-"):
            target = {
                "to-good": "/good",
                "to-self": "/to-self",
                "to-file": "file:///etc/passwd",
                "to-bad": "http://[bad",
            }.get(name)
            target = target or f"http://{name.removeprefix('to-')}:{request.url.port}/good"
            return web.Response(status=302, headers={"Location": target})
        return web.Response(body=picture())

    app = web.Application()
    app.router.add_get("/{name}", serve)
    return app


async def attempt(
    path: str, host: str = "pictures.test", *, dns: Dns | None = None, room: Room | None = None, **options: Any
) -> bytes | str:
    """What a fetch gives: the picture, or the error."""
    async with listening(site()) as url:
        port = url.rpartition(":")[2]
        fetcher = Fetcher(
            ("pictures.test", "127.0.0.1"), timeout_s=2 if path == "slow" else 60, schemes=("http",),
            resolver=dns or Dns(), **options,
        )  # fmt: skip
        try:
            return await fetcher.fetch(f"http://{host}:{port}/{path}", room or Room(100_000))
        except ApiError as error:
            assert 400 <= error.status < 500 and error.param == "image.url"
            return error.message
        finally:
            await fetcher.close()


ANYWHERE: Callable[[str], bool] = lambda address: True  # noqa: E731


def test_an_allowed_host_is_asked_and_resolved_once() -> None:
    dns = Dns()
    assert asyncio.run(attempt("good", dns=dns, allowed=ANYWHERE)) == picture()
    assert asyncio.run(attempt("to-good", allowed=ANYWHERE)) == picture()
    assert dns.asked == 1


@pytest.mark.parametrize(
    ("path", "host", "message"),
    [
        ("good", "other.test", "not fetched from 'other.test'"),
        ("good", "user@pictures.test", "names no user"),
        ("to-other.test", "pictures.test", "not fetched from 'other.test'"),
        ("to-file", "pictures.test", "starts with http://"),
        ("to-bad", "pictures.test", "not a URL"),
        ("to-self", "pictures.test", "redirects more than 3 times"),
        ("large", "pictures.test", "bring more than 100,000 bytes"),
        ("slow", "pictures.test", "no picture within 2 s"),
        ("missing", "pictures.test", "status 404"),
    ],
)
def test_what_is_not_fetched(path: str, host: str, message: str) -> None:
    assert message in str(asyncio.run(attempt(path, host, allowed=ANYWHERE)))


def test_the_urls_of_a_request_share_its_room() -> None:
    size = len(picture())
    room = Room(2 * size + 1)
    assert [asyncio.run(attempt("good", room=room, allowed=ANYWHERE)) for _ in range(2)] == [picture()] * 2
    assert "URLs bring more than" in str(asyncio.run(attempt("good", room=room, allowed=ANYWHERE)))


@pytest.mark.parametrize("host", ["pictures.test", "127.0.0.1"])
def test_a_name_of_this_machine_or_its_address_is_refused(host: str) -> None:
    assert asyncio.run(attempt("good", host)) == "the URL could not be fetched: its host has no public address"


def test_a_redirect_to_this_machine_is_refused() -> None:
    first: list[str] = []

    def once(address: str) -> bool:
        """The first connection is let through, as if it were public."""
        first.append(address)
        return len(first) == 1

    assert "no public address" in str(asyncio.run(attempt("to-127.0.0.1", allowed=once)))
    assert first == ["127.0.0.1", "127.0.0.1"]


def test_a_gateway_takes_urls_of_its_hosts_only() -> None:
    async def scenario() -> None:
        engine = StubEngine()
        async with gateway(engine, url_hosts=("localhost",)) as client:
            for url, message in (
                ("https://localhost:1/a.png", "no public address"),
                ("http://localhost:1/a.png", "starts with https://"),
                ("https://example.org/a.png", "not fetched from"),
                ("https://[::1", "not a URL"),
                ("", "starts with https://"),
            ):
                async with client.post("/v1/classify", json={"image": {"url": url}}) as reply:
                    assert reply.status == 400 and message in (await reply.json())["error"]["message"]
        assert not engine.bodies

    asyncio.run(scenario())

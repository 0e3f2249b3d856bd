"""A picture from a URL: allowed hosts only, and never from this machine or its network.

The address is checked on the socket that is about to be connected, so that what was checked is what is asked, whatever
the name resolves to, and after every redirect.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any, final

import aiohttp
from yarl import URL

from rlfg.serving.gateway.errors import ApiError

MOST_REDIRECTS = 3
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an address is public: not private, loopback, link-local, nor one of these in an IPv6 disguise."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None or ip.teredo is not None or ip in NAT64:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


@final
class Room:
    """How much the URLs of one request may bring, all together."""

    def __init__(self, most_bytes: int) -> None:
        self.most = self.left = most_bytes

    def take(self, size: int) -> None:
        """Raises ApiError (413) where so many bytes are too many."""
        self.left -= size
        if self.left < 0:
            raise ApiError(413, f"the request's URLs bring more than {self.most:,} bytes", param="image.url")


@final
class Fetcher:
    """Fetches pictures; one for a gateway, closed with it."""

    def __init__(
        self,
        hosts: tuple[str, ...],
        *,
        timeout_s: float,
        schemes: tuple[str, ...] = ("https",),
        allowed: Callable[[str], bool] = is_public,
        resolver: Any = None,
    ) -> None:
        """`hosts` are names as they stand in URLs; `schemes`, `allowed` and `resolver` are for tests."""
        self.hosts = {host.lower().rstrip(".") for host in hosts}
        self.timeout_s, self.schemes, self.allowed = timeout_s, schemes, allowed

        def make_socket(info: Any) -> socket.socket:
            family, kind, protocol, _, address = info
            if not self.allowed(str(address[0])):
                raise OSError(f"{address[0]}: no public address")
            made = socket.socket(family, kind, protocol)
            made.setblocking(False)
            return made

        connector = aiohttp.TCPConnector(socket_factory=make_socket, resolver=resolver, limit=16, force_close=True)
        self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Closes what is open."""
        await self._http.close()

    async def fetch(self, url: str, room: Room) -> bytes:
        """The bytes at `url`, which take their part of the request's room.

        Raises:
            ApiError: URLs are off; the host is not allowed; the address is not public; nothing useful came.
        """
        if not self.hosts:
            raise ApiError(400, "pictures by URL are off here; send the picture itself", param="image.url")
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._follow(self._check(url), room)
        except TimeoutError:
            raise ApiError(400, f"the URL gave no picture within {self.timeout_s:g} s", param="image.url") from None
        except (aiohttp.ClientError, OSError) as error:
            # Of several addresses the failures are joined to one text.
            refused = "no public address" in str(getattr(error, "os_error", error))
            reason = "its host has no public address" if refused else type(error).__name__
            raise ApiError(400, f"the URL could not be fetched: {reason}", param="image.url") from error

    async def _follow(self, url: URL, room: Room) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            async with self._http.get(url, allow_redirects=False) as reply:
                if reply.status in (301, 302, 303, 307, 308) and "Location" in reply.headers:
                    url = self._check(reply.headers["Location"], base=url)
                    continue
                if reply.status != 200:
                    raise ApiError(400, f"the URL answered with status {reply.status}", param="image.url")
                parts = []
                async for part in reply.content.iter_any():
                    room.take(len(part))
                    parts.append(part)
                return b"".join(parts)
        raise ApiError(400, f"the URL redirects more than {MOST_REDIRECTS} times", param="image.url")

    def _check(self, text: str, *, base: URL | None = None) -> URL:
        try:
            url = URL(text) if base is None else base.join(URL(text))
            host = (url.host or "").lower().rstrip(".")
        except ValueError as error:
            raise ApiError(400, f"not a URL: {error}", param="image.url") from error
        if url.scheme not in self.schemes or url.user is not None:
            raise ApiError(400, f"a URL starts with {self.schemes[0]}:// and names no user", param="image.url")
        if host not in self.hosts:
            raise ApiError(400, f"pictures are not fetched from {host or 'no host'!r}", param="image.url")
        return url

"""GET /: the page to try it, from files of the package, read once."""

from __future__ import annotations

import mimetypes
from importlib import resources
from typing import Any

from aiohttp import web

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_page(app: web.Application) -> None:
    """A route for each file of `rlfg/serving/page`, and `/` for its index.html."""
    folder = resources.files("rlfg.serving") / "page"
    for file in folder.iterdir():
        if not file.is_file() or file.name.endswith((".py", ".pyc")):
            continue
        handler = _serving(file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream")
        app.router.add_get(f"/{file.name}", handler)
        if file.name == "index.html":
            app.router.add_get("/", handler)


def _serving(data: bytes, kind: str) -> Any:
    charset = "utf-8" if kind.startswith("text/") else None

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=data, content_type=kind, charset=charset, headers=HEADERS)

    return serve

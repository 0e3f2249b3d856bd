"""What pages of one file are made with: templates, assets and pictures that go into the page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image, ImageOps

from rlfg.data import ImageError, open_image
from rlfg.data.images import data_url

SIZE = 192
"""Longer side of a thumbnail, in pixels."""


def environment(package: str) -> Environment:
    """Templates of a package's folder `template`; what is not known is an error, and texts are escaped."""
    made = Environment(
        loader=PackageLoader(package, "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["thousands"] = lambda number: f"{number:,}"
    return made


def asset(name: str, package: str = "eval.report") -> str:
    """A style sheet or script beside the templates; `base.css` has the colours and types that all pages share."""
    return resources.files(package).joinpath("template", name).read_text(encoding="utf-8")


def tile(paths: Sequence[str], *, size: int = SIZE) -> tuple[str | None, str]:
    """As `thumbnail`, of one picture or of up to four in a square, the first ones."""
    if len(paths) < 2:
        return thumbnail(*paths or (None,), size=size)
    rows = 1 if len(paths) == 2 else 2
    whole = Image.new("RGB", (size, size), "white")
    for place, path in enumerate(paths[:4]):
        try:
            part = ImageOps.fit(open_image(path), (size // 2 - 1, size // rows - rows + 1))
        except ImageError as error:
            return None, str(error)
        whole.paste(part, (place % 2 * (size // 2 + 1), place // 2 * (size // 2 + 1)))
    return _as_url(whole), ""


def thumbnail(path: str | None, *, size: int = SIZE) -> tuple[str | None, str]:
    """(data URI, "") or (None, why there is none)."""
    if path is None:
        return None, "no picture given"
    try:
        image = open_image(path)
    except ImageError as error:
        return None, str(error)
    image.thumbnail((size, size))
    return _as_url(image), ""


def _as_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88, subsampling=0)
    return data_url(buffer.getvalue(), "image/jpeg")

"""What pages of one file are made with: templates, assets and pictures that go into the page."""

from __future__ import annotations

import io
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

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


def thumbnail(path: str | None, *, size: int = SIZE) -> tuple[str | None, str]:
    """(data URI, "") or (None, why there is none)."""
    if path is None:
        return None, "no picture given"
    try:
        image = open_image(path)
    except ImageError as error:
        return None, str(error)
    image.thumbnail((size, size))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88, subsampling=0)
    return data_url(buffer.getvalue(), "image/jpeg"), ""

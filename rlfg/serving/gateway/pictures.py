"""From a client's bytes to the picture that training would have shown: checked by its header, then decoded."""

from __future__ import annotations

import io
import re

from PIL import Image, UnidentifiedImageError

from rlfg.data.images import ImageError, bomb_pixels, data_url, inspect_image, png_url
from rlfg.serving.gateway.errors import ApiError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
AS_THEY_ARE = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
"""Sent on unchanged where nothing about the picture is special: the engine's decoder reads them as ours does."""

MOST_SCANS, MOST_SEGMENTS = 100, 10_000
"""Of a JPEG. A progressive one has about ten scans. Each is a pass over all pixels, and some bytes are enough to ask
for it: a megabyte could be minutes of work."""
MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
"""Of a JPEG's segment, which has its length next; those left out have none, or stand within a scan's data."""
START_OF_SCAN, END = 0xDA, 0xD9


def picture_url(data: bytes, *, pixels: int) -> str:
    """The picture as a data URL for the engine: RGB, upright, on white, an animation's first frame.

    Raises:
        ApiError: It is empty, no picture, of another format, too large, too much work, or damaged.
    """
    kind, _ = check_header(data, pixels=pixels)
    try:
        image, special = inspect_image(data, name="image")
    except ImageError as error:
        raise ApiError(413 if error.kind == "too-large" else 400, str(error), param="image") from error
    if special == "ok" and kind in AS_THEY_ARE:
        return data_url(data, AS_THEY_ARE[kind])
    return png_url(image)


def check_header(data: bytes, *, pixels: int) -> tuple[str, int]:
    """The format and the pixels of a picture that is small enough; nothing is decoded.

    Raises:
        ApiError: As `picture_url`.
    """
    if not data:
        raise ApiError(400, "the picture is empty", param="image")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            (width, height), kind = image.size, str(image.format)
    # The warning is an error where Python was told so (-W error).
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        message = f"the picture has {bomb_pixels(error):,} pixels; at most {pixels:,}"
        raise ApiError(413, message, param="image") from error
    except UnidentifiedImageError as error:
        raise ApiError(400, f"not a picture, or none of {', '.join(FORMATS)}", param="image") from error
    except Exception as error:  # Header readers raise whatever struct and zlib do.
        raise ApiError(400, f"the picture's header is damaged ({error})", param="image") from error
    if width * height > pixels:
        message = f"the picture has {width} × {height} = {width * height:,} pixels; at most {pixels:,}"
        raise ApiError(413, message, param="image")
    if kind in ("JPEG", "MPO") and not _few_scans(data):
        raise ApiError(400, f"the JPEG has more than {MOST_SCANS} scans or {MOST_SEGMENTS:,} segments", param="image")
    return kind, width * height


def _few_scans(jpeg: bytes) -> bool:
    place, scans = 2, 0
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(jpeg, place)
        if found is None or jpeg[found.end() - 1] == END:
            return scans <= MOST_SCANS
        scans += jpeg[found.end() - 1] == START_OF_SCAN
        place = found.end() + int.from_bytes(jpeg[found.end() : found.end() + 2], "big")
    return False

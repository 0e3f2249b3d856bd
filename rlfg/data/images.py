"""Opens a picture right, or says what is wrong with it.

Right means: RGB, turned as its EXIF says, CMYK and greyscale converted, 16 bits scaled (not clipped),
transparency on white, the first frame of an animation.
"""

from __future__ import annotations

import base64
import io
import os
import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from rlfg.errors import RlfgError

_ORIENTATION = 0x0112


class ImageError(RlfgError):
    """A picture that cannot be read; `kind` is missing, empty, truncated, too-large or unreadable.

    Or one that a model's processor does not take: unfit.
    """

    def __init__(self, where: str, kind: str, detail: str) -> None:
        super().__init__(f"{where}: {detail}")
        self.kind = kind


def open_image(source: str | Path | bytes, *, name: str | None = None) -> Image.Image:
    """The picture as RGB.

    Args:
        source: A path, or the bytes of a file.
        name: What to call bytes in an error.

    Raises:
        ImageError: Naming the file and the reason.
    """
    return inspect_image(source, name=name)[0]


def inspect_image(source: str | Path | bytes, *, name: str | None = None) -> tuple[Image.Image, str]:
    """The picture as RGB, and what was special about it.

    Of animated, cmyk, 16-bit, exif-rotated, transparent and greyscale the first that applies, else ok.
    """
    where = name or (str(source) if not isinstance(source, bytes) else "picture")
    if isinstance(source, str | Path):
        if not os.path.isfile(source):
            raise ImageError(where, "missing", "no such picture file")
        if os.path.getsize(source) == 0:
            raise ImageError(where, "empty", "the picture file is empty")
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with Image.open(stream) as image:
            # Checked here: Pillow only warns up to twice this, and filters of warnings are all threads' at once.
            if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
                raise _too_large(where, image.width * image.height)
            kind = _kind(image)
            image.seek(0)
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image)), kind
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(where, bomb_pixels(error)) from error
    except UnidentifiedImageError as error:
        raise ImageError(where, "unreadable", "not a picture in a known format") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        truncated = "truncated" in str(error).lower() or "broken data" in str(error).lower()
        kind = "truncated" if truncated else "unreadable"
        raise ImageError(where, kind, f"the picture is damaged ({error})") from error


def bomb_pixels(error: Exception) -> int:
    """How many pixels a picture has that Pillow would not open for their number, as its message says."""
    found = re.search(r"\d+", str(error))
    return int(found[0]) if found else 0


def png_url(image: Image.Image) -> str:
    """A picture as a data URL, without loss."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return data_url(buffer.getvalue(), "image/png")


def data_url(data: bytes, kind: str) -> str:
    """`data:` with the bytes in base64."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _too_large(where: str, pixels: int) -> ImageError:
    return ImageError(where, "too-large", f"{pixels:,} pixels are too many to be a photo")


def _kind(image: Image.Image) -> str:
    if getattr(image, "is_animated", False):
        return "animated"
    if image.mode == "CMYK":
        return "cmyk"
    if image.mode.startswith("I"):
        return "16-bit"
    if image.getexif().get(_ORIENTATION, 1) != 1:
        return "exif-rotated"
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        return "transparent"
    return "greyscale" if image.mode in ("L", "1") else "ok"


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # PIL's own conversion clips 16 bits at 255.
        values = np.asarray(image, dtype=np.float64)
        return Image.fromarray((values / 257).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba).convert("RGB")
    return image.convert("RGB")

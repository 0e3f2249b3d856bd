"""Base64 in JSON, decoded in pieces: as one piece, 25 MB of it hold the interpreter's lock for 60 ms."""

from __future__ import annotations

import binascii

PIECE = 1 << 20
"""Characters; a multiple of four, so that each piece is base64 by itself."""


def decode(text: str) -> bytes:
    """The bytes of a base64 text, or of a data URL that holds one.

    Raises:
        ValueError: It is no valid base64.
    """
    start = text.find(",") + 1 if text.startswith("data:") else 0
    if start and not text[:start].endswith(";base64,"):
        raise ValueError("a data URL without base64")
    if (len(text) - start) % 4:
        raise ValueError("its length is no multiple of four")
    parts = []
    for first in range(start, len(text), PIECE):
        piece = text[first : first + PIECE]
        if piece.endswith("=") and first + PIECE < len(text):
            raise ValueError("padding before the end")
        parts.append(binascii.a2b_base64(piece, strict_mode=True))
    return b"".join(parts)

"""JSON that others wrote, as texts that can be written again."""

from __future__ import annotations

import json
import re
from typing import Any

_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def loads(text: str) -> Any:
    """As `json.loads`, but that half of a surrogate pair, an emoji cut in two, becomes U+FFFD.

    Escapes can say such a half, as servers do that cut a reply; it is no text, and no file takes it in UTF-8.
    """
    found = json.loads(text)
    if _HALF.search(text) is None:
        return found
    units = json.dumps(found, ensure_ascii=False).encode("utf-16", "surrogatepass")
    return json.loads(units.decode("utf-16", "replace"))


def is_text(text: str) -> bool:
    """Whether it can be written in UTF-8: it holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

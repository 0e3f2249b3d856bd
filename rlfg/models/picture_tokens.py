"""Tokens that stand for pictures: in prompts only, never in an answer. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError

NAMES = ("image_token_id", "video_token_id")
"""What configs call them, in all Qwen-VL families."""


def picture_tokens(config: Any) -> tuple[int, ...]:
    """Those that a model's config names; to sample one would claim pixels that do not exist.

    Args:
        config: as transformers loads it, or as config.json has it.
    """
    named = (config.get(name) if isinstance(config, Mapping) else getattr(config, name, None) for name in NAMES)
    return tuple(sorted({int(token) for token in named if token is not None}))


def picture_tokens_of(model: str) -> tuple[int, ...]:
    """Those of a model on the disk or the hub.

    Args:
        model: a local folder or a hub id.

    Raises:
        RlfgError: Its config cannot be read, or names none.
    """
    found = picture_tokens(_config(model))
    if not found:
        raise RlfgError(f"{model}: its config.json names no picture tokens ({', '.join(NAMES)}); is it a vision model?")
    return found


def _config(model: str) -> Any:
    try:
        if Path(model).is_dir():
            return json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(model, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RlfgError(
            f"{model}: its config.json, which names the picture tokens, cannot be read: {reason}"
        ) from error

"""What a configuration says of a model. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rlfg.errors import RlfgError

LANGUAGE_LINEARS = r".*(?:language_model|text_model).*\.(?:q|k|v|o|gate|up|down)_proj"
"""Every linear layer of the language model and none of the vision tower, for all Qwen-VL families."""
VISION_NAMES = ("visual", "vision_tower", "vision_model")


def is_vision(name: str) -> bool:
    """Whether a module or parameter belongs to the vision tower."""
    return any(part in VISION_NAMES for part in name.split("."))


@dataclass(frozen=True, kw_only=True)
class LoraSpec:
    """A low-rank adapter."""

    r: int = 64
    alpha: int = 32
    dropout: float = 0.0
    targets: str = LANGUAGE_LINEARS
    """Regular expression over module names."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Which model to train or run."""

    path: str
    """A local folder or a hub id."""
    revision: str | None = None
    adapter: str | None = None
    """A trained adapter to go on from (or to evaluate)."""
    lora: LoraSpec | None = None
    """Train a new adapter; exclusive with `adapter`. Neither: every weight is trained."""
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    freeze_vision: bool = True
    """Leave the vision tower as it is. An adapter whose targets reach it is refused."""
    load_in_4bit: bool = False
    """Quantise the base with bitsandbytes (QLoRA)."""
    attention: str = "sdpa"
    max_pixels: int | None = None
    """Picture budget: pictures are scaled down to at most this many pixels."""

    def __post_init__(self) -> None:
        if self.adapter and self.lora:
            raise RlfgError("model: give `adapter` (go on with one) or `lora` (start one), not both")
        if self.load_in_4bit and not (self.adapter or self.lora):
            raise RlfgError("model.load_in_4bit: quantised weights cannot be trained; add `lora:`")

"""A model without its weights: its architecture on the meta device, where tensors have shapes and no bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from transformers import AutoConfig, AutoModelForImageTextToText

from rlfg.errors import RlfgError
from rlfg.models.load import DTYPES, ModelSpec, attach_lora, freeze_vision, lora_config

KNOWN = Path(__file__).parent / "known"
"""Architectures of published models, for machines that have not downloaded them."""


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """A model whose parameters can be counted."""

    model: Any
    """On the meta device, adapter included, trainable as the spec says."""
    source: str
    """Where the architecture was read."""
    max_pixels: int | None
    """Picture budget of the published processor, where the architecture is the one shipped with rlfg."""
    targets: tuple[str, ...]
    """Modules with an adapter."""


def load_skeleton(spec: ModelSpec) -> Skeleton:
    """The model a spec describes, without reading a weight.

    Raises:
        RlfgError: The architecture cannot be read, takes no pictures, or the adapter does not fit it.
    """
    config, source, max_pixels = _architecture(spec)
    if not hasattr(config, "vision_config"):
        raise RlfgError(f"{spec.path}: takes no pictures; a vision-language model is needed")
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config, dtype=DTYPES[spec.dtype], attn_implementation="sdpa")
    adapter = _adapter_config(spec.adapter) if spec.adapter else lora_config(spec.lora) if spec.lora else None
    if adapter is None:
        freeze_vision(model, spec)
        return Skeleton(model=model, source=source, max_pixels=max_pixels, targets=())
    model = attach_lora(model, adapter, spec)
    return Skeleton(model=model, source=source, max_pixels=max_pixels, targets=tuple(model.targeted_module_names))


def _architecture(spec: ModelSpec) -> tuple[Any, str, int | None]:
    """Config, where it came from, and the picture budget where it is known.

    A model that rlfg knows is looked up in the local cache only: what is published under its name does not
    change, and a plan should not wait for a network.
    """
    folder, known = Path(spec.path).is_dir(), KNOWN / f"{spec.path.replace('/', '--')}.json"
    try:
        config = AutoConfig.from_pretrained(spec.path, revision=spec.revision, local_files_only=known.is_file())
    except (OSError, ValueError) as error:
        if folder or not known.is_file():
            raise RlfgError(_not_found(spec.path)) from error
        described = json.loads(known.read_text(encoding="utf-8"))
        config = AutoConfig.for_model(**described["config"])
        return config, "not in the local cache: architecture as shipped with rlfg", described["max_pixels"]
    return config, "config.json in the folder" if folder else "config.json of the hub", None


def _not_found(path: str) -> str:
    shipped = ", ".join(sorted(p.stem.replace("--", "/") for p in KNOWN.glob("*.json")))
    return (
        f"{path}: no folder with a config.json, and the hub was not reached or has no such model. If an earlier stage "
        f"writes this folder, give its base model instead (model.path=…); known without the hub: {shipped}"
    )


def _adapter_config(folder: str) -> LoraConfig:
    if not (Path(folder) / "adapter_config.json").is_file():
        raise RlfgError(
            f"{folder}: no adapter here (adapter_config.json is needed). If an earlier stage writes it, plan with the "
            "adapter that stage starts: model.adapter=null model.lora.r=64"
        )
    config = LoraConfig.from_pretrained(folder)
    config.base_model_name_or_path = None  # PEFT warns when it differs, and shapes are what counts here.
    return config

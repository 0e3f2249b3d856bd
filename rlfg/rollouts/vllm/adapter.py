"""Which adapters vLLM computes as PEFT does. Read in vLLM 0.31."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.models.spec import is_vision

ELSEWISE = (
    "rank_pattern", "alpha_pattern", "alora_invocation_tokens", "layer_replication", "use_dora", "lora_bias",
    "modules_to_save", "trainable_token_indices",
)  # fmt: skip
"""PEFT's options that vLLM passes over without a word (the first four), or refuses once its model is loaded."""


def left_out(config: Mapping[str, Any]) -> list[str]:
    """Options of an adapter, as adapter_config.json has them, that vLLM does not compute."""
    return [name for name in ELSEWISE if config.get(name)] + ["bias"] * (config.get("bias", "none") != "none")


def adapter_rank(folder: Path) -> int:
    """The rank of a saved adapter.

    Raises:
        RlfgError: There is none; or vLLM would make another model of it, with a warning in its log at most.
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        rank = int(config["r"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RlfgError(f"{folder}: no LoRA adapter here ({type(error).__name__}: {error})") from error
    missed = left_out(config) + ["its layers in the vision tower"] * any(map(is_vision, _tensors(folder)))
    if missed:
        raise RlfgError(
            f"{folder}: vLLM does not compute {', '.join(missed)} of this adapter; merge it into its base with "
            "`rlfg export` and serve that"
        )
    return rank


def _tensors(folder: Path) -> list[str]:
    """Their names; none where the file is not there, which vLLM will say."""
    path = folder / "adapter_model.safetensors"
    if not path.is_file():
        return []
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return list(file.keys())

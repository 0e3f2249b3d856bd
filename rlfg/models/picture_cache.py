"""Encoded prompts on disk, over epochs and runs: neither the processor nor the vision tower sees a picture twice.

Good for transforms without chance, as ours are. A file's name says all that its content depends on: the decoded
pictures, the messages, the processor's settings, the tower's weights, the precision and the version of transformers.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from rlfg.models.prompts import EncodedPrompt, PictureFeatures, encode_prompt
from rlfg.models.spec import is_vision


class PictureCache:
    """A folder of encoded prompts.

    Args:
        folder: made where it is not there; many models, runs and processes may share it.
        lm: the model below its wrappers, whole: its vision tower's weights are read.
        processor: that of the model.
        precision: of autocast, as a word.
    """

    def __init__(self, folder: str | Path, lm: Any, processor: Any, *, precision: str) -> None:
        self.processor = processor
        self.folder = Path(folder) / _identity(lm, processor, precision)
        self.found = self.asked = 0

    def encode(self, messages: Sequence[Mapping[str, Any]], pictures: Sequence[Image.Image]) -> EncodedPrompt:
        """The prompt with its pictures' features where they are on disk, else as `encode_prompt` makes it."""
        key = _key(messages, pictures)
        self.asked += 1
        if (kept := self._read(key)) is not None:
            self.found += 1
            return kept
        return replace(encode_prompt(self.processor, messages, pictures), cache_key=key)

    def keep(self, prompts: Sequence[EncodedPrompt]) -> None:
        """Writes those of `encode` that have features by now and are not on disk."""
        for prompt in prompts:
            if prompt.cache_key is None or prompt.features is None:
                continue
            path = self._path(prompt.cache_key)
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_suffix(f".{os.getpid()}")
            try:
                save_file({name: t.contiguous().cpu() for name, t in _tensors(prompt).items()}, aside)
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)

    def take_share(self) -> float:
        """Share of the prompts since the last call that came from disk."""
        share = self.found / max(self.asked, 1)
        self.found = self.asked = 0
        return share

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"

    def _read(self, key: str) -> EncodedPrompt | None:
        path = self._path(key)
        try:
            kept = load_file(path)
        except FileNotFoundError:
            return None
        except SafetensorError:  # cut short by a crash of the machine: made anew
            path.unlink(missing_ok=True)
            return None
        layers = sum(name.startswith("deepstack.") for name in kept)
        features = PictureFeatures(
            embeds_NH=kept["embeds"], deepstack=tuple(kept[f"deepstack.{i}"] for i in range(layers))
        )
        return EncodedPrompt(
            input_ids_T=kept["ids"],
            mm_token_type_ids_T=kept.get("kinds"),
            pixel_values_ND=None,
            image_grid_thw_K3=kept.get("grid"),
            features=features,
            cache_key=key,
        )


def _tensors(prompt: EncodedPrompt) -> dict[str, Tensor]:
    assert prompt.features is not None
    named = {
        "ids": prompt.input_ids_T,
        "kinds": prompt.mm_token_type_ids_T,
        "grid": prompt.image_grid_thw_K3,
        "embeds": prompt.features.embeds_NH,
        **{f"deepstack.{i}": layer for i, layer in enumerate(prompt.features.deepstack)},
    }
    return {name: tensor for name, tensor in named.items() if tensor is not None}


def _key(messages: Sequence[Mapping[str, Any]], pictures: Sequence[Image.Image]) -> str:
    digest = hashlib.sha256(json.dumps(list(messages), sort_keys=True).encode())
    for picture in pictures:
        digest.update(f"{picture.mode} {picture.size}".encode())
        digest.update(picture.tobytes())
    return digest.hexdigest()


def _identity(lm: Any, processor: Any, precision: str) -> str:
    """Of all that turns a picture and a question into features and tokens."""
    settings = {
        "transformers": transformers.__version__,
        "precision": precision,
        "pictures": processor.image_processor.to_dict(),
        "template": processor.chat_template,
        "tokenizer": processor.tokenizer.backend_tokenizer.to_str(),
        "tower": lm.config.vision_config.to_dict(),
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, parameter in lm.named_parameters():
        if is_vision(name):
            digest.update(f"{name} {parameter.dtype}".encode())
            digest.update(parameter.detach().contiguous().cpu().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]

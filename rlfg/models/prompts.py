"""Prompts as tensors: each picture and question goes through the processor once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from rlfg.data import ImageError
from rlfg.errors import RlfgError

FEATURES = "picture_features"
"""Key of a batch's `PictureFeatures`; `rlfg.models.pictures.run_backbone` takes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureFeatures:
    """What the vision tower makes of a prompt's pictures: N tokens of all of them, H wide."""

    embeds_NH: Tensor
    deepstack: tuple[Tensor, ...] = ()
    """(N, H) each, added in the first layers (Qwen3-VL)."""

    def to(self, device: torch.device) -> PictureFeatures:
        """The same on a device."""
        return PictureFeatures(
            embeds_NH=self.embeds_NH.to(device), deepstack=tuple(d.to(device) for d in self.deepstack)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodedPrompt:
    """One prompt, unpadded.

    Shapes: T prompt tokens (picture tokens included), N picture patches, K pictures.
    """

    input_ids_T: Tensor
    mm_token_type_ids_T: Tensor | None
    """0 text, 1 picture: what M-RoPE positions are made from."""
    pixel_values_ND: Tensor | None
    image_grid_thw_K3: Tensor | None
    features: PictureFeatures | None = None
    """In place of the pixels, where the pictures are encoded already."""
    cache_key: str | None = None
    """Its name in a `PictureCache`."""

    def __len__(self) -> int:
        return self.input_ids_T.numel()


def encode_prompt(
    processor: Any, messages: Sequence[Mapping[str, Any]], pictures: Sequence[Image.Image]
) -> EncodedPrompt:
    """Applies the chat template and the picture transforms of `processor`.

    Raises:
        RlfgError: The messages hold another number of picture places than there are pictures.
        ImageError: The processor takes no such picture; Qwen's, none that is 200 times as long as wide.
    """
    places = sum(
        part["type"] == "image" for m in messages if not isinstance(m["content"], str) for part in m["content"]
    )
    if places != len(pictures):
        raise RlfgError(f"a prompt has {places} picture places but {len(pictures)} pictures were given")
    text = processor.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    try:
        out = processor(text=[text], images=list(pictures) or None, return_tensors="pt", return_mm_token_type_ids=True)
    except ValueError as error:
        if not pictures:
            raise
        sizes = " and ".join(f"{picture.width} × {picture.height}" for picture in pictures)
        raise ImageError(sizes, "unfit", f"the model's processor takes no such picture ({error})") from error
    kinds = out.get("mm_token_type_ids")
    return EncodedPrompt(
        input_ids_T=out["input_ids"][0],
        mm_token_type_ids_T=None if kinds is None else kinds[0],
        pixel_values_ND=out.get("pixel_values"),
        image_grid_thw_K3=out.get("image_grid_thw"),
    )


def collate(prompts: Sequence[EncodedPrompt], *, pad_id: int, device: torch.device) -> dict[str, Any]:
    """Left-pads prompts to one batch of model inputs.

    Returns:
        `input_ids`, `attention_mask` and, with pictures, `mm_token_type_ids` of shape (P, T), and
        `pixel_values` (ΣN, D) with `image_grid_thw` (ΣK, 3), in prompt order. With pictures that are encoded
        already, the features stand in for the pixels, and are under `FEATURES` besides.
    """
    width = max(len(p) for p in prompts)

    def left_pad(row: Tensor, value: int) -> Tensor:
        return torch.nn.functional.pad(row, (width - row.numel(), 0), value=value)

    batch = {
        "input_ids": torch.stack([left_pad(p.input_ids_T, pad_id) for p in prompts]),
        "attention_mask": torch.stack([left_pad(torch.ones_like(p.input_ids_T), 0) for p in prompts]),
    }
    kinds = [p.mm_token_type_ids_T for p in prompts if p.mm_token_type_ids_T is not None]
    if len(kinds) == len(prompts):
        batch["mm_token_type_ids"] = torch.stack([left_pad(k, 0) for k in kinds])
    pixels = [p.pixel_values_ND for p in prompts if p.pixel_values_ND is not None]
    grids = [p.image_grid_thw_K3 for p in prompts if p.image_grid_thw_K3 is not None]
    features = [p.features for p in prompts if p.features is not None]
    if features and pixels:
        raise RlfgError("a batch has pictures as pixels and as features; encode all of them or none")
    if shown := [f.embeds_NH for f in features] or pixels:
        batch["pixel_values"] = torch.cat(shown)
    if grids:
        batch["image_grid_thw"] = torch.cat(grids)
    found = {name: tensor.to(device) for name, tensor in batch.items()}
    return found | {FEATURES: _join(features).to(device)} if features else found


def _join(features: Sequence[PictureFeatures]) -> PictureFeatures:
    layers = zip(*(one.deepstack for one in features), strict=True)
    return PictureFeatures(
        embeds_NH=torch.cat([one.embeds_NH for one in features]), deepstack=tuple(torch.cat(layer) for layer in layers)
    )


def chunks(sizes: Sequence[int], budget: int) -> list[list[int]]:
    """Consecutive indices whose sizes add up to at most `budget` (a larger one stands alone)."""
    found: list[list[int]] = []
    room = 0
    for i, size in enumerate(sizes):
        if not found or size > room:
            found.append([])
            room = budget
        found[-1].append(i)
        room -= size
    return found

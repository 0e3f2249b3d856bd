"""Prompts as tensors: each picture and question goes through the processor once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from rlfg.errors import RlfgError


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

    def __len__(self) -> int:
        return self.input_ids_T.numel()


def encode_prompt(
    processor: Any, messages: Sequence[Mapping[str, Any]], pictures: Sequence[Image.Image]
) -> EncodedPrompt:
    """Applies the chat template and the picture transforms of `processor`.

    Raises:
        RlfgError: The messages hold another number of picture places than there are pictures.
    """
    places = sum(
        part["type"] == "image" for m in messages if not isinstance(m["content"], str) for part in m["content"]
    )
    if places != len(pictures):
        raise RlfgError(f"a prompt has {places} picture places but {len(pictures)} pictures were given")
    text = processor.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    out = processor(text=[text], images=list(pictures) or None, return_tensors="pt", return_mm_token_type_ids=True)
    kinds = out.get("mm_token_type_ids")
    return EncodedPrompt(
        input_ids_T=out["input_ids"][0],
        mm_token_type_ids_T=None if kinds is None else kinds[0],
        pixel_values_ND=out.get("pixel_values"),
        image_grid_thw_K3=out.get("image_grid_thw"),
    )


def collate(prompts: Sequence[EncodedPrompt], *, pad_id: int, device: torch.device) -> dict[str, Tensor]:
    """Left-pads prompts to one batch of model inputs.

    Returns:
        `input_ids`, `attention_mask` and, with pictures, `mm_token_type_ids` of shape (P, T), and
        `pixel_values` (ΣN, D) with `image_grid_thw` (ΣK, 3), in prompt order.
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
    if pixels:
        batch |= {"pixel_values": torch.cat(pixels), "image_grid_thw": torch.cat(grids)}
    return {name: tensor.to(device) for name, tensor in batch.items()}

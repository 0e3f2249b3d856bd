"""Pictures are encoded once a step: rollouts, old, reference and policy passes share a frozen tower's output.

The model's own forward runs as it is; only its `get_image_features` hands back what is known (read in
transformers 5.17: Qwen2.5-VL, Qwen3-VL with its deepstack features).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import torch

from rlfg.models.prompts import FEATURES, EncodedPrompt, PictureFeatures, chunks
from rlfg.models.recompute import replaced
from rlfg.models.spec import is_vision

_MOST_PATCHES = 16_384
"""Patches in one pass of the vision tower: 4,096 tokens of Qwen2.5-VL."""


def can_encode_once(model: Any, lm: Any) -> bool:
    """Whether the tower is frozen, so that what it makes of a picture stays, and is one we know how to ask."""
    frozen = not any(p.requires_grad for name, p in model.named_parameters() if is_vision(name))
    return frozen and hasattr(lm.model, "get_image_features") and hasattr(lm.model, "get_rope_index")


@torch.no_grad()
def encode_pictures(lm: Any, prompts: Sequence[EncodedPrompt]) -> list[EncodedPrompt]:
    """The prompts with their pictures' features in place of the pixels; those without pictures as they are."""
    shown = {i: len(p.pixel_values_ND) for i, p in enumerate(prompts) if p.pixel_values_ND is not None}
    found: dict[int, PictureFeatures] = {}
    for chunk in chunks(list(shown.values()), _MOST_PATCHES):
        places = [list(shown)[i] for i in chunk]
        found |= zip(places, _encode(lm, [prompts[i] for i in places]), strict=True)
    return [
        replace(prompt, features=found[i], pixel_values_ND=None) if i in found else prompt
        for i, prompt in enumerate(prompts)
    ]


def run_backbone(lm: Any, batch: Mapping[str, Any], **inputs: Any) -> Any:
    """The model below its head on a batch of `collate`, whether that holds pixels or features."""
    tensors = {name: value for name, value in batch.items() if name != FEATURES}
    with _known_features(lm, batch.get(FEATURES)):
        return lm.model(**tensors, **inputs)


@contextmanager
def _known_features(lm: Any, features: PictureFeatures | None) -> Iterator[None]:
    """Within it, the model finds `features` where it would encode its batch's pictures; None leaves it alone."""
    known = SimpleNamespace(
        pooler_output=None if features is None else (features.embeds_NH,),
        deepstack_features=[] if features is None else list(features.deepstack),
    )
    with nullcontext() if features is None else replaced(lm.model, "get_image_features", lambda *_, **__: known):
        yield


def _encode(lm: Any, prompts: Sequence[EncodedPrompt]) -> list[PictureFeatures]:
    device = lm.lm_head.weight.device
    grids = [p.image_grid_thw_K3 for p in prompts if p.image_grid_thw_K3 is not None]
    pixels = torch.cat([p.pixel_values_ND for p in prompts if p.pixel_values_ND is not None])
    out = lm.model.get_image_features(pixels.to(device), torch.cat(grids).to(device), return_dict=True)
    pictures = list(out.pooler_output)
    sizes = iter(len(picture) for picture in pictures)
    counts = [sum(next(sizes) for _ in grid) for grid in grids]
    columns = [torch.cat(pictures).split(counts)]
    columns += [layer.split(counts) for layer in getattr(out, "deepstack_features", None) or []]
    # Copies: a view would keep the features of the whole chunk.
    return [
        PictureFeatures(embeds_NH=e.clone(), deepstack=tuple(d.clone() for d in deep))
        for e, *deep in zip(*columns, strict=True)
    ]

"""The adapter inside the weights: for as long as rollouts last, or for good.

Rollouts then run one matrix product a layer instead of three. For them only float32 weights are merged, where that is
exact up to rounding; in bfloat16 a merged weight would be another policy than the one that is trained. The weights are
put back as they were, not subtracted from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import Linear, LoraLayer
from torch import nn

ADAPTER = "default"


def can_merge(model: Any) -> bool:
    """Whether all its adapted layers are plain ones in float32; not where there is no adapter."""
    layers = _layers(model)
    return bool(layers) and all(
        type(layer) is Linear
        and type(layer.base_layer) is nn.Linear
        and layer.base_layer.weight.dtype == torch.float32
        and not layer.lora_variant
        for layer in layers
    )


@contextmanager
def merged(model: Any) -> Iterator[None]:
    """Within it, the trained adapter is part of the weights: another copy of those that it adapts."""
    layers = _layers(model)
    kept = [layer.base_layer.weight.data for layer in layers]
    try:
        with torch.no_grad():
            for layer in layers:
                layer.base_layer.weight.data = layer.base_layer.weight + layer.get_delta_weight(ADAPTER)
                layer.merged_adapters.append(ADAPTER)
        yield
    finally:
        for layer, weight in zip(layers, kept, strict=True):
            layer.base_layer.weight.data = weight
            layer.merged_adapters.clear()


@torch.no_grad()
def merge(model: Any) -> Any:
    """The model without its adapter, which is in its weights for good: added in float32, kept in their own dtype."""
    if not hasattr(model, "unload"):
        return model
    for layer in _layers(model):
        if layer.lora_variant:  # DoRA: more than a sum
            layer.merge(adapter_names=[ADAPTER])
            continue
        weight: Any = layer.get_base_layer().weight
        weight.copy_((weight.float() + layer.get_delta_weight(ADAPTER).float()).to(weight.dtype))
    return model.unload()


def _layers(model: Any) -> list[Any]:
    """Those that the trained adapter adapts."""
    return [module for module in model.modules() if isinstance(module, LoraLayer) and ADAPTER in module.lora_A]

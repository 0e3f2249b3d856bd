"""Gradient checkpointing of decoder layers that read and write a key/value cache.

transformers' own takes the cache away from a checkpointed layer (5.17, `GradientCheckpointingLayer`), since a
replay would write to it twice. Here a layer's keys and values are inputs and outputs of what is replayed, and
the cache is written outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class _LayerCache:
    """What a layer's attention sees of a cache: its own keys and values."""

    def __init__(self, keys: Tensor | None, values: Tensor | None) -> None:
        self.keys, self.values = keys, values

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """The new keys and values after those that were there."""
        if self.keys is not None and self.values is not None:
            keys, values = torch.cat([self.keys, keys], dim=-2), torch.cat([self.values, values], dim=-2)
        self.keys, self.values = keys, values
        return keys, values


@contextmanager
def recomputed_layers(lm: Any) -> Iterator[None]:
    """Within it, a decoder layer keeps nothing for its backward pass but its inputs, and runs again there.

    A prompt's keys and values go to the cache as always; those of completions, which nothing reads later, do not.
    """
    if not torch.is_grad_enabled():
        yield
        return
    with ExitStack() as stack:
        for layer in decoder_layers(lm):
            index: Any = layer.self_attn.layer_idx  # type: ignore[union-attr]
            stack.enter_context(replaced(layer, "forward", _recomputed(layer.forward, index)))
        yield


@contextmanager
def replaced(module: nn.Module, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """A method of one module as `function`, for a while."""
    before = module.__dict__.get(name)
    module.__dict__[name] = function
    try:
        yield
    finally:
        del module.__dict__[name]  # the class's own is found again
        if before is not None:
            module.__dict__[name] = before


def decoder_layers(lm: Any) -> list[nn.Module]:
    """The language model's layers, in order."""
    text = getattr(lm.model, "language_model", lm.model)
    return list(text.layers)


def _recomputed(forward: Callable[..., Any], index: int) -> Callable[..., Any]:
    def run(hidden: Tensor, *args: Any, past_key_values: Any = None, **kwargs: Any) -> Any:
        keys, values = _cached(past_key_values, index)

        def replayed(hidden: Tensor, keys: Tensor | None, values: Tensor | None) -> tuple[Any, Any, Any]:
            own = None if past_key_values is None else _LayerCache(keys, values)
            out = forward(hidden, *args, past_key_values=own, **kwargs)
            writes = own is not None and keys is None
            return out, own.keys if writes else None, own.values if writes else None  # type: ignore[union-attr]

        # No check of the replay's tensors: under ZeRO-3 parameters have other shapes in the backward pass.
        out, new_keys, new_values = checkpoint(
            replayed, hidden, keys, values, use_reentrant=False, determinism_check="none"
        )
        if new_keys is not None:
            past_key_values.update(new_keys, new_values, index)
        return out

    return run


def _cached(cache: Any, index: int) -> tuple[Tensor | None, Tensor | None]:
    if cache is None or index >= len(cache.layers) or cache.layers[index].get_seq_length() == 0:
        return None, None
    return cache.layers[index].keys, cache.layers[index].values

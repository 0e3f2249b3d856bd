"""FSDP2 for a step that calls layers of its own choosing.

FSDP gathers a module's parameters when that module is called, the root's first of all, while rollouts and the shared
prefix call what lies below the root. So whatever they do is run as the root's forward. Read in torch 2.13
(`torch.distributed.fsdp`) and accelerate 1.15, which leaves a model alone that is sharded already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from rlfg.errors import RlfgError
from rlfg.models.prefix import language_model
from rlfg.models.recompute import decoder_layers, replaced

Result = TypeVar("Result")


def shard(model: Any, accelerator: Accelerator) -> None:
    """Shards the model in place where the launch file asks for FSDP2: each decoder layer, and the rest with the root.

    accelerate's own cut puts the last norm and the head in one unit that counts on one call of each per forward; the
    shared prefix runs the norm twice and the head in chunks.

    Raises:
        RlfgError: FSDP1, or quantised weights.
    """
    if accelerator.distributed_type != DistributedType.FSDP:
        return
    plugin = accelerator.state.fsdp_plugin
    if plugin.fsdp_version != 2:
        raise RlfgError("GRPO needs `fsdp_version: 2` in the launch file's fsdp_config")
    if any(not p.is_floating_point() for p in model.parameters()):
        raise RlfgError("model.load_in_4bit: FSDP cannot shard quantised weights; use DDP or ZeRO-2")
    policy = plugin.mixed_precision_policy or MixedPrecisionPolicy()
    for unit in (*decoder_layers(language_model(model)), model):
        _spread(unit, accelerator)
        fully_shard(unit, reshard_after_forward=unit is not model, mp_policy=policy, offload_policy=plugin.cpu_offload)
    plugin.auto_wrap_policy = None  # accelerate would look for layers by the class names that they had


def _spread(unit: Any, accelerator: Accelerator) -> None:
    """The main process's weights on every process: the others' are empty where only it has read the files."""
    for tensor in (*unit.parameters(), *unit.buffers()):
        if isinstance(tensor, DTensor):
            continue  # of a layer that is sharded already
        if tensor.requires_grad and accelerator.mixed_precision != "no":
            tensor.data = tensor.data.to(torch.float32)  # master weights
        tensor.data = tensor.data.to(accelerator.device)
        torch.distributed.broadcast(tensor.data, 0)


def inside(model: Any, call: Callable[[], Result]) -> Result:
    """`call()`, as the forward of a model that FSDP shards; plainly for any other.

    Every process must call it as often. What backward starts from must be in the result as tensors in lists, tuples
    or dictionaries.
    """
    if not isinstance(model, FSDPModule):
        return call()
    with replaced(model, "forward", lambda call: call()):  # type: ignore[arg-type]
        result: Result = model(call)  # type: ignore[operator]
        return result


@contextmanager
def whole(model: Any) -> Iterator[None]:
    """Inside the root's forward: every layer's parameters stay gathered, so that each process calls them at will."""
    layers = [m for m in model.modules() if isinstance(m, FSDPModule) and m is not model]
    for layer in layers:
        layer.set_reshard_after_forward(False, recurse=False)
        layer.unshard()
    try:
        yield
    finally:
        for layer in layers:
            layer.reshard()
            layer.set_reshard_after_forward(True, recurse=False)

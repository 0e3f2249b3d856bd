"""What was trained, on its way to another engine: the adapter alone, or whole weights where an adapter is not all."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

from peft import get_peft_model_state_dict
from peft.tuners.lora import Linear, LoraLayer
from peft.utils.other import AuxiliaryTrainingWrapper, ModulesToSaveWrapper
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor
from torch.distributed.tensor import DTensor

from rlfg.errors import RlfgError
from rlfg.models.merge import ADAPTER
from rlfg.models.prefix import language_model, unwrapped
from rlfg.models.spec import is_vision
from rlfg.one_writer import only_writer
from rlfg.rollouts.vllm.adapter import left_out

RUN = "rlfg-"
"""How names of runs begin, at engines and on the disk."""


def beyond_adapter(model: Any) -> str | None:
    """A parameter that is trained and that vLLM takes in no adapter, or an option of it; None where all goes."""
    trained = (name for name, p in model.named_parameters() if p.requires_grad)
    beyond = next((name for name in trained if "lora_" not in name or is_vision(name)), None)
    return beyond or next(iter(left_out(unwrapped(model).peft_config[ADAPTER].to_dict())), None)


def adapter_tensors(model: Any) -> dict[str, Tensor]:
    """The adapter's tensors on the CPU, by the names PEFT saves them under; every process must call it."""
    model = unwrapped(model)
    named = {name: p for name, p in model.named_parameters() if f".{ADAPTER}." in name}
    with _gathered(list(named.values())):
        whole = {name: (p.full_tensor() if isinstance(p, DTensor) else p).detach().cpu() for name, p in named.items()}
    found: dict[str, Tensor] = get_peft_model_state_dict(model, state_dict=whole, adapter_name=ADAPTER)
    return found


def write_adapter(model: Any, tensors: dict[str, Tensor], folder: Path) -> int:
    """Writes an adapter that PEFT and vLLM load, and reads it back; returns its bytes.

    Raises:
        RlfgError: What is on the disk is not what was written.
    """
    model = unwrapped(model)
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata={"format": "pt"})
    path = folder / "adapter_model.safetensors"
    try:
        folder.mkdir(parents=True)
        model.peft_config[ADAPTER].save_pretrained(folder)
        path.write_bytes(data)
        same = path.read_bytes() == data
    except OSError as error:
        raise RlfgError(f"{folder}: the adapter for vLLM could not be written: {error.strerror or error}") from error
    if not same:
        raise RlfgError(f"{path}: what is there is not the adapter that was written")
    return len(data)


def whole_tensors(model: Any, *, keep: bool) -> dict[str, Tensor]:
    """The weights of a plain model that is this one, adapter and all, on the CPU; every process must call it.

    Args:
        model: as it is trained, spread over processes or not.
        keep: on the processes that want them; the others give their share, one parameter at a time.
    """
    plain, found, seen = language_model(model), {}, set[int]()
    for name, value in plain.state_dict(keep_vars=True).items():
        if id(value) in seen:  # tied to one before
            continue
        seen.add(id(value))
        with _gathered([value]):
            whole = (value.full_tensor() if isinstance(value, DTensor) else value).detach()
            if keep:
                found[name] = whole.cpu().clone()
    if keep:
        for name, layer in plain.named_modules():
            if isinstance(layer, LoraLayer) and ADAPTER in layer.lora_A:
                _fold(found, name, layer.scaling[ADAPTER])
    return {known: value for name, value in found.items() if (known := _plain_name(name)) is not None}


def check_foldable(model: Any) -> None:
    """Refuses an adapter that `whole_tensors` cannot put into the weights.

    Raises:
        RlfgError: Names the layer.
    """
    uses = Counter(map(id, language_model(model).state_dict(keep_vars=True).values()))
    for name, layer in model.named_modules():
        if isinstance(layer, LoraLayer):
            own = type(layer) is Linear and not layer.lora_variant and not any(layer.lora_bias.values())
        elif isinstance(layer, AuxiliaryTrainingWrapper):
            own = isinstance(layer, ModulesToSaveWrapper)
        else:
            continue
        if not own or any(uses[id(p)] > 1 for p in layer.parameters()):
            raise RlfgError(
                f"rollouts through vLLM: {name} has an adapter that cannot be merged into its weights (quantised, tied "
                "to another layer, or no plain linear one); leave `rollouts` out"
            )


def write_weights(model: Any, tensors: dict[str, Tensor], folder: Path) -> int:
    """Writes whole weights as a model's folder; returns their bytes.

    Raises:
        RlfgError: They do not fit there.
    """
    try:
        folder.mkdir(parents=True)
        language_model(model).save_pretrained(folder, state_dict=tensors)
    except (OSError, SafetensorError) as error:
        raise RlfgError(f"{folder}: the weights for vLLM could not be written: {error}") from error
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def forget(folder: Path) -> None:
    """Removes what no engine uses any more."""
    shutil.rmtree(folder, ignore_errors=True)


def forget_abandoned(parent: Path) -> None:
    """Removes what killed runs left on a RAM disk; one that lives is the only writer of its own folder."""
    for folder in parent.glob(f"{RUN}*"):
        with suppress(RlfgError), only_writer(folder):
            forget(folder)


def _fold(tensors: dict[str, Tensor], layer: str, scaling: float) -> None:
    """Adds a layer's adapter to its weight, in float32."""
    first, second = (tensors[f"{layer}.lora_{side}.{ADAPTER}.weight"].float() for side in "AB")
    weight = tensors[f"{layer}.base_layer.weight"]
    tensors[f"{layer}.base_layer.weight"] = (weight.float() + scaling * (second @ first)).to(weight.dtype)


def _plain_name(name: str) -> str | None:
    """A parameter's name in the model without adapters; None where it has none there."""
    if ".lora_" in name or ".original_module." in name:
        return None
    layer, trained, rest = name.partition(".modules_to_save.")
    adapter, _, parameter = rest.partition(".")
    if trained:
        return f"{layer}.{parameter}" if adapter == ADAPTER else None
    return name.replace(".base_layer.", ".")


def _gathered(parameters: list[Any]) -> AbstractContextManager[Any]:
    """Within it, parameters that ZeRO-3 spreads over processes are whole."""
    if not any(hasattr(p, "ds_id") for p in parameters):
        return nullcontext()
    import deepspeed

    gathered: AbstractContextManager[Any] = deepspeed.zero.GatheredParameters(parameters)
    return gathered

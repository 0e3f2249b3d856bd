"""The trained adapter, and nothing else, on its way to another engine."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from peft import get_peft_model_state_dict
from safetensors.torch import save
from torch import Tensor
from torch.distributed.tensor import DTensor

from rlfg.errors import RlfgError
from rlfg.models.load import is_vision
from rlfg.models.merge import ADAPTER
from rlfg.models.prefix import unwrapped


def check_adapter_says_all(model: Any) -> None:
    """Refuses training that an adapter of the language model does not express.

    Raises:
        RlfgError: Names a parameter.
    """
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    strange = [name for name in trained if "lora_" not in name or is_vision(name)]
    if strange or not trained:
        what = strange[0] if strange else "nothing"
        raise RlfgError(
            f"rollouts through vLLM carry a LoRA of the language model, and this run trains {what}; set model.lora and "
            "model.freeze_vision, or leave `rollouts` out"
        )


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


def forget(folder: Path) -> None:
    """Removes an adapter that no engine uses any more."""
    shutil.rmtree(folder, ignore_errors=True)


def _gathered(parameters: list[Any]) -> AbstractContextManager[Any]:
    """Within it, parameters that ZeRO-3 spreads over processes are whole."""
    if not any(hasattr(p, "ds_id") for p in parameters):
        return nullcontext()
    import deepspeed

    gathered: AbstractContextManager[Any] = deepspeed.zero.GatheredParameters(parameters)
    return gathered

"""Loads a vision-language model, its processor and its LoRA adapter."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import AutoModelForImageTextToText, AutoProcessor, BitsAndBytesConfig

from rlfg.errors import RlfgError
from rlfg.models.spec import LANGUAGE_LINEARS as LANGUAGE_LINEARS
from rlfg.models.spec import LoraSpec as LoraSpec
from rlfg.models.spec import ModelSpec as ModelSpec
from rlfg.models.spec import is_vision

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
REFERENCE = "reference"
"""Name of the frozen adapter that the KL term measures from."""


def load_processor(spec: ModelSpec) -> Any:
    """The processor, left-padding, with the picture budget applied."""
    processor = AutoProcessor.from_pretrained(spec.path, revision=spec.revision, padding_side="left")
    if not hasattr(processor, "image_processor"):
        raise RlfgError(f"{spec.path}: its processor takes no pictures; a vision-language model is needed")
    if spec.max_pixels:
        size = dict(processor.image_processor.size)
        size["longest_edge"] = spec.max_pixels
        size["shortest_edge"] = min(size.get("shortest_edge", spec.max_pixels), spec.max_pixels)
        processor.image_processor.size = size
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    return processor


def load_model(spec: ModelSpec, *, trainable: bool = False) -> Any:
    """The model with its adapter, on the CPU unless quantised; call under the right seed for a new adapter.

    Raises:
        RlfgError: The adapter was trained on another base model; bitsandbytes is wanted and missing.
    """
    quantization = None
    if spec.load_in_4bit:
        if find_spec("bitsandbytes") is None:
            raise RlfgError("model.load_in_4bit needs bitsandbytes: pip install 'rlfg[quant]'")
        quantization = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=DTYPES[spec.dtype]
        )
    model = AutoModelForImageTextToText.from_pretrained(
        spec.path,
        revision=spec.revision,
        dtype=DTYPES[spec.dtype],
        attn_implementation=spec.attention,
        use_safetensors=True,
        quantization_config=quantization,
    )
    if spec.adapter:
        check_adapter(Path(spec.adapter), model)
        return PeftModel.from_pretrained(model, spec.adapter, is_trainable=trainable)
    if spec.lora:
        return attach_lora(model, lora_config(spec.lora), spec)
    if trainable:
        freeze_vision(model, spec)
    return model


def lora_config(lora: LoraSpec) -> LoraConfig:
    """PEFT's description of a new adapter."""
    return LoraConfig(r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=lora.targets)


def attach_lora(model: Any, config: LoraConfig, spec: ModelSpec) -> Any:
    """The model with a new adapter.

    Raises:
        RlfgError: The targets match nothing, or the vision tower besides although it is to be left as it is.
    """
    on_meta = next(model.parameters()).is_meta
    try:
        wrapped = get_peft_model(model, config, low_cpu_mem_usage=on_meta)
    except ValueError as error:
        raise RlfgError(
            f"model.lora.targets: {config.target_modules!r} matches no layer of {spec.path}; leave `targets` out "
            "for every linear layer of the language model"
        ) from error
    vision = [name for name in wrapped.targeted_module_names if is_vision(name)]
    if vision and spec.freeze_vision:
        raise RlfgError(
            f"model.lora.targets: {config.target_modules!r} also matches the vision tower ({len(vision)} modules: "
            f"{', '.join(vision[:2])}, …); leave `targets` out for the language model only, or set "
            "model.freeze_vision: false to train both"
        )
    return wrapped


def freeze_vision(model: Any, spec: ModelSpec) -> None:
    """Full training: every weight is trained, the vision tower's unless the spec says to leave it."""
    if spec.freeze_vision:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not is_vision(name))


def check_adapter(folder: Path, model: Any) -> None:
    """Refuses an adapter whose recorded layers do not fit the model.

    Raises:
        RlfgError: The folder is no adapter, or its tensors have other shapes than the model's layers.
    """
    from safetensors import safe_open

    weights = folder / "adapter_model.safetensors"
    config = folder / "adapter_config.json"
    if not weights.is_file() or not config.is_file():
        raise RlfgError(f"{folder}: no adapter here (adapter_config.json and adapter_model.safetensors are needed)")
    modules = dict(model.named_modules())
    with safe_open(weights, framework="pt") as tensors:
        for key in tensors.keys():  # noqa: SIM118 (safe_open has no __iter__)
            name = key.removeprefix("base_model.model.")
            if ".lora_A." not in name:
                continue
            module = modules.get(name.split(".lora_A.")[0])
            width = tensors.get_slice(key).get_shape()[1]
            if module is None or getattr(module, "in_features", width) != width:
                base = json.loads(config.read_text()).get("base_model_name_or_path")
                raise RlfgError(
                    f"{folder}: this adapter was trained on another model ({base}); "
                    f"its layer {name.split('.lora_A.')[0]} does not fit {model.config._name_or_path}"
                )


def add_reference(model: Any) -> None:
    """Freezes a copy of the current adapter as the reference of the KL term.

    Call it before any training, so that a resumed run measures from the same start.
    """
    config = model.peft_config["default"]
    model.add_adapter(REFERENCE, config)
    state = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in state.items():
            if f".{REFERENCE}." in name:
                parameter.copy_(state[name.replace(f".{REFERENCE}.", ".default.")])
                parameter.requires_grad_(False)
    model.set_adapter("default")


def trainable_parameters(model: nn.Module) -> tuple[int, int]:
    """(Trained, all) parameters."""
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trained in counts if trained), sum(n for n, _ in counts)

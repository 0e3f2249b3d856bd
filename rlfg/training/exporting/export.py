"""Merges an adapter into its base, writes the model aside, checks it from there, and gives it its name.

Safetensors only, and never remote code: a base that needs either is refused.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from rlfg.data.contract import CONTRACT, read_contract
from rlfg.errors import RlfgError
from rlfg.models.load import DTYPES, ModelSpec
from rlfg.models.merge import merge
from rlfg.rollouts.local import LocalModel
from rlfg.training.exporting.card import revision_of, write_card
from rlfg.training.exporting.parity import Parity, answers, compare, probes


@dataclass(frozen=True, kw_only=True)
class ExportSpec:
    """What is exported, and where to."""

    trained: Path
    """RUN/final: an adapter, or a whole model."""
    out: Path
    model: str | None = None
    """The adapter's base; by default the one that it names."""
    data: Path | None = None
    """Pictures for the parity check; by default some that are drawn."""
    prompt: str | None = None
    """What the weights were trained with, where that is a text file; else the contract says it."""
    pictures: int = 4
    max_new_tokens: int = 64
    licence: str | None = None
    """Of the result; by default that of the base, where its card names one."""


def export(spec: ExportSpec) -> Parity:
    """Writes `spec.out`, whole or not at all; returns what the parity check found.

    Raises:
        RlfgError: There is something at `out`; the base is not safe to load; the merged model answers otherwise.
    """
    if spec.out.exists() and (not spec.out.is_dir() or any(spec.out.iterdir())):
        raise RlfgError(f"{spec.out}: is there already; name another folder")
    base = base_of(spec)
    check_safe(base)
    contract = read_contract(spec.trained)
    has_adapter = (spec.trained / "adapter_config.json").is_file()
    revision = revision_of(spec.trained, base)
    model = ModelSpec(
        path=base,
        revision=revision,
        adapter=str(spec.trained) if has_adapter else None,
        dtype=dtype_of(base, revision),
        max_pixels=contract.get("max_pixels"),
    )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    local = LocalModel(model, device=device)
    shown = probes(spec.trained, spec.data, count=spec.pictures, prompt=spec.prompt)
    before = answers(local, shown, max_new_tokens=spec.max_new_tokens)
    aside = spec.out.with_name(f".{spec.out.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        _write(local, spec, aside)
        del local
        again = LocalModel(ModelSpec(path=str(aside), dtype=model.dtype), device=device)
        found = compare(again, shown, before, max_new_tokens=spec.max_new_tokens, dtype=model.dtype)
        write_card(aside, spec, base=base, dtype=model.dtype, contract=contract, parity=found)
        spec.out.parent.mkdir(parents=True, exist_ok=True)
        aside.replace(spec.out)
    except OSError as error:
        raise RlfgError(f"{spec.out}: could not be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return found


def base_of(spec: ExportSpec) -> str:
    """What the trained weights stand on: the adapter's base, or the whole model itself.

    Raises:
        RlfgError: There is nothing to export.
    """
    adapter = spec.trained / "adapter_config.json"
    if adapter.is_file():
        named = json.loads(adapter.read_text(encoding="utf-8")).get("base_model_name_or_path")
        if not (spec.model or named):
            raise RlfgError(f"{adapter}: names no base; give --model")
        return str(spec.model or named)
    if (spec.trained / "config.json").is_file():
        return str(spec.trained)
    raise RlfgError(f"{spec.trained}: neither an adapter (adapter_config.json) nor a model (config.json)")


def check_safe(base: str) -> None:
    """Refuses a local base that would need code or pickles of its own; of a hub's, loading refuses the same.

    Raises:
        RlfgError: Names the file.
    """
    folder = Path(base)
    if not folder.is_dir():
        return
    for name in ("config.json", "processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        path = folder / name
        if path.is_file() and "auto_map" in json.loads(path.read_text(encoding="utf-8")):
            raise RlfgError(f"{path}: asks for code of its own (auto_map), which is never run")
    if not list(folder.glob("*.safetensors")):
        raise RlfgError(f"{folder}: has no .safetensors weights; other formats may hold code and are not read")


def dtype_of(base: str, revision: str | None = None) -> Any:
    """That of the base's config; float32 where it names none."""
    dtype = AutoConfig.from_pretrained(base, revision=revision, trust_remote_code=False).dtype
    name = str(dtype).removeprefix("torch.")
    return name if name in DTYPES else "float32"


def _write(local: LocalModel, spec: ExportSpec, folder: Path) -> None:
    folder.mkdir(parents=True)
    model = merge(local.model)
    if model.get_output_embeddings().weight is not model.get_input_embeddings().weight:
        # One of them was trained apart; vLLM goes by the config, and would leave the head out.
        model.config.tie_word_embeddings = model.config.get_text_config().tie_word_embeddings = False
    model.save_pretrained(folder)
    local.processor.save_pretrained(folder)
    if (spec.trained / CONTRACT).is_file():
        shutil.copy2(spec.trained / CONTRACT, folder / CONTRACT)

"""A run's contract, saved beside its adapter: what every later stage must agree with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from rlfg.data.answers import FORMS, ParseMode, format_answer, parse_answer
from rlfg.data.prompts import Prompt, contract_hash, load_prompt, prompt_names
from rlfg.errors import RlfgError

CONTRACT = "contract.json"


def write_contract(folder: Path, contract: dict[str, Any]) -> None:
    """Records what a later stage must agree with: base model, prompt, parser, taxonomy, picture budget."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONTRACT).write_text(json.dumps(contract, indent=2, sort_keys=True) + "\n")


def read_contract(folder: Path) -> dict[str, Any]:
    """A saved contract; empty where the folder has none.

    Raises:
        RlfgError: The file is no JSON object.
    """
    path = folder / CONTRACT
    if not path.is_file():
        return {}
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RlfgError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(saved, dict):
        raise RlfgError(f"{path}: a contract is an object")
    return saved


def check_contract(folder: Path, contract: dict[str, Any]) -> None:
    """Compares a saved contract with that of the stage about to start.

    Raises:
        RlfgError: Names each field that differs. Fields that only one side has are not compared.
    """
    saved = read_contract(folder)
    differing = [
        f"{key} (was {saved[key]!r}, now {contract[key]!r})"
        for key in sorted(saved.keys() & contract.keys())
        if saved[key] != contract[key]
    ]
    if differing:
        raise RlfgError(
            f"{folder}: was trained under another contract: {'; '.join(differing)}; "
            "use the same settings or another folder"
        )


def parse_mode_of(folder: Path) -> ParseMode:
    """How the answers of a trained model are read: as in its GRPO stage; after SFT alone, as its targets are."""
    saved = read_contract(folder)
    return cast(ParseMode, saved.get("parse_mode") or ("bare" if saved.get("target") == "bare" else "lenient"))


def check_target(folder: Path, mode: ParseMode) -> None:
    """Makes sure that the completions which a saved model was taught can be read.

    Raises:
        RlfgError: Every one of them would be UNPARSED.
    """
    taught = read_contract(folder).get("target")
    if taught in FORMS and parse_answer(format_answer("thoughts", "name", taught), mode).answer is None:
        fix = {"think": "lenient"}.get(taught, taught)
        raise RlfgError(f"{folder}: was taught target: {taught}, which parse_mode: {mode} cannot read; set it to {fix}")


def prompt_of(folder: Path, name: str | None = None) -> Prompt:
    """The prompt an adapter was trained with: that of the contract, found by its hash; "think" where there is none.

    Args:
        folder: of the adapter.
        name: a prompt that is known to be it.

    Raises:
        RlfgError: `name` is another prompt than the contract's, or the contract's does not come with the package.
    """
    expected = read_contract(folder).get("prompt")
    if name is not None or expected is None:
        prompt = load_prompt(name or "think")
        if expected not in (None, contract_hash(prompt)):
            raise RlfgError(f"{folder}: was trained with another prompt than {prompt.name!r}; leave the prompt out")
        return prompt
    known = (load_prompt(variant) for variant in prompt_names())
    found = next((prompt for prompt in known if contract_hash(prompt) == expected), None)
    if found is None:
        raise RlfgError(f"{folder}: was trained with a prompt of its own; name its .txt file with --prompt")
    return found

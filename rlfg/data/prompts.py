"""Prompts: one text file a variant, shared by every stage."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError

_FOLDER = resources.files("rlfg.data") / "prompts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What the model is asked, after the picture. No system prompt."""

    name: str
    text: str


def prompt_names() -> list[str]:
    """The variants that come with the package."""
    return sorted(p.name.removesuffix(".txt") for p in _FOLDER.iterdir() if p.name.endswith(".txt"))


def load_prompt(name: str) -> Prompt:
    """A variant by name, or a text file by path.

    Raises:
        RlfgError: Neither; lists the variants.
    """
    if name in prompt_names():
        return Prompt(name=name, text=(_FOLDER / f"{name}.txt").read_text(encoding="utf-8").strip())
    path = Path(name)
    if path.suffix == ".txt" and path.is_file():
        return Prompt(name=path.stem, text=path.read_text(encoding="utf-8").strip())
    raise RlfgError(f"{name!r} is no prompt: give a .txt file or one of {', '.join(prompt_names())}")


def user_message(prompt: Prompt, question: str | None = None) -> dict[str, Any]:
    """The user's turn, picture first; a manifest's `question` replaces the variant's text."""
    return {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question or prompt.text}]}


def contract_hash(prompt: Prompt) -> str:
    """Identifies the prompt's text; saved beside adapters and checked by later stages."""
    return hashlib.sha256(prompt.text.encode()).hexdigest()[:16]

"""What a config takes from code of the user's own: "package.module:name", or "folder/file.py:name"."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from rlfg.errors import RlfgError


def is_named(text: str) -> bool:
    """Whether a text names something of the user's own, and not something of the package."""
    return ":" in text


def load_named(text: str, what: str) -> Any:
    """What `text` names; a file is run once, and its path is taken from the working folder.

    Raises:
        RlfgError: There is no such module, file or name; `what` says in the message what was wanted.
    """
    where, _, name = text.rpartition(":")
    try:
        module = _from_file(Path(where).resolve()) if where.endswith(".py") else import_module(where)
        return getattr(module, name)
    except (ImportError, AttributeError, OSError, ValueError) as error:
        raise RlfgError(f"{what} {text!r}: {error}; give package.module:name or folder/file.py:name") from error


@lru_cache
def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    spec = spec_from_file_location(str(path), path)
    assert spec is not None and spec.loader is not None, "its name ends in .py"
    module = module_from_spec(spec)
    sys.modules[str(path)] = module  # where dataclasses of the file look for it
    spec.loader.exec_module(module)
    return module

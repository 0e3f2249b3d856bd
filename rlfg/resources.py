"""Where recipes and configs are: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import shutil
from pathlib import Path

from rlfg.errors import RlfgError


def recipes_folder() -> Path:
    """The folder that holds sft.py, grpo.py, configs/, launch/ and assets/."""
    package = Path(__file__).parent
    for folder in (package / "_recipes", package.parent / "recipes"):
        if (folder / "grpo.py").is_file():
            return folder
    raise RlfgError("the recipes did not come with this installation; install rlfg from a wheel or a checkout")


def copy_recipes(target: Path) -> int:
    """Copies recipes, configs and launch files to `target/recipes`; returns the number of files.

    Raises:
        RlfgError: The folder is there already.
    """
    folder = target / "recipes"
    if folder.exists():
        raise RlfgError(f"{folder}: is there already; give another folder or remove it")
    shutil.copytree(recipes_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    return sum(path.is_file() for path in folder.rglob("*"))

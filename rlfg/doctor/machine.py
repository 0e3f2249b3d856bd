"""Python, compilers, disk, recipes."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from rlfg.doctor.check import Check
from rlfg.doctor.packages import installed
from rlfg.errors import RlfgError
from rlfg.resources import recipes_folder

MIN_PYTHON = (3, 11)
MIN_FREE_GB = 5


def check_python(version: tuple[int, ...]) -> Check:
    """Whether the interpreter is new enough."""
    needed = ".".join(map(str, MIN_PYTHON))
    if version < MIN_PYTHON:
        return Check(
            status="broken",
            what=f"Python {platform.python_version()}: {needed} or later is needed",
            fix=f"python{needed} -m venv .venv, and install rlfg there",
        )
    return Check(status="ok", what=f"Python {platform.python_version()} ({sys.executable})")


def check_compiler() -> Iterator[Check]:
    """DeepSpeed compiles an op on its first run."""
    if installed("deepspeed") is None:
        return
    compiler = shutil.which("c++") or shutil.which("g++")
    ninja = shutil.which("ninja") or shutil.which("ninja", path=str(Path(sys.executable).parent))
    if compiler and ninja:
        yield Check(status="ok", what=f"DeepSpeed can compile its ops ({compiler}, {ninja})")
    if not compiler:
        yield Check(status="missing", what="C++ compiler: DeepSpeed compiles its ops", fix="apt-get install g++")
    if not ninja:
        yield Check(status="missing", what="ninja: DeepSpeed compiles its ops with it", fix="pip install ninja")


def check_disk(folder: Path) -> Check:
    """Space for checkpoints."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < MIN_FREE_GB:
        return Check(
            status="missing",
            what=f"disk space: {free:.1f} GB free in {folder}",
            fix=f"free some, or run elsewhere; {MIN_FREE_GB} GB is little for checkpoints",
        )
    return Check(status="ok", what=f"disk: {free:.0f} GB free in {folder}")


def check_recipes() -> Check:
    """Whether recipes and configs came with the installation."""
    try:
        return Check(status="ok", what=f"recipes in {recipes_folder()} (rlfg recipes copy takes them to your folder)")
    except RlfgError as error:
        return Check(status="missing", what=f"recipes: {error}", fix="pip install --force-reinstall rlfg")

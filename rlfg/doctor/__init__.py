"""What works on this machine, and how to mend what does not. Imports only the standard library itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from rlfg.doctor.check import Check
from rlfg.doctor.imports import check_flash_attention, check_imports
from rlfg.doctor.machine import check_compiler, check_disk, check_python, check_recipes
from rlfg.doctor.packages import check_packages

__all__ = ["Check", "checks", "diagnose"]


def diagnose() -> int:
    """Prints one line a check; returns 1 if something installed is broken, else 0."""
    broken = False
    for check in checks():
        print(check, flush=True)
        broken |= check.status == "broken"
    return int(broken)


def checks() -> Iterator[Check]:
    """Every check, in the order they are read."""
    yield check_python(sys.version_info[:2])
    yield from check_packages()
    yield from check_imports()
    yield check_flash_attention()
    yield from check_compiler()
    yield check_disk(Path.cwd())
    yield check_recipes()

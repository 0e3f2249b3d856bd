"""Installed versions against those that rlfg supports, as its own package metadata states them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

from rlfg.doctor.check import Check

EXTRAS = {"": "core", "train": "training", "deepspeed": "DeepSpeed", "quant": "4-bit training", "vllm": "vLLM"}
"""Extras that are looked at, and what they are for."""


def check_packages() -> Iterator[Check]:
    """Each installed package against what rlfg supports; what is missing, an extra a line."""
    try:
        required = requirements(metadata.requires("rlfg") or [])
    except metadata.PackageNotFoundError:
        yield Check(
            status="missing", what="rlfg runs from a folder and is not installed", fix="pip install --editable ."
        )
        return
    for extra, purpose in EXTRAS.items():
        missing = []
        for name, supported in required.get(extra, {}).items():
            found = installed(name)
            if found is None:
                missing.append(name)
            elif satisfies(found[1], supported):
                yield Check(
                    status="ok", what=f"{found[0]} {found[1]}" + (f" (supported: {supported})" if supported else "")
                )
            else:
                yield Check(
                    status="broken",
                    what=f"{found[0]} {found[1]}: rlfg needs {supported}",
                    fix=f"pip install '{name}{supported}'",
                )
        if missing:
            package = f"rlfg[{extra}]" if extra else "rlfg"
            fix = f"pip install '{package}'" + (", or on a CPU: make vllm" if extra == "vllm" else "")
            yield Check(status="missing", what=f"{purpose}: {', '.join(missing)}", fix=fix)


def requirements(lines: list[str]) -> dict[str, dict[str, str]]:
    """Extra ("" for the core) → package → versions, from a distribution's `Requires-Dist` lines."""
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        requirement, _, marker = line.partition(";")
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", marker)
        if name:
            versions = requirement[name.end() :].strip(" ()")
            found.setdefault(extra[1] if extra else "", {})[name[0]] = versions
    return found


def extra_with(package: str) -> str | None:
    """The first extra that brings a package; None where none does, or rlfg itself is not installed."""
    try:
        required = requirements(metadata.requires("rlfg") or [])
    except metadata.PackageNotFoundError:
        return None
    return next((extra for extra, packages in required.items() if extra and package in packages), None)


def installed(name: str) -> tuple[str, str] | None:
    """Distribution and version; vLLM's CPU build has a name of its own."""
    for distribution in (name, f"{name}-cpu") if name == "vllm" else (name,):
        try:
            return distribution, metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return None


def satisfies(version: str, supported: str) -> bool:
    """Whether a version is in a range such as ">=0.22,<=0.31.0" or "==5.17.*"; an empty range takes all."""
    for clause in filter(None, supported.replace(" ", "").split(",")):
        operator, bound = re.match(r"([<>=!]+)(.*)", clause).groups()  # type: ignore[union-attr]
        parts = release(bound.removesuffix(".*"))
        mine = release(version)
        if bound.endswith(".*"):
            mine = mine[: len(parts)]
        width = max(len(mine), len(parts))
        a, b = (p + (0,) * (width - len(p)) for p in (mine, parts))
        if not {">=": a >= b, "<=": a <= b, "==": a == b, ">": a > b, "<": a < b, "!=": a != b}[operator]:
            return False
    return True


def release(version: str) -> tuple[int, ...]:
    """The numbers a version begins with."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(n) for n in numbers[0].split(".")) if numbers else ()

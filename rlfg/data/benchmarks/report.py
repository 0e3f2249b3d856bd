"""What `rlfg data prepare` says at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rlfg.data.benchmarks.model import Benchmark
from rlfg.data.benchmarks.prepare import Prepared


def report(benchmark: Benchmark, found: Prepared) -> str:
    """Counts that add up, what differs from the published files, and the lines for a recipe."""
    counts = ", ".join(f"{n:,} {place}" for place, n in found.written.items())
    lines = [
        f"{found.listed:,} pictures listed: {counts}, {found.missing:,} missing, {found.unreadable:,} unreadable",
        *([] if found.images is None else [str(found.images)]),
        *(f"differs: {problem}" for problem in found.problems),
        *([f"note: {benchmark.note}"] if benchmark.note else []),
    ]
    if "val" not in found.written:
        lines.append("there is no val: --val 0.1 carves one out of train")
    return "\n".join([*lines, "", "# for a recipe", yaml_lines(found)])


def yaml_lines(found: Prepared) -> str:
    """`data`, `eval` and `verifier` of a training recipe; of an evaluation, `data` (test, or val) and `taxonomy`."""
    paths: dict[str, Path] = dict(found.manifests)
    told: dict[str, Any] = {}
    if "train" in paths:
        told["data"] = {"path": str(paths["train"])}
    if "val" in paths:
        told["eval"] = {"path": str(paths["val"])}
    if found.taxonomy:
        told["verifier"] = dict(found.taxonomy)
    text = _flow(told)
    if shown := paths.get("test", paths.get("val")):
        asked: dict[str, Any] = {"data": {"path": str(shown)}}
        if found.taxonomy:
            asked["taxonomy"] = {"path" if key == "taxonomy" else key: value for key, value in found.taxonomy.items()}
        text += f"# for an evaluation\n{_flow(asked)}"
    return text.rstrip("\n")


def _flow(told: dict[str, Any]) -> str:
    return (
        yaml.safe_dump(told, default_flow_style=None, sort_keys=False, width=1000, allow_unicode=True) if told else ""
    )

"""Writes the manifests of a benchmark, and its own categories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlfg.data.benchmarks.model import SPLITS, Benchmark
from rlfg.data.splits import record_of
from rlfg.taxonomy.hierarchies import BUILTIN
from rlfg.types import Example


def write_manifests(examples: Sequence[Example], out: Path) -> tuple[dict[str, int], dict[str, Path]]:
    """A manifest for each split that has pictures; one of an earlier run with other options is taken away.

    Returns:
        Pictures and path of each.
    """
    out.mkdir(parents=True, exist_ok=True)
    written, manifests = {}, {}
    for place in SPLITS:
        path = out / f"{place}.jsonl"
        chosen = [example for example in examples if example.split == place]
        if not chosen:
            path.unlink(missing_ok=True)
            continue
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(record_of(e, out), ensure_ascii=False) + "\n" for e in chosen)
        written[place], manifests[place] = len(chosen), path
    return written, manifests


def write_taxonomy(benchmark: Benchmark, home: Path | None, out: Path) -> dict[str, Any]:
    """The taxonomy as a recipe's verifier names it; a benchmark's own categories are written beside the manifests."""
    if benchmark.hierarchy is not None:
        return {"taxonomy": f"{BUILTIN}{benchmark.hierarchy}"}
    if benchmark.taxonomy is not None:
        return {"taxonomy": benchmark.taxonomy} | ({"root": benchmark.root} if benchmark.root else {})
    if home is None or benchmark.categories is None:
        return {}
    path = out / "taxonomy.json"
    path.write_text(json.dumps({"categories": benchmark.categories(home)}, ensure_ascii=False) + "\n", encoding="utf-8")
    return {"taxonomy": str(path), "root": benchmark.root}

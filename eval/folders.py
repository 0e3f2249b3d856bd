"""Folders that `rlfg score` or `rlfg tally` wrote: what to call them, and what is in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.predictions import read_predictions
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy


def folder_names(paths: Sequence[Path]) -> list[str]:
    """The folders' own names, or enough of their paths to tell them apart.

    Raises:
        RlfgError: one folder stands there twice.
    """
    for parts in range(1, max(len(path.resolve().parts) for path in paths) + 1):
        names = ["/".join(path.resolve().parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    raise RlfgError(f"{paths[0]}: the same folder was given twice")


WRITERS = "`rlfg score` or `rlfg tally`"


def read_metrics(folder: Path) -> dict[str, Any]:
    """Its `metrics.json`.

    Raises:
        RlfgError: it cannot be read.
    """
    path = folder / "metrics.json"
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RlfgError(f"{path}: cannot read ({error}); give a folder that {WRITERS} wrote") from error
    return record


def check_taxonomy(folder: Path, metrics: Mapping[str, Any], taxonomy: Taxonomy) -> None:
    """Whether a run was scored with this taxonomy.

    Raises:
        RlfgError: it was another one.
    """
    found = metrics.get("taxonomy", {}).get("hash", taxonomy.hash)
    if found != taxonomy.hash:
        raise RlfgError(
            f"{folder}: scored with another taxonomy (hash {found[:12]}) than {taxonomy.source} "
            f"({taxonomy.hash[:12]}); give the same --taxonomy, --root and --ranks as to `rlfg score`"
        )


def read_completions(predictions: str | Path | None) -> dict[str, tuple[str, ...]]:
    """Whole completions by picture, from the predictions file of a run; empty where it is gone or has bare answers."""
    if predictions is None or not Path(predictions).is_file():
        return {}
    return {one.id: one.completions for one in read_predictions(predictions) if one.completions}

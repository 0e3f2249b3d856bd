"""Folders that `rlfg score` or `rlfg tally` wrote: what to call them, and what is in them."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.predictions import read_json_lines, read_predictions
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy
from rlfg.taxonomy.archive import sha256_of
from rlfg.taxonomy.options import taxonomy_of

OPEN = "open"
"""The protocol of folders that `rlfg score` wrote."""
WRITERS = "`rlfg score` or `rlfg tally`"


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


def common_protocol(folders: Sequence[Path]) -> str:
    """The one that all of them were asked by.

    Raises:
        RlfgError: Two were asked by different ones, or hold no scores.
    """
    first, *others = folders
    protocol = protocol_of_folder(first)
    for folder in others:
        if (other := protocol_of_folder(folder)) != protocol:
            raise RlfgError(
                f"{first}: {_kind(protocol)}, but {folder}: {_kind(other)}; give runs that were asked alike"
            )
    return protocol


def protocol_of_folder(folder: Path) -> str:
    """How its items were asked: "open" where `rlfg score` gave them verdicts, else as `rlfg tally` says.

    Raises:
        RlfgError: Neither wrote this folder.
    """
    if not items_of(folder).is_file():
        raise RlfgError(f"{items_of(folder)}: no such file; give a folder that {WRITERS} wrote")
    lines = read_json_lines(items_of(folder), most=1)
    if lines and "verdict" in lines[0][1]:
        return OPEN
    protocol = read_metrics(folder).get("protocol") if lines else None
    if not isinstance(protocol, str):
        raise RlfgError(f"{folder}: holds no scores; give a folder that {WRITERS} wrote")
    return protocol


def items_of(folder: Path) -> Path:
    """The file with a line for each answer, or each line of a tally."""
    return folder / "items.jsonl"


def read_metrics(folder: Path) -> dict[str, Any]:
    """Its `metrics.json`.

    Raises:
        RlfgError: it cannot be read.
    """
    path = folder / "metrics.json"
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RlfgError(f"{path}: cannot read ({reason}); give a folder that {WRITERS} wrote") from error
    return record


def check_taxonomy(folder: Path, metrics: Mapping[str, Any], taxonomy: Taxonomy | None) -> None:
    """Whether a run was scored with this taxonomy, or with none.

    Raises:
        RlfgError: it was another one.
    """
    found = metrics.get("taxonomy", {}).get("hash")
    if taxonomy is None and found is not None:
        raise RlfgError(f"{folder}: scored with a taxonomy; give the same --taxonomy, --root and --ranks here")
    if taxonomy is not None and found not in (None, taxonomy.hash):
        raise RlfgError(
            f"{folder}: scored with another taxonomy (hash {found[:12]}) than {taxonomy.source} "
            f"({taxonomy.hash[:12]}); give the same --taxonomy, --root, --root-alias and --ranks as to `rlfg score`"
        )


def tree_of(args: Namespace, folders: Sequence[Path]) -> Taxonomy | None:
    """The taxonomy that the options name, for the metrics over its tree; None where they name none.

    Raises:
        RlfgError: The questions of a folder were closed, or it was scored with another taxonomy.
    """
    if not args.taxonomy:
        return None
    for folder in folders:
        if protocol_of_folder(folder) != OPEN:
            raise RlfgError(f"{folder}: closed questions (rlfg tally), which have no metrics over the tree")
    taxonomy = taxonomy_of(args)
    for folder in folders:
        check_taxonomy(folder, read_metrics(folder), taxonomy)
    return taxonomy


def told_of_predictions(path: Path) -> dict[str, str]:
    """What `metrics.json` says of the predictions that it is about."""
    return {"predictions": str(path), "predictions_sha256": sha256_of(path)}


def predictions_of(metrics: Mapping[str, Any]) -> Path | None:
    """The predictions file of a run, where it is still there; `has_changed` says whether it is still the same."""
    path = Path(metrics.get("predictions") or "")
    return path if path.is_file() else None


def has_changed(path: Path, metrics: Mapping[str, Any]) -> bool:
    """Whether a run was made of another file than lies there now."""
    return "predictions_sha256" in metrics and metrics["predictions_sha256"] != sha256_of(path)


def read_completions(path: Path) -> dict[str, tuple[str, ...]]:
    """Whole completions by picture; none of bare answers."""
    return {one.id: one.completions for one in read_predictions(path) if one.completions}


def _kind(protocol: str) -> str:
    return (
        "open questions (rlfg score)" if protocol == OPEN else f"closed questions of protocol {protocol} (rlfg tally)"
    )

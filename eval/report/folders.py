"""A report from folders that `rlfg score` wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.report.build import ReportInput, build_report
from eval.report.curves import read_curves
from eval.score import read_items
from rlfg import __version__
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy


def report_from_folders(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    taxonomy: Taxonomy,
    curves: str | Path | None = None,
    title: str = "Open-world classification",
) -> None:
    """Write one HTML file about scored runs, named after their folders.

    Args:
        folders: each with the `items.jsonl` and `metrics.json` of `rlfg score`, in the order to show.
        out: the HTML file.
        taxonomy: what all of them were scored with.
        curves: the `metrics.jsonl` of a training run.
        title: heading of the page.

    Raises:
        RlfgError: a folder without scores, or scored with another taxonomy.
    """
    paths = [Path(folder) for folder in folders]
    names = _names(paths)
    records = {name: _metrics(path, taxonomy) for name, path in zip(names, paths, strict=True)}
    html = build_report(
        ReportInput(
            title=title,
            runs={name: read_items(path / "items.jsonl") for name, path in zip(names, paths, strict=True)},
            taxonomy=taxonomy,
            curves=() if curves is None else read_curves(curves),
            provenance={
                **{name: str(record.get("predictions", paths[i])) for i, (name, record) in enumerate(records.items())},
                "parsing": ", ".join(dict.fromkeys(str(record.get("parse", "–")) for record in records.values())),
                "rlfg": __version__,
            },
        )
    )
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html, encoding="utf-8")


def _names(paths: Sequence[Path]) -> list[str]:
    """The folders' own names, or enough of their paths to tell them apart."""
    for parts in range(1, max(len(path.resolve().parts) for path in paths) + 1):
        names = ["/".join(path.resolve().parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    raise RlfgError(f"{paths[0]}: the same folder was given twice")


def _metrics(folder: Path, taxonomy: Taxonomy) -> dict[str, Any]:
    path = folder / "metrics.json"
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RlfgError(f"{path}: cannot read ({error}); give a folder that `rlfg score` wrote") from error
    found = record.get("taxonomy", {}).get("hash", taxonomy.hash)
    if found != taxonomy.hash:
        raise RlfgError(
            f"{folder}: scored with another taxonomy (hash {found[:12]}) than {taxonomy.source} "
            f"({taxonomy.hash[:12]}); give the same --taxonomy, --root and --ranks as to `rlfg score`"
        )
    return record

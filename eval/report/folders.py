"""A report from folders that `rlfg score` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.folders import check_taxonomy, folder_names, read_metrics
from eval.report.build import ReportInput, build_report
from eval.report.curves import read_curves
from eval.score import read_items
from rlfg import __version__
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
    names = folder_names(paths)
    records = {name: read_metrics(path) for name, path in zip(names, paths, strict=True)}
    for path, record in zip(paths, records.values(), strict=True):
        check_taxonomy(path, record, taxonomy)
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

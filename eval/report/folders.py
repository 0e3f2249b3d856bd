"""A report from folders that `rlfg score` and `rlfg tally` wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.folders import (
    OPEN,
    check_taxonomy,
    folder_names,
    has_changed,
    predictions_of,
    protocol_of_folder,
    read_completions,
    read_metrics,
)
from eval.report.build import ReportInput, build_report
from eval.report.closed import ClosedRun
from eval.report.curves import read_curves
from eval.report.gallery import EMBEDDED
from eval.report.provenance import of_report, of_run, of_training
from eval.score import read_items
from eval.tally import read_tallied
from rlfg.data import parse_answer
from rlfg.taxonomy import Taxonomy

THOUGHTS = 20_000_000
"""Characters of reasoning that go into a page at most; the page says where it is not all."""


def report_from_folders(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    taxonomy: Taxonomy | None = None,
    curves: str | Path | None = None,
    title: str = "Open-world classification",
    embedded: int = EMBEDDED,
) -> None:
    """Write one HTML file about scored runs, named after their folders.

    Args:
        folders: each with the `items.jsonl` and `metrics.json` of `rlfg score` or `rlfg tally`, in the order to show.
        out: the HTML file.
        taxonomy: what all open answers were scored with; none where all questions were closed, or only texts compared.
        curves: the `metrics.jsonl` of a training run.
        title: heading of the page.
        embedded: pictures that go into the page at most.

    Raises:
        RlfgError: a folder without scores, or scored with another taxonomy.
    """
    paths = [Path(folder) for folder in folders]
    named = dict(zip(folder_names(paths), paths, strict=True))
    records = {name: read_metrics(path) for name, path in named.items()}
    tallies = {name: path for name, path in named.items() if protocol_of_folder(path) != OPEN}
    scored = {name: path for name, path in named.items() if name not in tallies}
    for name, path in scored.items():
        check_taxonomy(path, records[name], taxonomy)
    thoughts, left_out = _thoughts(records)
    html = build_report(
        ReportInput(
            title=title,
            runs={name: read_items(path / "items.jsonl") for name, path in scored.items()},
            closed={
                name: ClosedRun(
                    items=read_tallied(path / "items.jsonl"), metrics=records[name], thoughts=thoughts.get(name, {})
                )
                for name, path in tallies.items()
            },
            taxonomy=taxonomy,
            curves=() if curves is None else read_curves(curves),
            metrics=records,
            thoughts={name: thoughts[name] for name in scored if name in thoughts},
            embedded=embedded,
            provenance={
                **{name: of_run(path, records[name]) for name, path in named.items()},
                **({} if curves is None else {"training": of_training(Path(curves))}),
                **({"reasoning left out": f"of {left_out:,} answers, for their length"} if left_out else {}),
                **of_report(),
            },
        )
    )
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html, encoding="utf-8")


def _thoughts(records: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, dict[tuple[str, int], str]], int]:
    """What stands before the answers in predictions files that are still the same, and of how many it is left out."""
    room, left_out = THOUGHTS, 0
    found: dict[str, dict[tuple[str, int], str]] = {}
    for run, record in records.items():
        path = predictions_of(record)
        if path is None or has_changed(path, record):
            continue
        for id_, completions in read_completions(path).items():
            for sample, completion in enumerate(completions):
                text = (parse_answer(completion).thoughts or "").strip()
                if len(text) > room:
                    left_out += 1
                elif text:
                    room -= len(text)
                    found.setdefault(run, {})[id_, sample] = text
    return found, left_out

"""`rlfg export-results`."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlfg.errors import RlfgError
from rlfg.taxonomy.options import add_taxonomy_options

if TYPE_CHECKING:
    from eval.harness.layout import Exported
    from rlfg.taxonomy import Taxonomy


def add_export_results(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Adds it."""
    parser = commands.add_parser(
        "export-results", help="a scored or tallied run as lm-evaluation-harness and lmms-eval write theirs"
    )
    parser.add_argument("scored", type=Path, help="a folder written by rlfg score or rlfg tally")
    parser.add_argument("--out", type=Path, required=True, help="results.json; the samples go beside it")
    parser.add_argument("--task", help="name of the task (that of the predictions file)")
    parser.add_argument("--model", help="name of the model (that of the folder)")
    add_taxonomy_options(parser, required=False)
    parser.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> None:
    from eval.folders import OPEN, protocol_of_folder, read_metrics, tree_of
    from eval.harness.layout import results_record

    is_open, metrics = protocol_of_folder(args.scored) == OPEN, read_metrics(args.scored)
    taxonomy = tree_of(args, [args.scored])
    named = {
        "task": re.sub(r"\W+", "_", args.task or Path(metrics.get("predictions", args.scored)).stem),
        "metrics": metrics,
        "model": args.model or args.scored.resolve().name,
        "date": (args.scored / "metrics.json").stat().st_mtime,
    }
    run = _scored(args, named, taxonomy) if is_open else _tallied(args, named)
    day = datetime.fromtimestamp(run.date, UTC).isoformat(timespec="seconds")[:19].replace(":", "-")
    samples = args.out.parent / f"samples_{run.task}_{day}.jsonl"
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(results_record(run), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with samples.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in run.samples())
    print(f"{args.out}\n{samples}")


def _scored(args: argparse.Namespace, named: Mapping[str, Any], taxonomy: Taxonomy | None) -> Exported:
    from eval.folders import items_of, read_completions
    from eval.harness.scored import ScoredRun
    from eval.score import read_items

    path = _predictions(args.scored, named["metrics"])
    completions = {} if path is None else read_completions(path)
    return ScoredRun(items=read_items(items_of(args.scored)), taxonomy=taxonomy, completions=completions, **named)


def _tallied(args: argparse.Namespace, named: Mapping[str, Any]) -> Exported:
    from eval.folders import items_of
    from eval.harness.tallied import TalliedRun
    from eval.predictions import read_predictions
    from eval.tally import read_tallied

    items = read_tallied(items_of(args.scored))
    path = _predictions(args.scored, named["metrics"])
    lines = {} if path is None else {line.id: line for line in read_predictions(path)}
    return TalliedRun(items=items, lines=lines, **named)


def _predictions(folder: Path, metrics: Mapping[str, Any]) -> Path | None:
    """The file that whole completions are in, if it is there.

    Raises:
        RlfgError: It holds others by now.
    """
    from eval.folders import has_changed, predictions_of

    path = predictions_of(metrics)
    if path is not None and has_changed(path, metrics):
        raise RlfgError(
            f"{path}: has changed since {folder} was made of it; score or tally it again, or move it away and go "
            "without whole completions"
        )
    return path

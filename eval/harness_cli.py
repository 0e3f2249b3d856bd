"""`rlfg export-results`."""

from __future__ import annotations

import argparse
import json
import re
from datetime import UTC, datetime
from pathlib import Path

from rlfg.taxonomy.options import add_taxonomy_options, taxonomy_of


def add_export_results(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Adds it."""
    parser = commands.add_parser(
        "export-results", help="a scored run as lm-evaluation-harness and lmms-eval write theirs"
    )
    parser.add_argument("scored", type=Path, help="a folder written by rlfg score")
    parser.add_argument("--out", type=Path, required=True, help="results.json; the samples go beside it")
    parser.add_argument("--task", help="name of the task (that of the predictions file)")
    parser.add_argument("--model", help="name of the model (that of the folder)")
    add_taxonomy_options(parser, required=False, border=False)
    parser.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> None:
    from eval.folders import check_taxonomy, read_completions, read_metrics
    from eval.harness import Exported, results_record, sample_records
    from eval.score import read_items

    metrics = read_metrics(args.scored)
    taxonomy = None if args.taxonomy is None else taxonomy_of(args)
    if taxonomy is not None:
        check_taxonomy(args.scored, metrics, taxonomy)
    date = (args.scored / "metrics.json").stat().st_mtime
    run = Exported(
        task=re.sub(r"\W+", "_", args.task or Path(metrics.get("predictions", args.scored)).stem),
        items=read_items(args.scored / "items.jsonl"),
        taxonomy=taxonomy,
        completions=read_completions(metrics.get("predictions")),
        metrics=metrics,
        model=args.model or args.scored.resolve().name,
        revision=metrics.get("revision"),
        date=date,
    )
    day = datetime.fromtimestamp(date, UTC).isoformat(timespec="seconds")[:19].replace(":", "-")
    samples = args.out.parent / f"samples_{run.task}_{day}.jsonl"
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(results_record(run), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with samples.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in sample_records(run))
    print(f"{args.out}\n{samples}")

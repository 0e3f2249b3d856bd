"""`rlfg tally` and `rlfg majority`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.reading import READINGS
from rlfg.data import PARSE_MODES
from rlfg.taxonomy.options import add_taxonomy_options, taxonomy_of


def add_tally(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """`rlfg tally`: closed questions; `rlfg majority`: N answers made one."""
    parser = commands.add_parser("tally", help="score closed questions: choices, rankings, pairs, counts, ranks")
    parser.add_argument("--predictions", type=Path, required=True, help="what rlfg predict wrote of closed questions")
    parser.add_argument("--out", type=Path, required=True, help="folder for metrics.json and items.jsonl")
    parser.add_argument("--parse", choices=PARSE_MODES, default="lenient", help="how completions are read (lenient)")
    parser.add_argument("--group-by", help="a key of the lines or of their meta to report by, too (novelty, condition)")
    add_taxonomy_options(parser, required=False)
    parser.set_defaults(run=_tally)
    vote = commands.add_parser("majority", help="the answer that most of N samples give, for rlfg score")
    vote.add_argument("--predictions", type=Path, required=True, help="with several answers an item")
    vote.add_argument("--out", type=Path, required=True, help="the predictions file to write")
    vote.add_argument(
        "--parse",
        choices=READINGS,
        default="asked",
        help="how completions are read; by default as the prompt of each asks for the answer",
    )
    add_taxonomy_options(vote, required=False)
    vote.set_defaults(run=_majority)


def _tally(args: argparse.Namespace) -> int:
    from eval.folders import told_of_predictions
    from eval.predictions import read_predictions
    from eval.tally import tally, write_marks
    from rlfg.revision import revision

    taxonomy = taxonomy_of(args) if args.taxonomy else None
    marked, metrics = tally(read_predictions(args.predictions), taxonomy, mode=args.parse, group_by=args.group_by)
    args.out.mkdir(parents=True, exist_ok=True)
    write_marks(args.out / "items.jsonl", marked)
    record = {**told_of_predictions(args.predictions), "revision": revision(), "parse": args.parse, **metrics}
    (args.out / "metrics.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(_table(metrics))
    for name, of_group in metrics.get("groups", {}).items():
        print(f"\n{args.group_by} {name}\n{_table(of_group)}")
    print(f"{args.out}: metrics.json, items.jsonl")
    return int(metrics["failed"] > 0)


def _table(metrics: Mapping[str, Any]) -> str:
    """Counts, then each metric with its interval and denominator."""
    heads = [f"{name} {metrics[name]}" for name in ("lines", "failed", "duplicates", "items", "classes", "questions")]
    lines = ["  ".join(heads), "  ".join(f"{outcome} {n}" for outcome, n in metrics["counts"].items() if n)]
    if metrics["failed"]:
        lines.append(f"{metrics['failed']} failed and are in no figure; run rlfg predict again")
    for name, of in metrics["denominators"].items():
        value, interval = metrics[name], metrics["ci"][name]
        shown = "undefined" if value is None else f"{value:.3f}"
        bounds = f"  95 % [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
        lines.append(f"{name:<24}{shown}{bounds}  of {of}")
    if metrics["chance"] is not None:
        lines.append(f"{'chance':<24}{metrics['chance']:.3f}")
    return "\n".join(lines)


def _majority(args: argparse.Namespace) -> None:
    from eval.predictions import read_predictions, write_predictions
    from eval.tally.majority import majority
    from rlfg.errors import RlfgError

    if args.out.exists():
        raise RlfgError(f"{args.out}: is there already; give another file")
    taxonomy = taxonomy_of(args) if args.taxonomy else None
    found = majority(read_predictions(args.predictions), taxonomy, mode=args.parse)
    write_predictions(args.out, found)
    print(f"{args.out}: {len(found)} items, the answers of most of their samples")

"""`rlfg compare`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eval.compare import Comparison

FORMATS = ("text", "markdown", "latex", "json")


def add_compare(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Adds it."""
    parser = commands.add_parser("compare", help="paired comparison of scored runs with the first one")
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path, nargs="+", help="with several, p-values are corrected after Holm")
    parser.add_argument("--format", choices=FORMATS, default="text", help="markdown and latex are tables (text)")
    parser.add_argument("--out", type=Path, help="write it here instead of printing it")
    parser.add_argument("--json", type=Path, help="also write the comparison here, as JSON")
    parser.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> None:
    from eval.compare import compare_many
    from eval.folders import folder_names
    from eval.score import read_items

    name_a, *names = folder_names([args.a, *args.b])
    others = {name: read_items(folder / "items.jsonl") for name, folder in zip(names, args.b, strict=True)}
    results = compare_many(read_items(args.a / "items.jsonl"), others)
    text = _as(args.format, name_a, results)
    if args.out is None:
        print(text, end="")
    else:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")
        print(args.out)
    if args.json:
        args.json.write_text(_json(results), encoding="utf-8")


def _as(form: str, a: str, results: Mapping[str, Comparison]) -> str:
    from eval.compare import corrected_text
    from eval.compare_tables import latex, markdown

    if form == "markdown":
        return markdown(a, results)
    if form == "latex":
        return latex(a, results)
    if form == "json":
        return _json(results)
    parts = [f"{a} → {name}\n{result}\n" if len(results) > 1 else f"{result}\n" for name, result in results.items()]
    return "\n".join([*parts, corrected_text(results) + "\n"] if len(results) > 1 else parts)


def _json(results: Mapping[str, Comparison]) -> str:
    """Of one comparison, or of each run by its name."""
    records = {name: result.to_json() for name, result in results.items()}
    return json.dumps(records if len(records) > 1 else records.popitem()[1], indent=2, ensure_ascii=False) + "\n"

"""`rlfg compare`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rlfg.taxonomy.options import add_taxonomy_options

if TYPE_CHECKING:
    from eval.compare.comparison import Comparison

FORMATS = ("text", "markdown", "latex", "json")


def add_compare(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Adds it."""
    parser = commands.add_parser("compare", help="paired comparison of scored or tallied runs with the first one")
    parser.add_argument("a", type=Path, help="folder of rlfg score or rlfg tally that the others are compared with")
    parser.add_argument("b", type=Path, nargs="+", help="with several, p-values are corrected after Holm")
    parser.add_argument("--format", choices=FORMATS, default="text", help="markdown and latex are tables (text)")
    parser.add_argument("--out", type=Path, help="write it here instead of printing it")
    parser.add_argument("--json", type=Path, help="also write the comparison here, as JSON")
    add_taxonomy_options(parser, required=False)
    parser.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> None:
    from eval.compare.folders import compare_folders
    from eval.folders import folder_names, tree_of

    name_a, *names = folder_names([args.a, *args.b])
    taxonomy = tree_of(args, [args.a, *args.b])
    results = compare_folders(args.a, dict(zip(names, args.b, strict=True)), taxonomy)
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
    from eval.compare.tables import latex, markdown
    from eval.compare.text import comparison_text, corrected_text

    if form == "markdown":
        return markdown(a, results)
    if form == "latex":
        return latex(a, results)
    if form == "json":
        return _json(results)
    texts = {name: comparison_text(result) + "\n" for name, result in results.items()}
    if len(texts) == 1:
        return texts.popitem()[1]
    return "\n".join([*(f"{a} → {name}\n{text}" for name, text in texts.items()), corrected_text(results) + "\n"])


def _json(results: Mapping[str, Comparison]) -> str:
    """Of one comparison, or of each run by its name."""
    records = {name: result.to_json() for name, result in results.items()}
    return json.dumps(records if len(records) > 1 else records.popitem()[1], indent=2, ensure_ascii=False) + "\n"

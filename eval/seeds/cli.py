"""`rlfg seeds`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rlfg.taxonomy.options import add_taxonomy_options


def add_seeds(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Adds it."""
    parser = commands.add_parser(
        "seeds", help="the mean over scored or tallied runs that differ in their seed, with intervals"
    )
    parser.add_argument("scored", nargs="+", type=Path, help="folders of rlfg score or of rlfg tally, one a seed")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    add_taxonomy_options(parser, required=False)
    parser.set_defaults(run=_seeds)


def _seeds(args: argparse.Namespace) -> None:
    from eval.folders import tree_of
    from eval.seeds.folders import seeds_of_folders
    from eval.seeds.text import seeds_text

    found = seeds_of_folders(args.scored, tree_of(args, args.scored))
    print(seeds_text(found))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(found.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

"""`rlfg export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_export(commands: Any) -> None:
    """Add `export` to the command line."""
    parser = commands.add_parser("export", help="merge an adapter into a plain model folder, after a parity check")
    parser.add_argument("trained", type=Path, metavar="RUN/final", help="an adapter, or a whole model")
    parser.add_argument("--model", help="the adapter's base; by default the one that it names")
    parser.add_argument("--out", type=Path, required=True, help="a folder that is not there yet")
    parser.add_argument("--data", type=Path, help="pictures for the parity check (a manifest, or a folder of classes)")
    parser.add_argument("--prompt", help=".txt file with the prompt of the training, where it was one of your own")
    parser.add_argument("--pictures", type=int, default=4, help="how many of them (4)")
    parser.add_argument("--max-new-tokens", type=int, default=64, help="of an answer in the check (64)")
    parser.add_argument("--licence", help="of the result; by default that of the base's card")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from rlfg.training.exporting.export import ExportSpec, export

    found = export(
        ExportSpec(
            trained=args.trained,
            out=args.out,
            model=args.model,
            data=args.data,
            prompt=args.prompt,
            pictures=args.pictures,
            max_new_tokens=args.max_new_tokens,
            licence=args.licence,
        )
    )
    print(f"{args.out}: {found}")

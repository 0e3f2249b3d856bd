"""`rlfg data`: datasets made ready."""

from __future__ import annotations

import argparse
from pathlib import Path

from rlfg.taxonomy.options import add_taxonomy_options, taxonomy_of


def add_data(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """`rlfg data split`."""
    parser = commands.add_parser("data", help="make a dataset ready")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    split = verbs.add_parser("split", help="few-shot and seen/unseen splits that do not leak")
    split.add_argument("data", help="manifest, or folder of class folders")
    split.add_argument("--out", type=Path, required=True, help="folder for train, val, test .jsonl and split.json")
    add_taxonomy_options(split, required=False, border=False)
    split.add_argument("--seed", type=int, default=0)
    split.add_argument("--shots", type=int, help="pictures of each seen class in train; all by default")
    split.add_argument("--val", type=float, default=0.1, help="share of a seen class (0.1)")
    split.add_argument("--test", type=float, default=0.2, help="share of a seen class (0.2)")
    split.add_argument("--unseen", type=float, default=0.0, help="share of classes that only test shows (0)")
    split.add_argument("--relatives", choices=("with", "without", "any"), default="any", help="of unseen classes, seen")
    split.add_argument("--duplicates", choices=("near", "exact", "ignore"), default="near", help="what counts as one")
    split.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from rlfg.data import DataSpec, load_examples
    from rlfg.data.splits import SplitSpec, split, write_split

    spec = SplitSpec(
        seed=args.seed, shots=args.shots, val=args.val, test=args.test, unseen=args.unseen, relatives=args.relatives,
        duplicates=args.duplicates,
    )  # fmt: skip
    taxonomy = taxonomy_of(args) if args.taxonomy else None
    examples = load_examples(DataSpec(path=args.data))
    found = split(examples, spec, taxonomy)
    write_split(found, examples, args.out, taxonomy=taxonomy)
    counts = ", ".join(f"{n:,} {place}" for place, n in found.counts().items())
    print(f"{len(examples):,} pictures: {counts}")
    print(
        f"{len(found.seen)} seen classes, {len(found.unseen)} unseen; {args.out / 'split.json'} says why each is where"
    )

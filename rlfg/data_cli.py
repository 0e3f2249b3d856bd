"""`rlfg data`: datasets made ready."""

from __future__ import annotations

import argparse
from pathlib import Path

from rlfg.taxonomy.options import add_taxonomy_options, taxonomy_of


def add_data(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """`rlfg data split`, `triplets` and `corrupt`."""
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
    split.set_defaults(run=_split)
    mined = verbs.add_parser("triplets", help="a positive and a negative beside each picture, for TAPO")
    mined.add_argument("data", help="manifest, or folder of class folders")
    mined.add_argument("--out", type=Path, required=True, help="the manifest to write")
    mined.add_argument("--negatives", choices=("random", "taxonomy", "embedding", "confusions"), default="taxonomy")
    add_taxonomy_options(mined, required=False, border=False)
    mined.add_argument("--embeddings", type=Path, help=".npz with `ids` and `embeddings`")
    mined.add_argument("--predictions", type=Path, help="a model's answers to these pictures (rlfg predict)")
    mined.add_argument("--seed", type=int, default=0)
    mined.set_defaults(run=_triplets)
    worse = verbs.add_parser("corrupt", help="a robustness set: every picture made worse in six ways, 3 severities")
    worse.add_argument("data", help="manifest, or folder of class folders")
    worse.add_argument("--out", type=Path, required=True, help="folder for data.jsonl and images/")
    worse.add_argument("--kinds", help="comma separated; by default blur,noise,jpeg,greyscale,crop,brightness")
    worse.add_argument("--seed", type=int, default=0)
    worse.set_defaults(run=_corrupt)


def _split(args: argparse.Namespace) -> None:
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


def _triplets(args: argparse.Namespace) -> None:
    from eval.predictions import read_predictions
    from rlfg.data import DataSpec, load_examples, parse_answer
    from rlfg.data.triplets import read_embeddings, triplets, write_triplets

    examples = load_examples(DataSpec(path=args.data))
    answers = None
    if args.predictions is not None:
        answers = {
            p.id: [*p.answers, *filter(None, (parse_answer(text).answer for text in p.completions))]
            for p in read_predictions(args.predictions)
        }
    found = triplets(
        examples,
        args.negatives,
        seed=args.seed,
        taxonomy=taxonomy_of(args) if args.taxonomy else None,
        embeddings_ND=read_embeddings(args.embeddings, examples) if args.embeddings else None,
        answers=answers,
    )
    counts = write_triplets(args.out, found, examples)
    missing = counts.pop("no positive")
    ways = ", ".join(f"{n:,} by {way}" for way, n in counts.most_common())
    print(f"{len(examples):,} pictures: negatives {ways}; {missing:,} are alone in their class and have no positive")


def _corrupt(args: argparse.Namespace) -> None:
    from rlfg.data import DataSpec, load_examples
    from rlfg.data.corruptions import CORRUPTIONS, write_corrupted

    kinds = tuple(filter(None, args.kinds.split(","))) if args.kinds else tuple(CORRUPTIONS)
    examples = load_examples(DataSpec(path=args.data))
    counts = write_corrupted(examples, args.out, kinds=kinds, seed=args.seed)
    print(
        f"{args.out / 'data.jsonl'}: {sum(counts.values()):,} lines, {len(examples):,} pictures clean and in "
        f"{len(counts) - 1} conditions"
    )

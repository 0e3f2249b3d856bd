"""`rlfg data`: datasets made ready."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from rlfg.data import FORMS, PARSE_MODES, ParseMode
from rlfg.taxonomy.options import add_taxonomy_options, taxonomy_of


def add_data(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """`rlfg data split`, `rlfg data triplets` and `rlfg data choices`."""
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
    mined.add_argument("--parse", choices=PARSE_MODES, default="lenient", help="how they are read")
    mined.add_argument("--seed", type=int, default=0)
    mined.set_defaults(run=_triplets)
    _add_choices(verbs.add_parser("choices", help="multiple choice from what a model takes each picture for"))


def _add_choices(asked: argparse.ArgumentParser) -> None:
    asked.add_argument("data", help="manifest, or folder of class folders")
    asked.add_argument(
        "--predictions", type=Path, required=True, help="several sampled answers a picture (rlfg predict)"
    )
    asked.add_argument("--out", type=Path, required=True, help="the manifest to write")
    add_taxonomy_options(asked, border=False)
    asked.add_argument("--profile", help="how answers are read (general, catalogue, exact); as suits the taxonomy")
    asked.add_argument("--parse", choices=PARSE_MODES, default="lenient", help="how completions are read")
    asked.add_argument("--options", type=int, default=4, help="to a question (4)")
    asked.add_argument("--letters", default="", help="one an option (ABCD)")
    asked.add_argument("--form", choices=FORMS, default="think", help="what the question asks for")
    asked.add_argument(
        "--keep-certain", action="store_true", help="ask about pictures that all answers are right about"
    )
    asked.add_argument("--with-open", action="store_true", help="write the open lines too, to train on both")
    asked.add_argument("--seed", type=int, default=0)
    asked.set_defaults(run=_choices)


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
    from rlfg.data import DataSpec, load_examples
    from rlfg.data.triplets import read_embeddings, triplets, write_triplets

    examples = load_examples(DataSpec(path=args.data))
    answers = None
    if args.predictions is not None:
        answers = {key: [*filter(None, said)] for key, said in _answers(args.predictions, args.parse).items()}
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


def _choices(args: argparse.Namespace) -> None:
    from rlfg.data import DataSpec, load_examples
    from rlfg.data.choices import ChoiceSpec, choices, write_choices

    spec = ChoiceSpec(
        options=args.options, letters=args.letters, form=args.form, seed=args.seed,
        certain="keep" if args.keep_certain else "leave out",
    )  # fmt: skip
    examples = load_examples(DataSpec(path=args.data))
    said = _answers(args.predictions, args.parse)
    found = choices(examples, said, spec, taxonomy_of(args), profile=args.profile)
    write_choices(args.out, found, examples, with_open=args.with_open)
    chosen = Counter(source for one in found.questions for source in one.sources)
    letters = Counter(spec.letters[one.right] for one in found.questions)
    strange = len(said.keys() - {example.id for example in examples})
    print(f"{len(examples):,} pictures: {_counts(found.pictures)}; {strange:,} answered ones are not among them")
    print(f"{found.answers.total():,} answers: {_counts(found.answers)}")
    print(f"wrong options: {chosen['model']:,} by the model, {chosen['taxonomy']:,} by the taxonomy")
    print(f"right letters: {', '.join(f'{letter} {letters[letter]:,}' for letter in spec.letters)}")


def _answers(path: Path, mode: ParseMode) -> dict[str, list[str | None]]:
    """A model's answers by id; None for what cannot be read."""
    from eval.predictions import read_predictions
    from rlfg.data import parse_answer

    return {
        p.id: [*p.answers, *(parse_answer(text, mode).answer for text in p.completions)] for p in read_predictions(path)
    }


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{n:,} {what}" for what, n in found.most_common())

"""`rlfg data`: datasets made ready."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from eval.reading import READINGS, Reading, answers_in
from rlfg.data import FORMS
from rlfg.errors import RlfgError
from rlfg.taxonomy.options import add_profile_option, add_taxonomy_options, taxonomy_of


def add_data(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """`rlfg data prepare`, `split`, `triplets`, `choices` and `corrupt`."""
    parser = commands.add_parser("data", help="make a dataset ready")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_prepare(verbs)
    split = verbs.add_parser("split", help="few-shot and seen/unseen splits that do not leak")
    split.add_argument("data", help="manifest, or folder of class folders")
    split.add_argument("--out", type=Path, required=True, help="folder for train, val, test .jsonl and split.json")
    add_taxonomy_options(split, required=False)
    split.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
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
    mined.add_argument(
        "--negatives",
        choices=("random", "taxonomy", "embedding", "confusions"),
        default="taxonomy",
        help="how a look-alike is found (taxonomy)",
    )
    add_taxonomy_options(mined, required=False)
    mined.add_argument("--embeddings", type=Path, help=".npz with `ids` and `embeddings`")
    mined.add_argument("--predictions", type=Path, help="a model's answers to these pictures (rlfg predict)")
    mined.add_argument("--parse", choices=READINGS, default="asked", help="how they are read (as their prompt asks)")
    mined.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
    mined.set_defaults(run=_triplets)
    worse = verbs.add_parser("corrupt", help="a robustness set: every picture made worse in six ways, 3 severities")
    worse.add_argument("data", help="manifest, or folder of class folders")
    worse.add_argument("--out", type=Path, required=True, help="folder for data.jsonl and images/")
    worse.add_argument("--kinds", help="comma separated; by default blur,noise,jpeg,greyscale,crop,brightness")
    worse.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
    worse.set_defaults(run=_corrupt)
    _add_choices(verbs.add_parser("choices", help="multiple choice from what a model takes each picture for"))


def _add_choices(asked: argparse.ArgumentParser) -> None:
    asked.add_argument("data", help="manifest, or folder of class folders")
    asked.add_argument(
        "--predictions", type=Path, required=True, help="several sampled answers a picture (rlfg predict)"
    )
    asked.add_argument("--out", type=Path, required=True, help="the manifest to write")
    add_taxonomy_options(asked)
    add_profile_option(asked)
    asked.add_argument("--parse", choices=READINGS, default="asked", help="how they are read (as their prompt asks)")
    asked.add_argument("--options", type=int, default=4, help="to a question (4)")
    asked.add_argument("--letters", default="", help="one an option (ABCD)")
    asked.add_argument("--form", choices=FORMS, default="think", help="what the question asks for")
    asked.add_argument(
        "--keep-certain", action="store_true", help="ask about pictures that all answers are right about"
    )
    asked.add_argument("--with-open", action="store_true", help="write the open lines too, to train on both")
    asked.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
    asked.set_defaults(run=_choices)


def _add_prepare(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    made = verbs.add_parser("prepare", help="a benchmark's official files, or a copy of them, to manifests")
    made.add_argument("name", help="of docs/benchmarks.md; `list` names them; `custom` is any dataset of --from-hub")
    made.add_argument("--root", type=Path, help="folder with the official files, packed or not")
    made.add_argument(
        "--from-hub", metavar="ID_OR_PATH", help="a copy instead: hub id, saved dataset, folder, manifest"
    )
    made.add_argument("--hub-split", action="append", default=[], metavar="THEIRS=OURS", help="validation=test, say")
    made.add_argument("--column", action="append", default=[], metavar="OURS=THEIRS", help="label=species, say")
    made.add_argument("--taxonomy", help="of `custom`: a file of docs/taxonomies.md that knows its labels")
    made.add_argument("--taxonomy-root", metavar="NAME", help="of its root, where it has several top taxa")
    made.add_argument("--out", type=Path, help="folder for the manifests (data/NAME)")
    made.add_argument(
        "--split", choices=("official", "trainval"), default="official", help="trainval: train on val, too"
    )
    made.add_argument("--val", type=float, default=0.0, help="share of train that becomes val, where there is none (0)")
    made.add_argument("--seed", type=int, default=0, help="of that draw")
    made.add_argument("--allow-partial", action="store_true", help="go on with files and counts that differ")
    made.add_argument(
        "--on-bad-image",
        choices=("stop", "skip", "unchecked"),
        default="stop",
        help="what an unreadable picture does (stop)",
    )
    made.set_defaults(run=_prepare)


def _prepare(args: argparse.Namespace) -> None:
    from rlfg.data.benchmarks import BENCHMARKS, PrepareSpec, benchmark, custom, prepare, report

    if args.name == "list":
        for one in BENCHMARKS.values():
            counts = ", ".join(f"{n:,} {place}" for place, n in one.counts.items())
            print(f"{one.name:14} {one.title}: {one.classes:,} classes; {counts}")
        return
    chosen = custom(args.taxonomy, args.taxonomy_root) if args.name == "custom" else benchmark(args.name)
    if args.taxonomy and args.name != "custom":
        raise RlfgError(f"prepare: {args.name} has a hierarchy of its own; --taxonomy is for custom")
    spec = PrepareSpec(
        out=args.out or Path("data") / args.name,
        root=args.root,
        copy=args.from_hub,
        splits=_pairs(args.hub_split),
        columns=_pairs(args.column),
        train_on="trainval" if args.split == "trainval" else "train",
        val=args.val,
        seed=args.seed,
        allow_partial=args.allow_partial,
        on_bad_image=args.on_bad_image,
    )
    print(report(chosen, prepare(chosen, spec)))


def _pairs(texts: list[str]) -> dict[str, str]:
    wrong = [text for text in texts if len(text.split("=")) != 2]
    if wrong:
        raise RlfgError(f"{wrong[0]!r}: two names with = between are wanted")
    return dict(text.split("=") for text in texts)  # type: ignore[misc]


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


def _answers(path: Path, reading: Reading) -> dict[str, list[str | None]]:
    """A model's answers by id; None for what cannot be read."""
    from eval.predictions import read_predictions

    return {line.id: answers_in(line, reading) for line in read_predictions(path)}


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{n:,} {what}" for what, n in found.most_common())

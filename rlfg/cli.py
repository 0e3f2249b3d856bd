"""The `rlfg` command. Scoring and reporting load no torch; a subcommand imports what it needs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from eval.calibrate_cli import add_calibrate
from eval.cli import add_score, add_verifier_options, verifier_spec
from eval.compare.cli import add_compare
from eval.harness.cli import add_export_results
from eval.seeds.cli import add_seeds
from eval.tally.cli import add_tally
from rewards.cli import add_cache, add_replay
from rlfg import __version__
from rlfg.cot.cli import add_cot
from rlfg.data_cli import add_data
from rlfg.doctor.packages import extra_with
from rlfg.errors import RlfgError
from rlfg.serving.classify_cli import add_classify
from rlfg.serving.cli import add_server
from rlfg.serving.serve_cli import add_serve
from rlfg.taxonomy.cli import add_taxonomy
from rlfg.taxonomy.options import add_taxonomy_options, taxonomy_of
from rlfg.training.exporting.cli import add_export


def main(argv: Sequence[str] | None = None) -> None:
    """Runs one subcommand; bad input, or a package that is not there, is one line on stderr and exit status 2."""
    args = _parser().parse_args(argv)
    try:
        status = args.run(args)
    except RlfgError as error:
        raise _ended(str(error)) from error
    except BrokenPipeError:
        raise SystemExit(141) from None
    except ModuleNotFoundError as error:
        extra = extra_with(error.name or "")
        if extra is None:
            raise
        raise _ended(f"this needs {error.name}, which is not installed: pip install 'rlfg[{extra}]'") from error
    except OSError as error:
        if error.filename is None:
            raise
        path = error.filename2 or error.filename  # of a move, where it was to go
        raise _ended(f"{path}: {error.strerror}; give a path that can be read, or written") from error
    raise SystemExit(status or 0)


def _ended(reason: str) -> SystemExit:
    print(f"error: {reason}", file=sys.stderr)
    return SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rlfg", description="Open-world fine-grained classification by RL.")
    parser.add_argument("--version", action="version", version=f"rlfg {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _demo,
        _world,
        _predict,
        add_score,
        add_tally,
        add_calibrate,
        _report,
        add_compare,
        add_export_results,
        add_seeds,
        _plan,
        _doctor,
        _check,
        add_taxonomy,
        _replay,
        add_cache,
        _recipes,
    ):
        add(commands)
    add_cot(commands)
    add_data(commands)
    add_export(commands)
    add_serve(commands)
    add_classify(commands)
    add_server(commands)
    return parser


def _demo(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = commands.add_parser("demo", help="the method end to end on the embedded world, on a CPU")
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder of the run (runs/demo)")
    parser.add_argument("--seed", type=int, default=3, help="of world and training (3)")

    def run(args: argparse.Namespace) -> None:
        from rlfg.training.demo import run_demo

        run_demo(args.out, seed=args.seed)

    parser.set_defaults(run=run)


def _world(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = commands.add_parser("world", help="write the embedded world's pictures, manifests and taxonomy")
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures, manifests and taxonomy.csv")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")

    def run(args: argparse.Namespace) -> None:
        from rlfg.data.world import WorldSpec, write_world

        counts = write_world(args.out, WorldSpec(seed=args.seed))
        print(f"{args.out}: " + ", ".join(f"{n} {split}" for split, n in counts.items()))

    parser.set_defaults(run=run)


def _predict(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = commands.add_parser("predict", help="run a model over a dataset (resumable)")
    parser.add_argument("--config", required=True, help="YAML file; see recipes/configs/evaluate")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value", help="in place of what the file says")

    def run(args: argparse.Namespace) -> int:
        from eval.predict import PredictConfig
        from rlfg.config import load_config
        from rlfg.training.evaluation import run_predict

        return run_predict(load_config(PredictConfig, args.config, args.overrides))

    parser.set_defaults(run=run)


def _replay(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    add_replay(commands, add_verifier_options, verifier_spec)


def _report(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = commands.add_parser("report", help="one HTML file from scored runs")
    parser.add_argument("scored", nargs="+", type=Path, help="folders written by rlfg score or rlfg tally, in order")
    parser.add_argument("--out", type=Path, required=True, help="the HTML file")
    parser.add_argument("--curves", type=Path, help="metrics.jsonl of a training run")
    parser.add_argument("--title", default="Open-world classification", help="of the page")
    parser.add_argument("--pictures", type=int, default=200, help="embed so many at most (200); answers are all there")
    add_taxonomy_options(parser, required=False)

    def run(args: argparse.Namespace) -> None:
        from eval.report import report_from_folders

        report_from_folders(
            args.scored,
            args.out,
            taxonomy=taxonomy_of(args) if args.taxonomy else None,
            curves=args.curves,
            title=args.title,
            embedded=args.pictures,
        )
        print(args.out)

    parser.set_defaults(run=run)


def _plan(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = commands.add_parser("plan", help="what a GRPO config would do, without weights")
    parser.add_argument("--config", required=True, help="YAML file; see recipes/configs/grpo")
    parser.add_argument("--processes", type=int, default=1, help="how many will train (1)")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value", help="in place of what the file says")

    def run(args: argparse.Namespace) -> None:
        from rlfg.config import load_config
        from rlfg.training.config import GrpoConfig
        from rlfg.training.plan import plan

        print(plan(load_config(GrpoConfig, args.config, args.overrides), processes=args.processes))

    parser.set_defaults(run=run)


def _doctor(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = commands.add_parser("doctor", help="what works on this machine, and how to mend what does not")

    def run(args: argparse.Namespace) -> int:
        from rlfg.doctor import diagnose

        return diagnose()

    parser.set_defaults(run=run)


def _check(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = commands.add_parser("check", help="look at every picture of a dataset, and at its labels")
    parser.add_argument("path", help="manifest, image folder or Hugging Face dataset")
    add_taxonomy_options(parser, required=False)

    def run(args: argparse.Namespace) -> int:
        from rlfg.data import DataSpec, check_images, load_examples
        from rlfg.taxonomy import check_labels

        taxonomy = taxonomy_of(args) if args.taxonomy else None
        examples = load_examples(DataSpec(path=args.path))
        _, report = check_images(examples, on_bad="skip")
        print(report)
        problems = []
        if taxonomy is not None:
            problems = check_labels(taxonomy, (example.label for example in examples))
            print(f"{len({e.label for e in examples})} labels, {len(problems)} not in {args.taxonomy}")
            for problem in problems[:20]:
                print(f"  {problem.message}")
        return 1 if report.bad or problems else 0

    parser.set_defaults(run=run)


def _recipes(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = commands.add_parser("recipes", help="recipes and configs")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    copy = actions.add_parser("copy", help="copy recipes/ into a folder of yours")
    copy.add_argument(
        "target", type=Path, nargs="?", default=Path(), help="folder that gets a folder recipes/ (this one)"
    )

    def run(args: argparse.Namespace) -> None:
        from rlfg.resources import copy_recipes

        print(f"{args.target / 'recipes'}: {copy_recipes(args.target)} files")

    copy.set_defaults(run=run)

"""`rlfg cot`: chain-of-thought data."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.cli import add_verifier_options, verifier_spec
from rlfg.errors import RlfgError
from rlfg.taxonomy.options import add_taxonomy_options, taxonomy_of

if TYPE_CHECKING:
    from rlfg.cot.check import Checked, Limits, Report


def add_cot(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """`rlfg cot build`, `rlfg cot template`, `rlfg cot check` and `rlfg cot page`."""
    parser = commands.add_parser("cot", help="chain-of-thought data for the SFT stage")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    _build(verbs)
    _template(verbs)
    _check(verbs)
    _page(verbs)


def _build(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = verbs.add_parser("build", help="have a teacher write rationales until they pass every filter (resumable)")
    parser.add_argument("data", help="manifest, or folder of class folders")
    parser.add_argument("--out", type=Path, required=True, help="folder; the same command goes on with what is there")
    add_verifier_options(parser)
    parser.add_argument("--teacher", required=True, metavar="MODEL", help="its name at the endpoint")
    parser.add_argument("--url", default="http://127.0.0.1:8000/v1", help="OpenAI-compatible endpoint")
    parser.add_argument("--api-key-env", metavar="NAME", help="environment variable with the key")
    parser.add_argument("--concurrency", type=int, default=16, help="requests under way at once (16)")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for a reply (300)")
    parser.add_argument("--per-class", type=int, default=1, help="pictures of each class (1)")
    parser.add_argument("--attempts", type=int, default=8, help="lessons asked for before a picture is given up (8)")
    parser.add_argument("--attributes", metavar="KEY", help="key of `meta` with what the teacher is told besides")
    parser.add_argument("--domain", default="things", help='what the pictures are of ("birds")')
    parser.add_argument("--temperature", type=float, default=0.7, help="of the teacher (0.7)")
    parser.add_argument("--max-tokens", type=int, default=2048, help="of an attempt (2048)")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
    parser.add_argument("--price-in", type=float, metavar="MONEY", help="of a million tokens that the teacher reads")
    parser.add_argument("--price-out", type=float, metavar="MONEY", help="of a million tokens that it writes")
    _add_limits(parser)
    parser.set_defaults(run=_run_build)


def _run_build(args: argparse.Namespace) -> int:
    from rlfg.chat import Endpoint
    from rlfg.cot.build import BuildSpec, build
    from rlfg.cot.journal import Attempt
    from rlfg.data import DataSpec

    if not args.taxonomy and not args.judge:
        raise RlfgError("cot build: give --taxonomy, --judge or both; something must say whether a prediction is right")
    if (args.price_in is None) != (args.price_out is None):
        raise RlfgError("cot build: --price-in and --price-out go together; 0 where one costs nothing")
    spec = BuildSpec(
        data=DataSpec(path=args.data),
        verifier=verifier_spec(args),
        teacher=Endpoint(
            model=args.teacher,
            base_url=args.url,
            api_key_env=args.api_key_env,
            max_concurrency=args.concurrency,
            timeout_s=args.timeout,
        ),
        per_class=args.per_class,
        attempts=args.attempts,
        attributes=args.attributes,
        domain=args.domain,
        temperature=args.temperature,
        max_tokens=args.max_tokens,
        seed=args.seed,
        limits=_limits(args),
        price=None if args.price_in is None else (args.price_in, args.price_out),
    )

    def tell(attempt: Attempt) -> None:
        why = "; ".join(f"{name}: {reason}" for name, reason in attempt.reasons.items())
        print(
            f"{attempt.id} attempt {attempt.attempt + 1}: {attempt.outcome}{' (' + why + ')' if why else ''}",
            flush=True,
        )

    report = build(spec, args.out, on_attempt=tell)
    print(json.dumps(report, indent=1, ensure_ascii=False))
    return 0 if report["accepted"] == report["pictures"] else 1


def _template(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = verbs.add_parser("template", help="write rationales from attributes, without a teacher")
    parser.add_argument("data", help="manifest, or folder of class folders")
    parser.add_argument("--out", type=Path, required=True, help="the manifest to write")
    add_taxonomy_options(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--attributes", metavar="KEY", help="key of `meta` with the names and values of a picture")
    source.add_argument("--cub", type=Path, metavar="DIR", help="those of the classes of CUB-200-2011, in its folder")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
    parser.set_defaults(run=_run_template)


def _run_template(args: argparse.Namespace) -> None:
    from rlfg.cot.formats import write_lessons
    from rlfg.cot.template import read_cub_attributes, write_rationales
    from rlfg.data import DataSpec, load_examples
    from rlfg.data.classes import classes_of

    examples, taxonomy = load_examples(DataSpec(path=args.data)), taxonomy_of(args)
    if args.cub is not None:
        of_class = read_cub_attributes(args.cub, taxonomy)
        names, nodes = classes_of(examples, taxonomy)
        attributes = [of_class.get(nodes[name], {}) for name in names]
    else:
        found = [example.meta.get(args.attributes) for example in examples]
        attributes = [{str(k): str(v) for k, v in one.items()} if isinstance(one, dict) else {} for one in found]
    samples = write_rationales(examples, taxonomy, attributes, seed=args.seed)
    written = write_lessons(args.out, examples, {i: sample.completion for i, sample in enumerate(samples)})
    print(f"{args.out}: {written:,} rationales")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--min-words", type=int, default=100, help="of a rationale (100)")
    parser.add_argument("--max-words", type=int, default=1000, help="of a rationale (1000)")
    parser.add_argument("--near", type=int, default=2, help="ranks above the answer within which candidates meet (2)")
    parser.add_argument("--any-language", action="store_true", help="take rationales that are not in English")


def _limits(args: argparse.Namespace) -> Limits:
    from rlfg.cot.check import Limits

    limits = Limits(min_words=args.min_words, max_words=args.max_words, near=args.near)
    return replace(limits, english=0.0) if args.any_language else limits


def _check(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = verbs.add_parser("check", help="find samples that a student should not learn from")
    parser.add_argument("file", type=Path, help="ShareGPT JSON, TRL prompt-completion lines, or a manifest")
    add_verifier_options(parser)
    parser.add_argument("--images", type=Path, help="folder that pictures' paths start from (the file's own)")
    parser.add_argument("--out", type=Path, help="write the accepted samples there")
    parser.add_argument("--format", choices=("manifest", "sharegpt", "trl"), default="manifest", help="of --out")
    parser.add_argument("--rejected", type=Path, help="write a JSON line for each rejected sample, with its reasons")
    _add_limits(parser)
    parser.set_defaults(run=_run_check)


def _checked(args: argparse.Namespace) -> Report:
    from rewards.setup import build_verifier
    from rlfg.cot.check import check
    from rlfg.cot.formats import read_samples

    spec = verifier_spec(args) if args.taxonomy or args.judge else None
    verification = None if spec is None else build_verifier(spec)
    return check(
        read_samples(args.file, keep_broken=True),
        verifier=None if verification is None else verification.verifier,
        taxonomy=None if verification is None else verification.taxonomy,
        limits=_limits(args),
        profile=args.profile,
    )


def _run_check(args: argparse.Namespace) -> int:
    from rlfg.cot.formats import write_samples

    report = _checked(args)
    for path in (args.out, args.rejected):
        if path is not None and path.resolve() == args.file.resolve():
            raise RlfgError(f"{path}: that is the file that is read; write elsewhere")
    if args.out is not None:
        write_samples(args.out, report.accepted, args.format, images=args.images or args.file.parent)
    if args.rejected is not None:
        args.rejected.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(_line(one), ensure_ascii=False) for one in report.rejected]
        args.rejected.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(table(report))
    images = args.images or args.file.parent
    named = [image for one in report.checked for image in one.sample.images]
    absent = sum(not (images / image).is_file() for image in named)
    if absent:
        print(
            f"{absent:,} of {len(named):,} pictures are not there; paths start from {images} (--images names another)"
        )
    return 1 if report.rejected else 0


def _page(verbs: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = verbs.add_parser("page", help="one HTML file to look through samples, with all that was rejected")
    parser.add_argument("file", type=Path, help="folder of `cot build`, file of samples, or what --rejected wrote")
    parser.add_argument("--out", type=Path, required=True, help="the page")
    add_verifier_options(parser)
    parser.add_argument("--data", help="the pictures of a build, where they are no longer where it found them")
    parser.add_argument("--images", type=Path, help="folder that pictures' paths start from (the file's own)")
    parser.add_argument("--most", type=int, default=500, help="samples on the page, spread over all (500)")
    parser.add_argument("--title", help="of the page (the name of what is shown)")
    _add_limits(parser)
    parser.set_defaults(run=_run_page)


def _run_page(args: argparse.Namespace) -> None:
    from rlfg.cot.page import build_page
    from rlfg.cot.shown import of_build, of_check, of_rejected

    if args.most < 1:
        raise RlfgError("cot page: --most is at least 1")
    facts, images = {}, args.images or args.file.parent
    if args.file.is_dir():
        shown, facts = of_build(args.file, args.data), _facts(args.file)
    elif args.file.is_file() and (found := of_rejected(args.file, images)) is not None:
        shown = found
    else:
        shown = of_check(_checked(args).checked, images)
    page = build_page(shown, title=args.title or args.file.resolve().name, facts=facts, most=args.most)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(page, encoding="utf-8")
    print(f"{args.out}: {min(len(shown), args.most):,} of {len(shown):,} samples")


def _facts(folder: Path) -> dict[str, tuple[str, str]]:
    """Figures of a build's report: value and what it is; none while the build is under way."""
    from rlfg.cot.journal import REPORT

    if not (folder / REPORT).is_file():
        return {}
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    written, read = report["completion tokens"], report["prompt tokens"]
    facts = {"Tokens": (f"{written:,}", f"written by {report['teacher']}, {read:,} read")}
    if "cost" in report:
        each = report["cost of an accepted sample"]
        facts["Cost"] = (
            f"{report['cost']:,.2f}",
            "nothing accepted" if each is None else f"{each:.4f} a sample accepted",
        )
    return facts


def table(report: Report) -> str:
    """What each filter found, the first samples it rejected, and totals that add up."""
    rows = [f"{'filter':12}{'rejected':>9}{'unchecked':>11}"]
    rows += [f"{name:12}{n['rejected']:9,}{n['unchecked']:11,}" for name, n in report.counts().items()]
    rows += [f"  {one.sample.where}  {name}: {why}" for one in report.rejected[:5] for name, why in one.reasons.items()]
    total, bad = len(report.checked), len(report.rejected)
    rows.append(
        f"{total:,} samples: {total - bad:,} accepted, {bad:,} rejected ({bad / total:.1%}; some by several filters)"
    )
    return "\n".join(rows)


def _line(one: Checked) -> dict[str, object]:
    sample = one.sample
    return {
        "where": sample.where,
        "id": sample.id,
        "images": sample.images,
        "answer": sample.answer,
        "label": sample.label,
        "reasons": one.reasons,
        "completion": sample.completion,
    }

"""`rlfg score`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.reading import READINGS
from eval.text_cli import add_text_options
from rlfg.taxonomy.options import add_profile_option, add_taxonomy_options, ranks_of


def add_verifier_options(parser: argparse.ArgumentParser) -> None:
    """The options that say who decides verdicts."""
    add_taxonomy_options(parser, required=False)
    parser.add_argument("--border", type=int, default=2, help="ranks above the truth that are LESS_SPECIFIC (2)")
    add_profile_option(parser)
    parser.add_argument(
        "--judge", help="YAML file of a judge (docs/verifiers.md), for what the taxonomy cannot resolve"
    )
    parser.add_argument("--audit", action="store_true", help="ask the judge about all pairs and compare")


def verifier_spec(args: argparse.Namespace) -> Any:
    """The `VerifierSpec` that the options describe."""
    from rewards.judge.spec import JudgeSpec
    from rewards.setup import VerifierSpec
    from rlfg.config import load_config

    return VerifierSpec(
        taxonomy=args.taxonomy,
        root=args.root,
        root_aliases=tuple(args.root_alias),
        ranks=ranks_of(args),
        border=args.border,
        profile=args.profile,
        judge=load_config(JudgeSpec, args.judge) if args.judge else None,
        audit=args.audit,
    )


def add_score(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """`rlfg score`."""
    parser = commands.add_parser("score", help="score predictions against a taxonomy (no torch, no GPU)")
    add_verifier_options(parser)
    parser.add_argument(
        "--predictions", type=Path, required=True, help="JSON Lines, or a table: id, truth, answer (or completion)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for metrics.json and items.jsonl")
    parser.add_argument(
        "--parse",
        choices=READINGS,
        default="asked",
        help="how completions are read; by default as the prompt of each asks for the answer",
    )
    parser.add_argument("--group-by", help="a key of the lines or of their meta to report by")
    add_text_options(parser)
    parser.set_defaults(run=_score)


def _score(args: argparse.Namespace) -> None:
    from eval.copies import repeated
    from eval.folders import told_of_predictions
    from eval.predictions import read_predictions
    from eval.resolution import resolution_lines
    from eval.score import score, write_items
    from eval.sections import measure
    from eval.summary import grouped, summarise
    from eval.text_cli import done_with_texts, save_embeddings, section_lines, text_metrics, write_pictures
    from rewards.setup import Verification, build_verifier
    from rewards.verifier import NoVerifier
    from rlfg.revision import revision

    spec = None if args.text_only else verifier_spec(args)
    verification = Verification(verifier=NoVerifier()) if spec is None else build_verifier(spec)
    taxonomy = verification.taxonomy
    predictions = read_predictions(args.predictions)
    items = score(
        predictions,
        verification.verifier,
        taxonomy,
        parse_mode=args.parse,
        group_by=args.group_by,
        profile=args.profile,
    )
    texts = text_metrics(args, taxonomy)
    if done_with_texts(args, items, texts):
        return
    sections = measure(items, taxonomy, texts, profile=args.profile)
    save_embeddings(args, texts)
    metrics = {
        **told_of_predictions(args.predictions),
        "revision": revision(),
        **_provenance(spec, verification),
        "parse": args.parse,
        "repeated_pictures": repeated(predictions),
        **summarise(items, taxonomy),
        **sections.summary(),
    }
    if args.group_by:
        of_groups = sections.by_group()
        metrics["groups"] = {name: found | of_groups[name] for name, found in grouped(items, taxonomy).items()}
    args.out.mkdir(parents=True, exist_ok=True)
    write_items(args.out / "items.jsonl", items, sections.columns)
    write_pictures(args.out, sections)
    (args.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    if spec is not None:
        print("\n".join([_headline(metrics), *resolution_lines(metrics["resolution"])]))
    print("\n".join(section_lines(metrics)))
    if metrics["behaviour"]["parse_failure_rate"]["value"] == 1:
        print(
            "no answer can be read; of completions that were not asked for <answer> tags, --parse bare reads the text"
        )
    if again := metrics["repeated_pictures"]:
        print(f"{again} lines are about the picture of an earlier one, under another id; all of them count")
    if verification.audit is not None:
        print(verification.audit.agreement.table())
    print(f"{args.out}: metrics.json, items.jsonl")


def _provenance(spec: Any, verification: Any) -> dict[str, Any]:
    """Who decided: the taxonomy, the judge, and how far they agree."""
    from rlfg.taxonomy import profile_of

    found: dict[str, Any] = {}
    if (tree := verification.taxonomy) is not None:
        found["taxonomy"] = {
            "source": tree.source,
            "hash": tree.hash,
            "provenance": None if tree.provenance is None else asdict(tree.provenance),
            "border": spec.border,
            "profile": profile_of(tree, spec.profile).name,
        }
    if verification.judge is not None:
        found["judge"] = {**asdict(spec.judge), "requests": verification.judge.requests}
    if verification.audit is not None:
        found["audit"] = verification.audit.agreement.to_json()
    return found


def _headline(metrics: Mapping[str, Any]) -> str:
    """Counts, why there are no verdicts, then each headline metric with its interval and denominator."""
    counts, ci, of = metrics["counts"], metrics["ci"], metrics["denominators"]
    lines = ["  ".join(f"{label} {n}" for label, n in counts.items() if n) + f"  failed {metrics['failed']}"]
    if metrics["no_verdict"]:
        first, n = next(iter(metrics["no_verdict"].items()))
        lines.append(f"{counts['NO_VERDICT']} without a verdict, in no metric; {n} of them: {first}")
    for name in ("correctness", "specificity", "hm"):
        value, interval = metrics[name], ci.get(name)
        shown = "undefined" if value is None else f"{value:.3f}"
        bounds = f"  95 % [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
        lines.append(f"{name:<12}{shown}{bounds}" + (f"  of {of[name]}" if name in of else ""))
    return "\n".join(lines)

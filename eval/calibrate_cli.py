"""`rlfg calibrate`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlfg.data import PARSE_MODES
from rlfg.errors import RlfgError
from rlfg.taxonomy.options import add_profile_option, add_taxonomy_options, taxonomy_of

if TYPE_CHECKING:
    from eval.backoff import Policy
    from eval.calibrate import Outcomes


def add_calibrate(commands: Any) -> None:
    """Add `calibrate` to the command line."""
    parser = commands.add_parser("calibrate", help="fit how far an answer may be trusted, from sampled answers")
    add_taxonomy_options(parser)
    add_profile_option(parser)
    parser.add_argument("--predictions", type=Path, required=True, help="N sampled answers to each validation picture")
    parser.add_argument("--risk", type=float, default=0.1, help="share of what is said that may be wrong (0.1)")
    parser.add_argument("--delta", type=float, default=0.05, help="chance that it is more all the same (0.05)")
    parser.add_argument("--parse", choices=PARSE_MODES, default="lenient", help="how completions are read (lenient)")
    parser.add_argument("--check", type=Path, help="other pictures' predictions, to see what the policy does there")
    parser.add_argument("--out", type=Path, required=True, help="the policy file, for `rlfg serve --policy`")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from eval.backoff import write_policy
    from eval.calibrate import calibrate, outcomes
    from eval.predictions import read_predictions

    taxonomy = taxonomy_of(args)
    reading: dict[str, Any] = {"profile": args.profile, "parse": args.parse}
    predictions = read_predictions(args.predictions)
    policy = calibrate(predictions, taxonomy, risk=args.risk, delta=args.delta, **reading)
    policy = replace(policy, **_asked_as(args.predictions))
    write_policy(args.out, policy)
    without = len(predictions) - policy.pictures
    print(f"{policy.pictures} pictures with {policy.samples} answers each, {without} without answers")
    print(_table(policy))
    print(_said(policy))
    if args.check is not None:
        print(f"{args.check}: {_elsewhere(policy, outcomes(read_predictions(args.check), taxonomy, **reading))}")
    print(args.out)


def _asked_as(predictions: Path) -> dict[str, Any]:
    """Prompt and sampling of the answers, where `rlfg predict` left word of them."""
    from eval.predict import settings_of

    settings = settings_of(predictions)
    sampling = settings.get("sampling", {})
    prompts = list(settings.get("protocol", {}).get("texts", {}).values())
    return {
        "prompt": prompts[0] if len(prompts) == 1 else None,
        "temperature": sampling.get("temperature"),
        "top_p": sampling.get("top_p"),
        "max_tokens": sampling.get("max_new_tokens"),
    }


def _elsewhere(policy: Policy, found: Outcomes) -> str:
    """What the policy does on other pictures."""
    if policy.threshold is None:
        return f"abstains of all {len(found.answered_NT)}"
    if policy.threshold not in found.thresholds:
        raise RlfgError(f"--check has {len(found.thresholds)} answers a picture, the policy is for {policy.samples}")
    column = found.thresholds.index(policy.threshold)
    answered, wrong = int(found.answered_NT[:, column].sum()), int(found.wrong_NT[:, column].sum())
    return f"says something of {answered} of {len(found.answered_NT)} pictures, {wrong / max(answered, 1):.1%} wrong"


def _table(policy: Policy) -> str:
    lines = ["at least  answered  wrong  specificity   p-value"]
    for step in policy.steps:
        specific = "–" if step.specificity is None else f"{step.specificity:.3f}"
        mark = "  ok" if step.passed else ""
        lines.append(
            f"{step.threshold:>8.2f}  {step.answered:>8}  {step.wrong:>5}  {specific:>11}  {step.p_value:>8.2g}{mark}"
        )
    return "\n".join(lines)


def _said(policy: Policy) -> str:
    from eval.calibrate import needed

    assert policy.risk is not None and policy.delta is not None
    if policy.threshold is not None:
        return (
            f"answers that {policy.threshold:.0%} of the samples stand behind: at most {policy.risk:.0%} wrong, with "
            f"confidence {1 - policy.delta:.0%}"
        )
    first, least = policy.steps[0], needed(policy.risk, policy.delta)
    why = f"{first.wrong} of {first.answered} answers that all samples agree on are wrong"
    if first.answered < least:
        why = f"all samples agree on {first.answered} pictures, and it takes {least}: more pictures, or a higher risk"
    return f"no threshold can be vouched for, so the policy abstains always ({why})"

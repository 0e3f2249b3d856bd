"""`rlfg replay` and `rlfg cache`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rlfg.data import PARSE_MODES
from rlfg.errors import RlfgError

_DAY_S = 86_400


def add_cache(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """`rlfg cache stats|export|prune`."""
    parser = commands.add_parser("cache", help="look into, export or prune a cache of judge verdicts")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    stats = actions.add_parser("stats", help="verdicts by model and prompt")
    stats.add_argument("--json", action="store_true", help="for machines")
    export = actions.add_parser("export", help="every verdict as JSON Lines")
    export.add_argument("--out", type=Path, help="a file; standard output without")
    prune = actions.add_parser("prune", help="remove verdicts by setting or age")
    prune.add_argument("--setting", help="id, or the beginning of it, as `stats` shows it")
    prune.add_argument("--older-than", type=float, metavar="DAYS", help="verdicts that were made before")
    prune.add_argument("--dry-run", action="store_true", help="count only")
    for action, run in ((stats, _stats), (export, _export), (prune, _prune)):
        action.add_argument("file", type=Path, help="the SQLite file (`cache` of the judge's configuration)")
        action.set_defaults(run=run)


def _stats(args: argparse.Namespace) -> None:
    from rewards.cache import VerdictCache

    with VerdictCache(args.file, create=False) as cache:
        found = cache.stats()
    if args.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{args.file}: {found['verdicts']:,} verdicts, {found['bytes'] / 1e6:.1f} MB, {found['under_way']} under way")
    for name, entry in found["settings"].items():
        said = entry["description"] or {}
        labels = "  ".join(f"{label} {n}" for label, n in sorted(entry["labels"].items()))
        first, last = (time.strftime("%Y-%m-%d", time.localtime(entry[end])) for end in ("first", "last"))
        prompt = " ".join(str(said.get("prompt", "")).split())[:60]
        print(f'{name[:8]}  {entry["verdicts"]:>8,}  {said.get("model")}  {first} – {last}  "{prompt}…"\n    {labels}')


def _export(args: argparse.Namespace) -> None:
    from rewards.cache import VerdictCache

    with VerdictCache(args.file, create=False) as cache:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in cache.rows())
        if args.out is None:
            sys.stdout.writelines(lines)
            return
        with args.out.open("w", encoding="utf-8") as file:
            count = sum(bool(file.write(line)) for line in lines)
    print(f"{args.out}: {count} verdicts")


def _prune(args: argparse.Namespace) -> None:
    from rewards.cache import VerdictCache

    before = None if args.older_than is None else time.time() - args.older_than * _DAY_S
    with VerdictCache(args.file, create=False) as cache:
        count = cache.prune(setting=args.setting, before=before, dry_run=args.dry_run)
    print(f"{args.file}: {count} verdicts {'would be ' if args.dry_run else ''}removed")


def add_replay(
    commands: argparse._SubParsersAction,  # type: ignore[type-arg]
    add_verifier_options: Callable[[argparse.ArgumentParser], None],
    verifier_spec: Callable[[argparse.Namespace], Any],
) -> None:
    """`rlfg replay`; the options of the verifier are those of `rlfg score`."""
    parser = commands.add_parser("replay", help="stored rollouts under another reward or verifier (no torch, no GPU)")
    parser.add_argument("--rollouts", type=Path, required=True, help="a run, its rollouts/, or one step's file")
    parser.add_argument(
        "--reward", action="append", metavar="REWARD",
        help="a name, a YAML file, or YAML like '{name: hedged, options: {hedge: 0.6}}'; may be repeated; "
        "the run's own without",
    )  # fmt: skip
    parser.add_argument("--scale", choices=("group", "batch", "none"), help="of advantages; the run's own without")
    parser.add_argument("--parse", choices=PARSE_MODES, help="the run's own without")
    parser.add_argument("--out", type=Path, help="folder for replay.json and changes.jsonl")
    add_verifier_options(parser)
    parser.set_defaults(run=lambda args: _replay(args, verifier_spec))


def _replay(args: argparse.Namespace, verifier_spec: Callable[[argparse.Namespace], Any]) -> None:
    from rewards.records import read_rollouts, read_settings, rollout_files
    from rewards.replay import Difference, Signal, reverify
    from rewards.rubric import build_rubric
    from rewards.scoring import reward_groups
    from rewards.setup import build_verifier

    files = rollout_files(args.rollouts)
    settings = read_settings(files[0])
    rewards = {_label(text): _reward(text) for text in args.reward} if args.reward else _own_reward(settings)
    scale, parse_mode = args.scale or settings.get("scale", "group"), args.parse or settings.get("parse_mode")
    verification = build_verifier(verifier_spec(args)) if args.taxonomy or args.judge else None
    taxonomy = None if verification is None else verification.taxonomy
    rubrics = {name: build_rubric(spec, taxonomy) for name, spec in rewards.items()}
    stored, signals = Signal(), {name: Signal() for name in rubrics}
    differences = {name: Difference() for name in rubrics}
    lines: list[str] = []
    for file in files:
        before = read_rollouts(file)
        stored.add(before)
        verdicts = reverify(before, None if verification is None else verification.verifier, parse_mode)
        for name, rubric in rubrics.items():
            after = reward_groups([one.rollout for one in before], verdicts, rubric, scale)
            signals[name].add(after)
            changed = differences[name].add(before, after)
            lines += [json.dumps({"replayed": name, **line}, ensure_ascii=False) + "\n" for line in changed]
    report = {
        "rollouts": str(args.rollouts),
        "steps": len(files),
        "stored": stored.to_json(),
        "replayed": {n: {**signals[n].to_json(), "changed": differences[n].to_json()} for n in rubrics},
    }
    print(_table(report))
    if verification is not None:
        print(next(iter(differences.values())).verdicts.table("stored", "replayed"))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "replay.json").write_text(json.dumps(report, indent=2) + "\n")
        (args.out / "changes.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{args.out}: replay.json, changes.jsonl ({len(lines)} lines)")


def _own_reward(settings: Mapping[str, Any]) -> dict[str, Any]:
    from rewards.rubric import RewardSpec
    from rlfg.config import build_config

    if "reward" not in settings:
        raise RlfgError("these rollouts do not say how they were rewarded; give --reward")
    return {settings["reward"]["name"]: build_config(RewardSpec, settings["reward"], "the run's reward")}


def _reward(text: str) -> Any:
    import yaml

    from rewards.rubric import RewardSpec
    from rlfg.config import build_config, load_config

    if text.lstrip().startswith("{"):
        try:
            values = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise RlfgError(f"--reward {text!r}: not valid YAML: {' '.join(str(error).split())}") from error
        return build_config(RewardSpec, values, "--reward")
    return load_config(RewardSpec, text) if Path(text).suffix in (".yaml", ".yml") else RewardSpec(name=text)


def _label(text: str) -> str:
    return Path(text).stem if Path(text).suffix in (".yaml", ".yml") else text


def _table(report: Mapping[str, Any]) -> str:
    """A line for the stored scores and one for each reward: signal, and what changed."""
    rows = [("stored", report["stored"]), *report["replayed"].items()]
    width = max(len(name) for name, _ in rows)
    stored = report["stored"]
    lines = [
        f"{stored['rollouts']:,} rollouts in {stored['groups']:,} groups of {report['steps']} steps",
        f"{'':{width}}  groups with variance  mean reward  mean |advantage|  masked   changed: verdicts  rewards"
        "  groups  flipped",
    ]
    for name, row in rows:
        share = f"{row['groups_with_variance']} ({_number(row['share_with_variance'])})"
        line = f"{name:{width}}  {share:>20}  {_number(row['mean_reward']):>11}  "
        line += f"{_number(row['mean_abs_advantage']):>16}  {row['masked']:>6}"
        if changed := row.get("changed"):
            line += f"{changed['verdicts']:>20}  {changed['rewards']:>7}  {changed['groups']:>6}"
            line += f"  {changed['advantages_flipped']:>7}"
        lines.append(line)
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"

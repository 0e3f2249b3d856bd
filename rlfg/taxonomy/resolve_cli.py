"""`rlfg taxonomy resolve`: answers in, what each names out, a line for a line."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.taxonomy.choice import choose
from rlfg.taxonomy.load import load_taxonomy
from rlfg.taxonomy.options import add_profile_option
from rlfg.taxonomy.relation import DEFAULT_BORDER, relation
from rlfg.taxonomy.resolving import STATUSES, Resolution, resolve
from rlfg.taxonomy.text import DELIMITERS, read_table, suffix_of
from rlfg.taxonomy.tree import Taxonomy
from rlfg.types import Relation

NO_TRUTH = "unresolved truths"
ASSISTED = "truth-assisted"


def add_resolve(actions: Any) -> None:
    """Add `resolve` to the actions of `rlfg taxonomy`."""
    parser = actions.add_parser("resolve", help="what each answer of a JSONL file names, with a trace")
    parser.add_argument("--taxonomy", type=Path, required=True, help="built, or any source of docs/taxonomies.md")
    parser.add_argument(
        "--answers", type=Path, required=True, help='JSON Lines, or a table, with "answer" and perhaps "truth"'
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON Lines, one for each answer")
    add_profile_option(parser)
    parser.add_argument("--root", help='what the whole is called ("bird")')
    parser.add_argument("--root-alias", action="append", default=[], metavar="NAME", help="another name of the root")
    parser.add_argument("--ranks", default="", help="levels of a lineage file from the top, comma separated")
    parser.add_argument("--border", type=int, default=DEFAULT_BORDER, help="as for rlfg score (2)")
    parser.set_defaults(run=_run)


def resolve_line(
    taxonomy: Taxonomy, line: dict[str, Any], *, profile: str | None = None, border: int = DEFAULT_BORDER
) -> dict[str, Any]:
    """What a line's answer names: one taxon, or only candidates; and its `relation` to the truth, if there is one.

    `relation` is null where the truth is no taxon, and `truth_assisted` says whether it chose among namesakes.
    """
    found = resolve(taxonomy, line["answer"], profile)
    node = found.candidates[0] if found.named and len(found.candidates) == 1 else None
    result: dict[str, Any] = {
        "answer": line["answer"],
        "status": found.status,
        "taxon": node,
        "name": None if node is None else taxonomy.names[node],
        "rank": None if node is None else taxonomy.ranks[node],
        "lineage": None if node is None else [taxonomy.names[above] for above in taxonomy.lineage(node)],
        "candidates": list(found.candidates),
        "group": found.group,
        "span": found.span,
        "trace": list(found.trace),
    }
    if line.get("truth") is None:
        return result
    truth = resolve(taxonomy, line["truth"], profile)
    verdict = _relation(taxonomy, found, truth, border)
    many = not found.group and len(found.candidates) > 1, len(truth.candidates) > 1
    assisted = verdict is not None and found.named and any(many)
    return result | {"truth": line["truth"], "relation": verdict and verdict.value, "truth_assisted": assisted}


def _relation(taxonomy: Taxonomy, found: Resolution, truth: Resolution, border: int) -> Relation | None:
    """As the taxonomy verifier has it; None where the truth is no taxon."""
    if not truth.named:
        return None
    if not found.named:
        return Relation.ABSTAIN if found.status == "abstain" else Relation.WRONG
    return relation(taxonomy, *choose(taxonomy, found, truth.candidates, border=border), border=border)


def _run(args: argparse.Namespace) -> None:
    ranks = tuple(filter(None, args.ranks.split(",")))
    taxonomy = load_taxonomy(args.taxonomy, root=args.root, root_aliases=args.root_alias, ranks=ranks)
    counts: Counter[str] = Counter()
    lines = list(_lines(args.answers))
    if not lines:
        raise RlfgError(f"{args.answers}: there are no answers in this file")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w", encoding="utf-8") as file:
        for line in lines:
            result = resolve_line(taxonomy, line, profile=args.profile, border=args.border)
            counts[result["status"]] += 1
            counts[NO_TRUTH] += "truth" in result and result["relation"] is None
            counts[ASSISTED] += result.get("truth_assisted", False)
            file.write(json.dumps(result, ensure_ascii=False) + "\n")
    print("\n".join(f"{status:<12}{counts[status]}" for status in STATUSES if counts[status]))
    print(f"{len(lines)} answers, {counts[NO_TRUTH]} {NO_TRUTH}, {counts[ASSISTED]} {ASSISTED}; {args.out}")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if suffix_of(path) in DELIMITERS:
        for number, row in read_table(path):
            if "answer" not in row:
                raise RlfgError(f'{path}:{number}: no column "answer"; found {", ".join(row)}')
            yield {key: cell for key, cell in row.items() if cell or key == "answer"}
        return
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RlfgError(f"{path}: cannot read the answers: {error}") from error
    for number, raw in enumerate(text.split("\n"), 1):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
        except json.JSONDecodeError as error:
            raise RlfgError(f"{path}:{number}: not valid JSON: {error.msg}") from error
        if not isinstance(line, dict) or not isinstance(line.get("answer"), str):
            raise RlfgError(f'{path}:{number}: expected an object with a text "answer"')
        if not isinstance(line.get("truth"), str | None):
            raise RlfgError(f'{path}:{number}: "truth" must be a text')
        yield line

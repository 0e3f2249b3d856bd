"""`rlfg taxonomy`: look at a taxonomy, check it, cut it, and build it once to load it fast."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import file_lines
from rlfg.taxonomy.disagreement import disagreements
from rlfg.taxonomy.forest import Forest
from rlfg.taxonomy.formats import FORMATS, open_source
from rlfg.taxonomy.ledger import Ledger, Provenance
from rlfg.taxonomy.lint import SEVERITIES, Finding, lint, lint_labels
from rlfg.taxonomy.load import load_taxonomy, located, provenance
from rlfg.taxonomy.parent_table import write_parent_table
from rlfg.taxonomy.reading import Reading, ReadOptions
from rlfg.taxonomy.resolve_cli import add_resolve
from rlfg.taxonomy.store import is_saved, open_saved, save
from rlfg.taxonomy.subset import clade, records_of, spanning
from rlfg.taxonomy.text import DELIMITERS
from rlfg.taxonomy.tree import Taxonomy

_SHOWN = 10
_Commands = Any
"""argparse keeps the type of what `add_subparsers` returns to itself."""


def add_taxonomy(commands: _Commands) -> None:
    """Add `taxonomy` and its actions to the command line."""
    parser = commands.add_parser("taxonomy", help="show, lint, cut and build taxonomies")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for add in (_show, _lint, _subset, _build, add_resolve):
        add(actions)


def _source(parser: argparse.ArgumentParser, dest: str = "file") -> None:
    parser.add_argument(dest, type=Path, help="a built taxonomy, or any source: see docs/taxonomies.md")
    parser.add_argument("--format", choices=[*FORMATS], help="of the source; by default told from its content")
    parser.add_argument("--root", help='what the whole is called ("bird")')
    parser.add_argument("--root-alias", action="append", default=[], metavar="NAME", help="another name of the root")
    for name, about in (
        ("--ranks", "main ranks, top to bottom"),
        ("--rank-columns", "columns of a table that are ranks, top to bottom"),
        ("--languages", "languages of the common names to keep (en)"),
    ):
        parser.add_argument(name, default="", metavar="A,B", help=f"{about}, comma separated")
    parser.add_argument("--common-column", metavar="COLUMN", help="column of common names, with --rank-columns")
    parser.add_argument(
        "--hypernym",
        choices=("first", "shortest", "longest"),
        default="first",
        help="parent of a WordNet synset with several (first)",
    )


def _show(actions: _Commands) -> None:
    parser = actions.add_parser("show", help="counts and the top of the tree, or one taxon")
    _source(parser)
    parser.add_argument("--name", help="a name or identifier: its lineage, its names and what is below")
    parser.add_argument("--depth", type=int, default=2, help="levels to show (2)")

    def run(args: argparse.Namespace) -> None:
        tree = _load(args.file, args)
        if args.name is None:
            print("\n".join((*_summary(tree), *_below(tree, 0, args.depth))))
            return
        for node in _named(tree, args.name):
            print("\n".join((*_lineage(tree, node), *_below(tree, node, args.depth))))

    parser.set_defaults(run=run)


def _lint(actions: _Commands) -> None:
    parser = actions.add_parser("lint", help="all that is wrong or doubtful; exits 1 on errors, 2 if it cannot read")
    _source(parser)
    parser.add_argument("--against", type=Path, metavar="OTHER", help="a second source to compare with")
    parser.add_argument("--labels", type=Path, help="text file of labels, one a line")
    parser.add_argument("--json", action="store_true", help="findings for machines")

    def run(args: argparse.Namespace) -> int:
        forest, findings, source = _linted(args.file, args)
        if args.labels:
            findings += lint_labels(forest, _labels(args.labels))
        if args.against:
            other, _, _ = _linted(args.against, argparse.Namespace(**vars(args) | {"format": None}))
            findings += disagreements(forest, other)
        counts = Counter(finding.severity for finding in findings)
        if args.json:
            content = {"source": vars(source), "taxa": len(forest.taxa), "counts": dict(counts)}
            print(json.dumps(content | {"findings": [f.to_json() for f in findings]}, indent=2, ensure_ascii=False))
        else:
            print("\n".join((*source.lines(), *_by_code(findings))))
            print(f"{len(forest.taxa)} taxa, " + ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES))
        return 1 if counts["error"] else 0

    parser.set_defaults(run=run)


def _subset(actions: _Commands) -> None:
    parser = actions.add_parser("subset", help="cut out a clade, or what some labels need")
    _source(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--clade", metavar="NAME", help="this taxon and all below it")
    which.add_argument("--labels", type=Path, help="the labels of this text file and their ancestors")
    parser.add_argument("--descendants", action="store_true", help="with --labels: also all that is below them")
    parser.add_argument("--out", type=Path, required=True, help="the file; .csv or .tsv is a table to edit")

    def run(args: argparse.Namespace) -> None:
        tree = _load(args.file, args)
        if args.clade is not None:
            found = _named(tree, args.clade)
            if len(found) > 1:
                places = "; ".join(_path(tree, node) for node in found)
                raise RlfgError(f'{args.file}: "{args.clade}" names {len(found)} taxa: {places}; give an identifier')
            part = clade(tree, found[0])
        else:
            part = spanning(tree, [label for _, label in _labels(args.labels)], descendants=args.descendants)
        _write(part, args.out)
        print(f"{args.out}: {part.n} of {tree.n} taxa, hash {part.hash}")

    parser.set_defaults(run=run)


def _build(actions: _Commands) -> None:
    parser = actions.add_parser("build", help="read a source once and write a file that loads fast")
    _source(parser, "source")
    parser.add_argument("--out", type=Path, required=True, help="the file; .csv or .tsv is a table to edit")

    def run(args: argparse.Namespace) -> None:
        tree = _load(args.source, args)
        _write(tree, args.out)
        print("\n".join((*_summary(tree), str(args.out))))

    parser.set_defaults(run=run)


def _write(tree: Taxonomy, out: Path) -> None:
    """A table where the name asks for one, else the file that loads fast."""
    if out.suffix.lower() in DELIMITERS:
        write_parent_table(tree, out)
    else:
        save(tree, out)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _load(path: Path, args: argparse.Namespace) -> Taxonomy:
    return load_taxonomy(
        path,
        format=args.format,
        root=args.root,
        root_aliases=args.root_alias,
        ranks=_split(args.ranks),
        rank_columns=_split(args.rank_columns),
        common_column=args.common_column,
        languages=_split(args.languages),
        hypernym=args.hypernym,
    )


def _linted(path: Path, args: argparse.Namespace) -> tuple[Forest, list[Finding], Provenance]:
    ledger = Ledger(collect=True)
    path, root, _ = located(path, args.root, args.root_alias)
    if is_saved(path):
        tree = open_saved(path, check=True)
        forest, findings = lint(Reading(records=(), main_ranks=tree.main_ranks), [*records_of(tree)], rooted=True)
        return forest, findings, tree.provenance or provenance(path, "saved", ledger)
    options = ReadOptions(
        ranks=_split(args.ranks),
        rank_columns=_split(args.rank_columns),
        common_column=args.common_column,
        languages=_split(args.languages),
        hypernym=args.hypernym,
    )
    name, reading = open_source(path, args.format, options, ledger)
    records = list(reading.records)
    forest, findings = lint(reading, records, ledger.problems, rooted=root is not None)
    return forest, findings, provenance(path, name, ledger)


def _labels(path: Path) -> Iterator[tuple[str, str]]:
    """Place and text of each label; the same one is given once."""
    seen: set[str] = set()
    for number, line in enumerate(file_lines(path), start=1):
        label = line.strip()
        if label and label not in seen:
            seen.add(label)
            yield f"{path}:{number}", label


def _named(tree: Taxonomy, text: str) -> list[int]:
    by_id = tree.find_id(text)
    found = list(tree.lookup(text)) if by_id is None else [by_id]
    if not found:
        raise RlfgError(f'{tree.source}: no taxon has the name or identifier "{text}"')
    return found


def _summary(tree: Taxonomy) -> list[str]:
    names = [sum(map(len, lists)) for lists in (tree.vernaculars, tree.synonyms)]
    return [
        f"source {tree.source}",
        *(tree.provenance.lines() if tree.provenance else ()),
        f"content {tree.hash}",
        f"{tree.n} taxa, {len(tree.leaves())} leaves, {names[0]} common names, {names[1]} synonyms",
        f"main ranks {', '.join(tree.main_ranks) or 'none; depth counts edges'}",
    ]


def _path(tree: Taxonomy, node: int) -> str:
    return " > ".join(tree.names[above] for above in tree.lineage(node))


def _lineage(tree: Taxonomy, node: int) -> Iterator[str]:
    yield " > ".join(tree.describe(above) for above in tree.lineage(node))
    for title, names in (("common names", tree.vernaculars[node]), ("synonyms", tree.synonyms[node])):
        if names:
            yield f"{title}: {'; '.join(names)}"
    if tree.ids and tree.ids[node]:
        yield f"identifiers: {', '.join(tree.ids[node])}"


def _below(tree: Taxonomy, node: int, depth: int, indent: str = "") -> Iterator[str]:
    leaves = int(tree.leaf_count[node])
    common = f' "{tree.vernaculars[node][0]}"' if tree.vernaculars[node] else ""
    yield f"{indent}{tree.describe(node)}{common}" + (f"  ({leaves} leaves)" if leaves > 1 else "")
    if depth > 0:
        for child in tree.children(node):
            yield from _below(tree, child, depth - 1, f"{indent}  ")


def _by_code(findings: Sequence[Finding]) -> Iterator[str]:
    """The first few of each kind, the gravest kind first."""
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    for code in dict.fromkeys(finding.code for finding in ordered):
        same = [finding for finding in ordered if finding.code == code]
        yield f"{same[0].severity} {code}: {len(same)}"
        yield from (f"  {finding.where}: {finding.message}" for finding in same[:_SHOWN])
        if len(same) > _SHOWN:
            yield f"  … and {len(same) - _SHOWN} more; --json gives all"

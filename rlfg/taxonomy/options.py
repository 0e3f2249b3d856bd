"""The options of commands that say which taxonomy, and how it is read."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlfg.taxonomy.tree import Taxonomy


def add_taxonomy_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Adds them."""
    parser.add_argument("--taxonomy", required=required, help="built, or any source of docs/taxonomies.md")
    parser.add_argument("--root", help='name of the root, where the file has several top taxa ("bird")')
    parser.add_argument("--root-alias", action="append", default=[], metavar="NAME", help="another name of the root")
    parser.add_argument("--ranks", default="", help="levels of a lineage file from the top, comma separated")


def add_profile_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--profile`."""
    parser.add_argument(
        "--profile",
        help="how answers are read (general, catalogue, exact, or file.py:NAME of your own); as suits the taxonomy",
    )


def taxonomy_of(args: argparse.Namespace) -> Taxonomy:
    """The taxonomy that the options name."""
    from rlfg.taxonomy import load_taxonomy

    return load_taxonomy(args.taxonomy, root=args.root, root_aliases=args.root_alias, ranks=ranks_of(args))


def ranks_of(args: argparse.Namespace) -> tuple[str, ...]:
    """What `--ranks` lists."""
    return tuple(filter(None, args.ranks.split(",")))

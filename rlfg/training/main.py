"""The command line of a recipe: `--config FILE key.sub=value …`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from rlfg.config import load_config
from rlfg.errors import RlfgError

Config = TypeVar("Config")


def launch(cls: type[Config], stage: Callable[[Config], Any]) -> None:
    """Reads the config and runs the stage; bad input is one line on stderr and exit status 2.

    A stage that returns a number ends with it as exit status.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True, help="YAML file")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value", help="replace single values")
    args = parser.parse_args()
    try:
        result = stage(load_config(cls, args.config, args.overrides))
    except RlfgError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    if isinstance(result, int):
        raise SystemExit(result)
    print(f"done: {result}")

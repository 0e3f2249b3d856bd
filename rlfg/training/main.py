"""The command line of a training recipe: `--config FILE key.sub=value …`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rlfg.config import load_config
from rlfg.errors import RlfgError

Config = TypeVar("Config")


def launch(cls: type[Config], stage: Callable[[Config], Path]) -> None:
    """Reads the config and runs the stage; bad input is one line on stderr and exit status 2."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True, help="YAML file")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value", help="replace single values")
    args = parser.parse_args()
    try:
        print(f"done: {stage(load_config(cls, args.config, args.overrides))}")
    except RlfgError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error

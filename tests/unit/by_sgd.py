"""Runs a recipe with plain SGD: what a step adds to a weight is then its gradient.

`accelerate launch … by_sgd.py recipe.py ARGUMENTS`.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

from rlfg.training import grpo

_arguments = grpo.trl_arguments


def _sgd(*args: Any, **kwargs: Any) -> Any:
    found = _arguments(*args, **kwargs)
    found.optim = "sgd"
    return found


if __name__ == "__main__":
    grpo.trl_arguments = _sgd
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")

"""Runs a recipe under FSDP2 on CPU processes: `accelerate launch … fsdp_on_cpu.py recipe.py ARGUMENTS`.

accelerate 1.15 turns FSDP on only for kinds of processes that have an accelerator each, although PyTorch's works over
gloo. Here CPU processes call themselves one of those kinds; everything after that is real.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

from accelerate import PartialState
from accelerate.utils import DistributedType

_init = PartialState.__init__


def _as_accelerators(self: PartialState, *args: Any, **kwargs: Any) -> None:
    _init(self, *args, **kwargs)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self._shared_state["distributed_type"] = DistributedType.MULTI_GPU


if __name__ == "__main__":
    PartialState.__init__ = _as_accelerators
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")

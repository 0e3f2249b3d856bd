"""How rollouts are made by vLLM."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rlfg.errors import RlfgError

RAM_DISK = Path("/dev/shm")


@dataclass(frozen=True, kw_only=True)
class VllmSpec:
    """Where the engine is, and what it is given."""

    mode: Literal["server", "colocated"] = "server"
    """server: vLLM's own OpenAI-compatible server, which takes adapters while it runs. colocated: an engine in each
    training process, on its GPU, asleep while weights are trained."""
    url: str = "http://127.0.0.1:8000/v1"
    """Of the server."""
    api_key_env: str | None = None
    """Environment variable with the server's key."""
    concurrency: int = 64
    """Prompts at the server at once, of one training process."""
    timeout_s: float = 600.0
    """For all answers to one prompt."""
    adapter_dir: str | None = None
    """Folder in which the server finds each step's adapter; by default on the RAM disk. A server on another machine
    needs one that both see."""
    stop_after_answer: bool = True
    """End a completion with `</answer>`, whatever the model would say after it."""
    probe_tolerance: float | None = None
    """Mean difference, in nats a token, between the engine's log-probabilities and the trainer's that a probe after
    each sync may show; by default 0.01 for float32 weights and 0.1 for others."""
    engine: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of `vllm.LLM` in colocated mode, over those made here: max_model_len, gpu_memory_utilization …"""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise RlfgError(f"rollouts.url is {self.url!r}; it starts with http:// or https://, and ends with /v1")
        if self.concurrency < 1 or self.timeout_s <= 0:
            raise RlfgError("rollouts.concurrency and rollouts.timeout_s must be above 0")
        if self.engine and self.mode == "server":
            raise RlfgError("rollouts.engine is for mode colocated; a server has its own command line")

    def folder(self, run: Path) -> Path:
        """Where adapters are put."""
        if self.adapter_dir is not None:
            return Path(self.adapter_dir)
        return RAM_DISK if os.access(RAM_DISK, os.W_OK) else run / ".adapters"

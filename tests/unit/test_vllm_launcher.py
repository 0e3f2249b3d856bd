"""The launcher against a stand-in for vLLM: a module of its name that dies, hangs, serves, or will not stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.serving import ServerSpec, VllmServer
from rlfg.serving.failure import telling_lines
from rlfg.serving.spec import server_command, server_environment
from rlfg.serving.vllm_server import claim_port

ROOT = Path(__file__).resolve().parents[2]

STAND_IN = """
import os, signal, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

mode = os.environ["MODE"]
port = int(sys.argv[sys.argv.index("--port") + 1])
if mode == "dies":
    print("(EngineCore pid=7) ERROR 11-24 02:00:00 [core.py:7] ValueError: max seq len (4096) is larger than 2048")
    print("(APIServer pid=6) RuntimeError: Engine core initialization failed. See root cause above. Failed: {}")
    sys.exit(3)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=mode != "hangs")
Path(os.environ["PIDS"]).write_text(f"{os.getpid()} {worker.pid}")
if mode == "hangs":
    print("Loading weights: 3 %", flush=True)
    time.sleep(600)

class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., VllmServer]:
    """`server(mode)`: a launcher whose vLLM is the stand-in."""
    package = tmp_path / "path" / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    for folder in (package, package.parent, package.parent.parent):
        (folder / "__init__.py").touch()
    (package / "api_server.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    # A proxy that nothing answers at: the launcher must not ask it.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    def make(mode: str, *, ready_within: float = 120, grace: float = 10, port: int = 0) -> VllmServer:
        spec = ServerSpec(model="some/model", env={"MODE": mode}, port=port)
        return VllmServer(spec, log=tmp_path / "logs" / "server.log", ready_within=ready_within, grace=grace)

    return make


def pids(tmp_path: Path) -> list[int]:
    """The stand-in and its worker."""
    deadline = time.monotonic() + 120
    while len(found := (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else []) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(pid) for pid in found]


def alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody reaps does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(processes: list[int], within: float = 60) -> bool:
    deadline = time.monotonic() + within
    while any(map(alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, processes))


def test_a_server_is_up_inside_and_gone_afterwards(server: Callable[..., VllmServer], tmp_path: Path) -> None:
    with server("serves") as running:
        assert running.healthy() and running.url == f"http://127.0.0.1:{running.port}/v1"
        running.check()
        processes = pids(tmp_path)
        with pytest.raises(RlfgError, match="runs already"):
            running.start()
    assert not any(map(alive, processes))
    socket.create_server(("127.0.0.1", running.port)).close()
    assert "/health" in (tmp_path / "logs" / "server.log").read_text()
    running.stop()


def test_a_server_that_dies_says_why(server: Callable[..., VllmServer], tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "server.log").write_text("OSError: of an earlier start\n")
    with pytest.raises(RlfgError) as caught, server("dies"):
        pass
    message = str(caught.value)
    assert "server.log: ValueError: max seq len (4096) is larger than 2048" in message
    assert "status 3" in message and "\n" not in message
    assert "earlier" not in message and "See root cause" not in message


def test_a_server_that_never_becomes_healthy_is_stopped(server: Callable[..., VllmServer], tmp_path: Path) -> None:
    running = server("hangs", ready_within=0.1)
    running.start()
    processes = pids(tmp_path)
    while "3 %" not in (tmp_path / "logs" / "server.log").read_text():
        time.sleep(0.02)
    with pytest.raises(RlfgError, match=r"not healthy after 0.1 s; log: .*server.log: Loading weights: 3 %"):
        running.wait_ready()
    assert not any(map(alive, processes))


def test_a_server_that_ignores_sigterm_is_killed(server: Callable[..., VllmServer], tmp_path: Path) -> None:
    with server("stubborn", grace=0.5):
        processes = pids(tmp_path)
    assert not any(map(alive, processes))


def test_a_server_that_is_killed_leaves_no_workers(server: Callable[..., VllmServer], tmp_path: Path) -> None:
    with server("serves") as running:
        processes = pids(tmp_path)
        os.kill(processes[0], signal.SIGKILL)
        running.wait()
        with pytest.raises(RlfgError, match="has ended \\(signal SIGKILL\\)"):
            running.check()
        assert not any(map(alive, processes))


@pytest.mark.parametrize("mode", ["serves", "hangs", "stubborn"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_parent_that_is_killed_leaves_nothing(
    server: Callable[..., VllmServer], tmp_path: Path, mode: str, how: signal.Signals
) -> None:
    code = (
        "import pathlib; from rlfg.serving import *\n"
        f"with VllmServer(ServerSpec(model='m', env={{'MODE': {mode!r}}}), log=pathlib.Path({str(tmp_path / 'log')!r}),"
        " grace=1): input()"
    )
    path = os.pathsep.join([str(tmp_path / "path"), str(ROOT)])
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    processes = pids(tmp_path)
    assert all(map(alive, processes))
    os.kill(parent.pid, how)
    parent.communicate()
    assert all_gone(processes)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_keeper_that_is_killed_takes_the_server_along(server: Callable[..., VllmServer], tmp_path: Path) -> None:
    with server("serves") as running:
        processes = pids(tmp_path)
        assert running._process is not None
        running._process.kill()
        assert all_gone(processes[:1])
    os.kill(processes[1], signal.SIGKILL)


def test_a_taken_port_is_an_error_before_anything_starts(server: Callable[..., VllmServer], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(RlfgError, match=f"cannot listen on 127.0.0.1 port {port}"):
            server("serves", port=port).start()
    assert not (tmp_path / "logs").exists()


def test_a_missing_vllm_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rlfg.serving.vllm_server.find_spec", lambda name: None)
    with pytest.raises(RlfgError, match=r"rlfg\[vllm\].*make vllm"):
        VllmServer(ServerSpec(model="m"), log=tmp_path / "log").start()


def adapter(folder: Path, rank: int, **config: object) -> str:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank, **config}))
    return str(folder)


def option(command: list[str], name: str) -> str:
    assert command.count(name) == 1
    return command[command.index(name) + 1]


def test_the_command_names_everything(tmp_path: Path) -> None:
    adapters = {"a": adapter(tmp_path / "a", 4), "b": adapter(tmp_path / "b", 24, rank_pattern={})}
    spec = ServerSpec(
        model="org/base",
        name="base",
        adapters=adapters,
        max_model_len=4096,
        gpu_memory_utilization=0.4,
        tensor_parallel_size=2,
        args=("--max-num-seqs", "8"),
    )
    command = server_command(spec, port=8123, cpu=False)
    assert command[:3] == [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    expected = {
        "--model": "org/base",
        "--served-model-name": "base",
        "--host": "127.0.0.1",
        "--port": "8123",
        "--max-model-len": "4096",
        "--gpu-memory-utilization": "0.4",
        "--tensor-parallel-size": "2",
        "--max-lora-rank": "32",
        "--max-loras": "2",
        "--lora-modules": f"a={adapters['a']}",
    }
    assert {name: option(command, name) for name in expected} == expected
    assert f"b={adapters['b']}" in command
    assert command[-2:] == ["--max-num-seqs", "8"]
    assert json.loads(option(command, "--structured-outputs-config"))["disable_any_whitespace"]
    assert "--enforce-eager" not in command and "--enforce-eager" in server_command(spec, port=1, cpu=True)


@pytest.mark.parametrize(
    ("config", "tensor", "said"),
    [
        ({"rank_pattern": {"q_proj": 24}}, "model.layers.0.q_proj.lora_A.weight", "does not compute rank_pattern of"),
        ({"alpha_pattern": {"q_proj": 1}, "bias": "all"}, "x.lora_A.weight", "does not compute alpha_pattern, bias of"),
        ({"use_dora": True}, "x.lora_A.weight", "use_dora"),
        ({}, "base_model.model.model.visual.blocks.0.attn.qkv.lora_A.weight", "its layers in the vision tower"),
        ({"use_rslora": True, "bias": "none"}, "model.layers.0.q_proj.lora_A.weight", None),
    ],
)
def test_an_adapter_that_vllm_would_make_another_model_of_is_refused(
    tmp_path: Path, config: dict[str, object], tensor: str, said: str | None
) -> None:
    folder = adapter(tmp_path / "a", 8, **config)
    save_file({tensor: np.zeros((8, 4), np.float32)}, tmp_path / "a" / "adapter_model.safetensors")
    spec = ServerSpec(model="m", adapters={"a": folder})
    with nullcontext() if said is None else pytest.raises(RlfgError, match=rf"{said}.*`rlfg export`"):
        server_command(spec, port=1, cpu=False)


def test_a_bare_model_has_no_lora_and_a_runtime_one_has_room() -> None:
    assert "--enable-lora" not in server_command(ServerSpec(model="m"), port=1, cpu=False)
    later = server_command(ServerSpec(model="m", runtime_adapters=True), port=1, cpu=False)
    assert (option(later, "--max-lora-rank"), option(later, "--max-loras")) == ("64", "2")
    assert "--lora-modules" not in later


def test_the_environment_leaves_the_launcher_behind(tmp_path: Path) -> None:
    inherited = {
        "PATH": "/bin",
        "RANK": "0",
        "MASTER_PORT": "29500",
        "OMP_NUM_THREADS": "1",
        "TORCHELASTIC_RUN_ID": "x",
    }
    on_gpu = server_environment(ServerSpec(model="org/base"), inherited, cpu=False)
    assert on_gpu == {"PATH": "/bin", "VLLM_NO_USAGE_STATS": "1", "PYTHONUNBUFFERED": "1"}
    spec = ServerSpec(model=str(tmp_path), runtime_adapters=True, cpu_kv_cache_gib=3, env={"OMP_NUM_THREADS": "2"})
    on_cpu = server_environment(spec, inherited, cpu=True)
    assert on_cpu == on_gpu | {
        "HF_HUB_OFFLINE": "1",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_CPU_KVCACHE_SPACE": "3",
        "OMP_NUM_THREADS": "2",
    }


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    big = adapter(tmp_path / "big", 1024)
    for spec, words in [
        ({"args": ("--port=1",)}, "--port is set by server.port"),
        ({"args": ("--lora_modules", "a=b")}, "server.adapters"),
        ({"port": 70000}, "server.port"),
        ({"model": "/no/such"}, "/no/such: no such folder"),
        ({"tensor_parallel_size": 0}, "tensor_parallel_size"),
        ({"gpu_memory_utilization": 1.5}, "gpu_memory_utilization"),
        ({"adapters": {"a": str(tmp_path)}}, "holds no adapter"),
        ({"adapters": {"m": big}}, "'m' cannot be"),
        ({"adapters": {"a": big}}, "at most 512"),
        ({"adapters": {"a": big}, "max_lora_rank": 64}, "has rank 1024"),
    ]:
        with pytest.raises(RlfgError, match=words):
            server_command(ServerSpec(**{"model": "m", **spec}), port=1, cpu=False)


def test_addresses() -> None:
    everywhere = VllmServer(ServerSpec(model="m", host="0.0.0.0"), log=None)
    assert everywhere.url == "http://127.0.0.1:0/v1"
    assert VllmServer(ServerSpec(model="m", host="::"), log=None).url == "http://[::1]:0/v1"
    with pytest.raises(RlfgError, match="cannot listen on 192.0.2.1"):
        claim_port("192.0.2.1", 80)


def test_without_a_known_cause_the_last_lines_are_shown(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("INFO 11-24 02:00:00 [a.py:1] one\ntwo\n\nthree\nfour\n")
    assert telling_lines(log) == ["two", "three", "four"]
    log.write_text("x.ValidationError: 1 validation error for C\n  Value error, too long [type=v, x={}]\n    See y\n")
    assert telling_lines(log) == ["x.ValidationError: 1 validation error for C: Value error, too long"]
    log.write_text("usage: api_server.py [-h]\napi_server.py: error: unrecognized arguments: --nope\n")
    assert telling_lines(log) == ["api_server.py: error: unrecognized arguments: --nope"]
    log.write_text("OSError: no room\nRuntimeError: Worker failed with 'no room', see above\nKeyError: 'x'\n")
    assert telling_lines(log) == ["OSError: no room", "KeyError: 'x'"]
    log.write_text("")
    assert telling_lines(log) == []


def test_the_command_line(
    server: Callable[..., VllmServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MODE", "dies")
    options = ["server", "--model", "some/model", "--port", "0", "--log", str(tmp_path / "log")]
    with pytest.raises(SystemExit, match="2"):
        main([*options, "--", "--max-num-seqs", "4"])
    assert "error: the vLLM server of some/model has ended (status 3)" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*options, "--adapter", "name"])
    assert "NAME=FOLDER" in capsys.readouterr().err


def test_ctrl_c_ends_the_command_and_its_server(server: Callable[..., VllmServer], tmp_path: Path) -> None:
    path = os.pathsep.join([str(tmp_path / "path"), str(ROOT)])
    command = [sys.executable, "-c", "from rlfg.cli import main; main()", "server", "--model", "m", "--port", "0"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "MODE": "serves"},
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )
    assert process.stdout is not None and process.stdout.readline().startswith("m at http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert not any(map(alive, pids(tmp_path)))

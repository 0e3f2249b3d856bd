"""`rlfg serve` as a process: it starts, says where, and ends in order."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("prometheus_client")

import psutil
from serving_toys import picture

from eval.backoff import Policy, write_policy
from rlfg.data import contract_hash, load_prompt
from rlfg.data.contract import prompt_of, write_contract
from rlfg.errors import RlfgError
from rlfg.serving.serve_cli import add_serve, banned_of, gateway_spec, picture_budget, policy_of
from rlfg.taxonomy import load_taxonomy

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "recipes" / "assets" / "world-base"


class SlowEngine:
    """Answers when `go` is set, in a thread of this process."""

    def __init__(self) -> None:
        self.go, self.asked = threading.Event(), threading.Event()
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send(b"")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                engine.asked.set()
                engine.go.wait(120)
                text = "<think>red</think><answer>Herring Gull</answer>"
                self.send(json.dumps({"choices": [{"message": {"content": text}}] * 2}).encode())

            def send(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def engine() -> Iterator[SlowEngine]:
    engine = SlowEngine()
    yield engine
    engine.go.set()
    engine.server.shutdown()
    engine.server.server_close()


@pytest.fixture
def birds_csv(tmp_path: Path) -> Path:
    path = tmp_path / "birds.csv"
    path.write_text("family,genus,species\nLaridae,Larus,Herring Gull\n")
    return path


def start(*options: str, env: dict[str, str] | None = None, adapter: Path = BASE) -> subprocess.Popen[str]:
    given = ("--port", "0", "--samples", "2", "--adapter", str(adapter), *options)
    return subprocess.Popen(
        [sys.executable, "-c", "from rlfg.cli import main; main()", "serve", *given],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"taxonomy": "another"}, "was fitted in another taxonomy"),
        ({"parse": "strict"}, "was fitted to answers read by parser strict and profile exact; now"),
        ({"profile": "general"}, "read by parser lenient and profile general; now"),
        ({"prompt": "another"}, "was fitted to answers to another prompt"),
    ],
)
def test_a_policy_that_was_fitted_otherwise_is_refused(
    birds_csv: Path, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    taxonomy = load_taxonomy(birds_csv, root="bird")
    fitted: dict[str, Any] = {"taxonomy": taxonomy.hash, "profile": "exact", "parse": "lenient", **changes}
    write_policy(tmp_path / "policy.json", Policy(threshold=0.5, risk=0.1, delta=0.05, samples=2, **fitted))
    args = Namespace(policy=tmp_path / "policy.json", taxonomy=birds_csv, samples=None, profile="exact")
    with pytest.raises(RlfgError, match=said):
        policy_of(args, taxonomy, "lenient", "this")
    args.policy = None
    args.threshold = 0.4
    assert policy_of(args, taxonomy, "lenient", "this") == Policy(threshold=0.4)


def test_answers_are_drawn_as_the_policy_was_fitted(birds_csv: Path, tmp_path: Path, capsys: Any) -> None:
    taxonomy = load_taxonomy(birds_csv, root="bird")
    fitted: dict[str, Any] = {
        "taxonomy": taxonomy.hash,
        "profile": "exact",
        "prompt": contract_hash(load_prompt("think")),
    }
    policy = Policy(threshold=0.5, risk=0.1, delta=0.05, samples=7, temperature=0.6, top_p=0.9, max_tokens=99, **fitted)
    write_policy(tmp_path / "policy.json", policy)
    parser = ArgumentParser()
    add_serve(parser.add_subparsers())
    given = [
        "serve",
        "--engine-url",
        "http://x/v1",
        "--taxonomy",
        str(birds_csv),
        "--root",
        "bird",
        "--adapter",
        str(BASE),
    ]
    given += ["--policy", str(tmp_path / "policy.json")]
    spec = gateway_spec(parser.parse_args(given), taxonomy)
    assert (spec.temperature, spec.top_p, spec.max_tokens, spec.limits.samples) == (0.6, 0.9, 99, 7)
    assert spec.as_calibrated and not capsys.readouterr().err
    spec = gateway_spec(parser.parse_args([*given, "--temperature", "1"]), taxonomy)
    assert spec.temperature == 1 and not spec.as_calibrated
    assert "was fitted to samples drawn otherwise" in capsys.readouterr().err


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("tuned at http://127.0.0.1:"), line
    return int(line.rpartition(":")[2])


def ask(port: int, found: dict[str, Any], size: tuple[int, int] = (8, 6)) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    body = head + picture(size) + b"\r\n--x--\r\n"
    try:
        connection.request("POST", "/v1/classify", body, {"Content-Type": "multipart/form-data; boundary=x"})
        reply = connection.getresponse()
        found["status"], found["answer"] = reply.status, json.loads(reply.read()).get("answer")
    except OSError as error:
        found["error"] = error
    finally:
        connection.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_is_finished_and_no_other_is_taken(
    engine: SlowEngine, birds_csv: Path, how: signal.Signals
) -> None:
    process = start("--engine-url", engine.url, "--taxonomy", str(birds_csv), "--root", "bird", "--grace", "120")
    port, found = port_of(process), dict[str, Any]()
    thread = threading.Thread(target=ask, args=(port, found))
    thread.start()
    assert engine.asked.wait(120)
    process.send_signal(how)
    refused = False
    while not refused:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=60).close()
            time.sleep(0.02)
        except ConnectionError:
            refused = True
    assert process.poll() is None and not found
    engine.go.set()
    thread.join()
    assert found == {"status": 200, "answer": "Herring Gull"}
    assert process.wait(120) == 0
    assert process.communicate() == ("", "")


def test_the_grace_ends(engine: SlowEngine, birds_csv: Path) -> None:
    process = start("--engine-url", engine.url, "--taxonomy", str(birds_csv), "--root", "bird", "--grace", "0.3")
    port, found = port_of(process), dict[str, Any]()
    thread = threading.Thread(target=ask, args=(port, found))
    thread.start()
    assert engine.asked.wait(120)
    process.terminate()
    assert process.wait(120) == 0
    thread.join()
    assert found.get("status") != 200
    process.communicate()


def test_a_client_that_is_slow_with_its_headers_is_cut_off(engine: SlowEngine, birds_csv: Path) -> None:
    options = ("--engine-url", engine.url, "--taxonomy", str(birds_csv), "--root", "bird", "--read-timeout", "5")
    process = start(*options)
    engine.go.set()
    port, found = port_of(process), dict[str, Any]()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as silent,
        socket.create_connection(("127.0.0.1", port), timeout=60) as slow,
    ):
        slow.sendall(b"POST /v1/classify HT")
        assert (silent.recv(1), slow.recv(1)) == (b"", b"")
    ask(port, found)
    assert found == {"status": 200, "answer": "Herring Gull"}
    process.terminate()
    assert process.wait(120) == 0
    process.communicate()


def test_its_processes_end_with_it_however_it_ends(engine: SlowEngine, birds_csv: Path) -> None:
    process = start("--engine-url", engine.url, "--taxonomy", str(birds_csv), "--root", "bird")
    engine.go.set()
    port, found = port_of(process), dict[str, Any]()
    ask(port, found, (1250, 1000))
    assert found["status"] == 200
    family = psutil.Process(process.pid).children(recursive=True)
    assert family
    process.kill()
    process.communicate()
    assert not psutil.wait_procs(family, timeout=60)[1]


def test_what_cannot_be_served_is_one_line(birds_csv: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        for options, message in (
            (["--engine-url", "http://x/v1", "--port", taken], f"cannot listen on 127.0.0.1 port {taken}"),
            (["--engine-url", "nowhere"], "engine_url is 'nowhere'"),
            (["--engine-url", "http://x/v1", "--api-key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY is not set"),
            (["--engine-url", "http://x/v1", "--prompt", "none-such"], "is no prompt"),
        ):
            process = start("--taxonomy", str(birds_csv), "--root", "bird", *options)
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 2 and message in errors and errors.count("\n") == 1, errors


def test_the_prompt_is_that_of_the_contract(tmp_path: Path) -> None:
    write_contract(tmp_path, {"prompt": contract_hash(load_prompt("short"))})
    assert prompt_of(tmp_path) == load_prompt("short")
    with pytest.raises(RlfgError, match="another prompt than 'think'"):
        prompt_of(tmp_path, "think")
    own = tmp_path / "own.txt"
    own.write_text("Which bird?")
    write_contract(tmp_path, {"prompt": contract_hash(load_prompt(str(own)))})
    with pytest.raises(RlfgError, match="a prompt of its own"):
        prompt_of(tmp_path)
    assert prompt_of(tmp_path, str(own)).text == "Which bird?"
    assert prompt_of(tmp_path / "nowhere").name == "think"


def test_the_picture_budget_is_that_of_the_saved_processor(tmp_path: Path) -> None:
    assert picture_budget(tmp_path) is None
    assert picture_budget(BASE) == (7056, 7056)
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"shortest_edge": 28, "longest_edge": 56}}')
    assert picture_budget(tmp_path) == (28, 56)


@pytest.mark.parametrize("kind", ["adapter", "whole model", "adapter whose base is gone", "adapter that names none"])
def test_the_picture_tokens_are_those_of_the_base(tmp_path: Path, capsys: Any, kind: str) -> None:
    (tmp_path / "final").mkdir()
    named = {"adapter": str(BASE), "adapter whose base is gone": str(tmp_path / "gone")}
    if kind == "whole model":
        (tmp_path / "final" / "config.json").write_bytes((BASE / "config.json").read_bytes())
    else:
        config = {"base_model_name_or_path": named.get(kind)}
        (tmp_path / "final" / "adapter_config.json").write_text(json.dumps(config))
    found = banned_of(Namespace(model=None, adapter=tmp_path / "final"))
    warned = "warning: picture tokens are not kept from being sampled" in capsys.readouterr().err
    assert (found, warned) == (((5, 6), False) if kind in ("adapter", "whole model") else ((), True))


def test_a_base_without_picture_tokens_is_not_started(tmp_path: Path) -> None:
    assert banned_of(Namespace(model=str(BASE), adapter=None)) == (5, 6)
    with pytest.raises(RlfgError, match=r"config.json, which names the picture tokens, cannot be read"):
        banned_of(Namespace(model=str(tmp_path), adapter=None))
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(RlfgError, match="names no picture tokens"):
        banned_of(Namespace(model=str(tmp_path), adapter=None))

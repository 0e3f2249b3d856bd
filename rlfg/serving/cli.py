"""`rlfg server`: vLLM's own server, in the foreground."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError


def add_server(commands: Any) -> None:
    """Add `server` to the command line."""
    parser = commands.add_parser("server", help="vLLM's OpenAI-compatible server, until Ctrl-C")
    parser.add_argument("--model", required=True, help="a local folder or a hub id")
    parser.add_argument("--name", help="what requests call it; by default as --model says")
    parser.add_argument(
        "--adapter",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="a LoRA, by the name that requests call it; may be repeated",
    )
    parser.add_argument("--runtime-adapters", action="store_true", help="also take adapters while running (rollouts)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="0: any free one (8000)")
    parser.add_argument("--log", type=Path, help="file for the server's output; by default it is shown")
    parser.add_argument("args", nargs="*", metavar="-- VLLM OPTIONS", help="--max-model-len 4096 …")
    parser.set_defaults(run=_run)


def _stop(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def _run(args: argparse.Namespace) -> int:
    from rlfg.serving import ServerSpec, VllmServer

    adapters = dict(adapter.partition("=")[::2] for adapter in args.adapter)
    if not all(adapters.values()):
        raise RlfgError("--adapter is written NAME=FOLDER")
    spec = ServerSpec(
        model=args.model,
        name=args.name,
        adapters=adapters,
        runtime_adapters=args.runtime_adapters,
        host=args.host,
        port=args.port,
        args=tuple(args.args),
    )
    # SIGTERM stops vLLM first and then this process, as Ctrl-C does.
    signal.signal(signal.SIGTERM, _stop)
    try:
        with VllmServer(spec, log=args.log) as server:
            print(f"{', '.join([spec.served_name, *adapters])} at {server.url}", flush=True)
            server.wait()
            server.check()
    except KeyboardInterrupt:
        return 130
    return 0

"""One vLLM server as a context manager: up and healthy inside, gone without a trace afterwards."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from rlfg.errors import RlfgError
from rlfg.serving import keeper
from rlfg.serving.failure import telling_lines
from rlfg.serving.spec import ServerSpec, is_cpu_build, server_command, server_environment

LOOK_EVERY = 0.2
QUIET_PORTS = range(20_000, 32_768)
"""Below those that kernels hand out, by the thousand on a busy machine, while vLLM is still starting."""
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
"""Addresses to listen on, and where they are reached from this machine."""
INSTALL = (
    "vLLM is not installed. On a GPU: pip install 'rlfg[vllm]'. On a CPU (Linux, x86-64 or ARM): "
    "`make vllm` in a checkout of rlfg; docs/serving.md has the commands"
)


class VllmServer:
    """`with VllmServer(spec, log=path) as server:` requests go to `server.url`.

    The process that starts it owns it: when that process ends, however it ends, the server is stopped.
    """

    def __init__(self, spec: ServerSpec, *, log: Path | None, ready_within: float = 900, grace: float = 20) -> None:
        """Nothing is started yet.

        Args:
            spec: What to serve.
            log: File that the server's output is appended to; None: it goes where this process's does.
            ready_within: Seconds until it must be healthy; a large model is minutes in loading.
            grace: Seconds that a stop leaves it to end by itself.
        """
        self.spec, self.log = spec, log
        self.ready_within, self.grace = ready_within, grace
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def address(self) -> str:
        """The host it is reached at from this machine."""
        return WILDCARDS.get(self.spec.host, self.spec.host)

    @property
    def url(self) -> str:
        """The base URL of the OpenAI protocol."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}/v1"

    def __enter__(self) -> VllmServer:
        """Starts it and waits until it is healthy."""
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        self.stop()

    def start(self) -> None:
        """Starts the process; returns at once.

        Raises:
            RlfgError: vLLM is missing, or the port is taken.
        """
        if self._process is not None:
            raise RlfgError(f"this server runs already, at {self.url}")
        if find_spec("vllm") is None:
            raise RlfgError(INSTALL)
        self.port = claim_port(self.spec.host, self.spec.port)
        cpu = is_cpu_build()
        command = server_command(self.spec, port=self.port, cpu=cpu)
        kept = [sys.executable, "-I", "-S", keeper.__file__, str(os.getpid()), str(self.grace), *command]
        environment = server_environment(self.spec, os.environ, cpu=cpu)
        if self.log is None:
            self._process = subprocess.Popen(kept, stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                kept, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
            )

    def wait_ready(self) -> None:
        """Returns when /health answers.

        Raises:
            RlfgError: The server died or is not healthy within the limit; names the log and its telling lines.
        """
        limit = time.monotonic() + self.ready_within
        while True:
            self.check()
            if self.healthy():
                return
            if time.monotonic() > limit:
                self.stop()
                raise RlfgError(self._failure(f"is not healthy after {self.ready_within:g} s"))
            time.sleep(LOOK_EVERY)

    def healthy(self) -> bool:
        """Whether /health answers now. No proxy is asked, whatever the environment says."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def check(self) -> None:
        """Returns if the process runs.

        Raises:
            RlfgError: It has ended; names the log and its telling lines.
        """
        if self._process is None:
            raise RlfgError("this server was not started")
        status = self._process.poll()
        if status is not None:
            how = f"signal {signal.Signals(status - 128).name}" if status > 128 else f"status {status}"
            raise RlfgError(self._failure(f"has ended ({how})"))

    def wait(self) -> None:
        """Blocks until the server ends by itself."""
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """Ends it and all its processes; returns when they are gone. Does nothing if it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait()

    def _failure(self, what: str) -> str:
        said = f"the vLLM server of {self.spec.model} {what}"
        if self.log is None:
            return f"{said}; its output is above"
        lines = telling_lines(self.log, start=self._log_start)
        return f"{said}; log: {self.log}" + (f": {' | '.join(lines)}" if lines else " (empty)")


def claim_port(host: str, port: int) -> int:
    """The port; for 0 a free one of those that no kernel gives to a program that asks for any.

    It is not held: another process may still take it before the server does.

    Raises:
        RlfgError: It is taken, or the host is not this machine's. Without this check the other server's /health would
            be taken for the new one's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason: object = None
    for one in [port] if port else random.SystemRandom().sample(QUIET_PORTS, 20):
        try:
            socket.create_server((host, one), family=family).close()
        except OSError as error:
            reason = error.strerror or error
        else:
            return one
    raise RlfgError(f"server: cannot listen on {host} port {port}: {reason}")

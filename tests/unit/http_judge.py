"""A judge over real HTTP whose verdicts are known, and which can fail in every way a server can."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = (
    "500", "429", "429 with a date", "400", "close", "time-out", "trickle", "truncated body", "invalid JSON",
    "cut at the token limit", "another label", "too many labels", "no labels", "no choices",
)  # fmt: skip
LABELS = ("SPECIFIC", "LESS_SPECIFIC", "GENERIC", "WRONG", "ABSTAIN", "MORE_SPECIFIC")


def oracle(truth: str, answer: str) -> str:
    """The right label; any function of both will do."""
    return LABELS[sum(f"{truth}|{answer}".encode()) % len(LABELS)]


class HttpJudge:
    """An OpenAI-compatible endpoint on a free port; a context manager."""

    def __init__(
        self,
        *,
        label: Callable[[str, str], str] = oracle,
        fault: Callable[[], str | None] = lambda: None,
        port: int = 0,
        delay_s: float = 0.0,
    ) -> None:
        self.label, self.fault, self.delay_s = label, fault, delay_s
        self.requests = 0
        self.asked: Counter[tuple[str, str]] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> HttpJudge:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        """A right reply."""
        pairs = json.loads(body["messages"][-1]["content"])
        labels = [self.label(pairs["truth"], answer) for answer in pairs["answers"]]
        with self._lock:
            self.asked.update((pairs["truth"], answer) for answer in pairs["answers"])
            self.bodies.append(body)
        return _completion({"reasons": ["because"] * len(labels), "labels": labels})


def at_random(rate: float, seed: int = 0) -> Callable[[], str | None]:
    """Every kind of fault, in this share of the requests."""
    draw, lock = random.Random(seed), threading.Lock()

    def fault() -> str | None:
        with lock:
            return draw.choice(FAULTS) if draw.random() < rate else None

    return fault


def _completion(content: Any, finish: str = "stop") -> dict[str, Any]:
    text = content if isinstance(content, str) else json.dumps(content)
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]}


class _Server(ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Clients that give up are part of the game."""


def _handler(judge: HttpJudge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with judge._lock:
                judge.requests += 1
            time.sleep(judge.delay_s)
            self.fail(judge.fault(), body)

        def fail(self, fault: str | None, body: dict[str, Any]) -> None:
            good = judge.reply(body)
            labels = json.loads(good["choices"][0]["message"]["content"])["labels"]
            text = json.dumps(good)
            if fault is None:
                self.send(200, text)
            elif fault in ("500", "400"):
                self.send(int(fault), '{"error": "injected"}')
            elif fault == "429":
                self.send(429, "{}", {"Retry-After": "0.05"})
            elif fault == "429 with a date":
                self.send(429, "{}", {"Retry-After": self.date_time_string(time.time())})
            elif fault == "close":
                self.close_connection = True
                self.connection.close()
            elif fault == "time-out":
                time.sleep(1.5)
                self.send(200, text)
            elif fault == "trickle":
                self.trickle(text)
            elif fault == "truncated body":
                self.send(200, text, {"Content-Length": str(len(text) + 50)})
                self.close_connection = True
            elif fault == "invalid JSON":
                self.send(200, json.dumps(_completion('{"labels": ["SPECIFIC"')))
            elif fault == "cut at the token limit":
                self.send(200, json.dumps(_completion({"labels": ["WRONG"] * len(labels)}, "length")))
            elif fault == "another label":
                self.send(200, json.dumps(_completion({"labels": ["PERFECT"] * len(labels)})))
            elif fault == "too many labels":
                self.send(200, json.dumps(_completion({"labels": [*labels, "SPECIFIC"]})))
            elif fault == "no labels":
                self.send(200, json.dumps(_completion("I think it is specific.")))
            else:
                self.send(200, '{"choices": []}')

        def trickle(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            for char in text[:40]:
                self.wfile.write(char.encode())
                self.wfile.flush()
                time.sleep(0.05)

        def send(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(text))} | (headers or {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Silent."""

    return Handler

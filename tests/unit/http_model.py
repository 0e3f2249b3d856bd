"""A vision-language model over real HTTP who follows a script, and fails when it says so."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from http_judge import HttpJudge, _Server


class HttpModel(HttpJudge):
    """An OpenAI-compatible endpoint on a free port; a context manager.

    `script(text, urls, time)` is what is said to a question with these pictures the first time (0), the second …: a
    text, None for a choice without any, or a number, the HTTP status of a refusal.
    """

    def __init__(self, script: Callable[[str, list[str], int], str | int | None], *, most_choices: int = 99) -> None:
        self.script, self.most_choices = script, most_choices
        self.asked: Counter[Any] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def said(self, body: dict[str, Any]) -> list[str | int | None]:
        *pictures, last = body["messages"][0]["content"]
        urls = [part["image_url"]["url"] for part in pictures]
        with self._lock:
            self.bodies.append(body)
            times = []
            for _ in range(min(body.get("n", 1), self.most_choices)):
                times.append(self.asked[last["text"], *urls])
                self.asked[last["text"], *urls] += 1
        return [self.script(last["text"], urls, time) for time in times]


def _handler(model: HttpModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            said = model.said(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            refused = next((status for status in said if isinstance(status, int)), None)
            choices = [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} for text in said]
            usage = {"prompt_tokens": 100, "completion_tokens": 10 * len(said)}
            text = json.dumps({"choices": choices, "usage": usage})
            self.send_response(refused or 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Silent."""

    return Handler

"""A teacher over real HTTP who follows a script: what it says of each picture, the first time, the second …"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANALYSIS = """\
The bird stands on a rock beside the water. Its back and wings are pale, the head and the breast are white, and
the wing tips are dark with small white spots. The bill is yellow and has a red spot near the tip, and the legs
are pink. The body is large and heavy, and the eye looks pale from this distance."""
COMPARISON = """\
The first of the candidates has a heavier bill, and that is what can be seen here as well. The second is more
slender, and its legs are of another colour than those of this bird. The shape of the head and the pattern of
the wings do not fit it, while they are as they should be for the first one."""


def lesson(label: str, other: str, **changes: Any) -> dict[str, Any]:
    said = {"visual_analysis": ANALYSIS, "candidates": [label, other], "comparison": COMPARISON, "prediction": label}
    return {**said, **changes}


class HttpTeacher:
    """An OpenAI-compatible endpoint on a free port; a context manager.

    `script(label, time)` gives what is said of a label the first time (0), the second …: a lesson, a text, or what
    goes wrong: "500", "400", "silence" (until the teacher leaves), "hang up" or "no chat".
    """

    def __init__(self, script: Callable[[str, int], Any], *, delay_s: float = 0.0) -> None:
        self.script, self.delay_s = script, delay_s
        self.asked: Counter[str] = Counter()
        self.texts: list[str] = []
        self.lock = threading.Lock()
        self.left = threading.Event()
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def __enter__(self) -> HttpTeacher:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.left.set()
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 256


def _handler(teacher: HttpTeacher) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = body["messages"][0]["content"][1]["text"]
            found = re.search(r"the picture shows ([^.]+)\.", text)
            assert found is not None and body["response_format"]["type"] == "json_schema"
            label = found[1]
            with teacher.lock:
                time_of_asking = teacher.asked[label]
                teacher.asked[label] += 1
                teacher.texts.append(text)
            said = teacher.script(label, time_of_asking)
            time.sleep(teacher.delay_s)
            if said in ("500", "400"):
                self.send(int(said), "{}")
                return
            if said == "silence":
                teacher.left.wait()
            if said in ("silence", "hang up"):
                self.close_connection = True
                return
            if said == "no chat":
                self.send(200, "<html>")
                return
            content = said if isinstance(said, str) else json.dumps(said)
            finish = "length" if content.startswith("cut") else "stop"
            choice = {"message": {"role": "assistant", "content": content}, "finish_reason": finish}
            self.send(200, json.dumps({"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}}))

        def send(self, status: int, text: str) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())
            except OSError:
                pass  # whoever asked has left

        def log_message(self, *_: object) -> None:
            """Silent."""

    return Handler

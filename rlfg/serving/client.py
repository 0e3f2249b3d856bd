"""A client of the classification API; nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import os
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rlfg.errors import RlfgError

BUSY = (429, 503)
"""Statuses after which the same request may succeed."""
LONGEST_ASKED_S = 60.0
"""Of the seconds that a server asks to wait, heeded at most."""


class ApiRefusal(RlfgError):
    """What the server said instead of an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Client:
    """Asks a gateway of `rlfg serve`. Threads may share it: each request has a connection of its own."""

    url: str = "http://127.0.0.1:8080"
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 180.0
    attempts: int = 5
    """For a gateway that is busy, not there yet, or gone."""

    def classify(
        self, picture: str | Path | bytes, *, samples: int | None = None, question: str | None = None
    ) -> dict[str, Any]:
        """The answer to a picture, as docs/classification-api.md has it.

        Args:
            picture: a file, or its bytes.
            samples: answers to draw; by default the server's number.
            question: in place of the server's prompt.

        Raises:
            ApiRefusal: The server refuses; why.
            RlfgError: The file cannot be read, or the server is not there.
        """
        fields = {"samples": samples, "question": question}
        parts = {name: str(value).encode() for name, value in fields.items() if value is not None}
        body, kind = _form(_bytes(picture), parts)
        return self._ask("POST", "/v1/classify", body, {"Content-Type": kind})

    def ready(self) -> bool:
        """Whether gateway and engine can answer now."""
        try:
            return self._send("GET", "/ready", None, {})[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        for attempt in range(1, self.attempts + 1):
            wait = min(30.0, 0.5 * 2.0 ** (attempt - 1))
            try:
                status, data, asked = self._send(method, path, body, headers)
            except (OSError, http.client.HTTPException) as error:
                if attempt == self.attempts:
                    raise RlfgError(f"{self.url}: no answer ({type(error).__name__}: {error})") from error
            else:
                if status == 200:
                    return self._answer(data)
                if status not in BUSY or attempt == self.attempts:
                    raise ApiRefusal(status, _message(status, data))
                wait = max(wait, asked)
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _answer(self, data: bytes) -> dict[str, Any]:
        try:
            found = json.loads(data)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise RlfgError(f"{self.url}: the answer is no JSON object; is it the address of `rlfg serve`?")
        return found

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes, float]:
        """Status, body, and the seconds it asks to wait."""
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise RlfgError(f"{self.url!r} is no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RlfgError(f"{self.url!r} is no URL of a gateway; it starts with http:// or https://")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, port, timeout=self.timeout_s)
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        try:
            connection.request(method, parts.path.rstrip("/") + path, body, {**headers, **key})
            reply = connection.getresponse()
            after = reply.headers.get("Retry-After", "")
            asked = min(float(after), LONGEST_ASKED_S) if after.isascii() and after.isdigit() else 0.0
            return reply.status, reply.read(), asked
        finally:
            connection.close()


def key_of(variable: str | None) -> str | None:
    """The key in an environment variable; None where no variable is named.

    Raises:
        RlfgError: It is not set.
    """
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise RlfgError(f"the environment variable {variable} is not set; it holds the key")
    return key


def _bytes(picture: str | Path | bytes) -> bytes:
    if isinstance(picture, bytes):
        return picture
    try:
        return Path(picture).read_bytes()
    except OSError as error:
        raise RlfgError(f"{picture}: cannot be read: {error.strerror or error}") from error


def _form(picture: bytes, fields: dict[str, bytes]) -> tuple[bytes, str]:
    """A multipart form and its content type."""
    edge = uuid.uuid4().hex.encode()
    parts = [
        b'Content-Disposition: form-data; name="image"; filename="picture"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + picture
    ]
    parts += [f'Content-Disposition: form-data; name="{n}"\r\n\r\n'.encode() + value for n, value in fields.items()]
    body = b"".join(b"--" + edge + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + edge + b"--\r\n"
    return body, f"multipart/form-data; boundary={edge.decode()}"


def _message(status: int, data: bytes) -> str:
    try:
        return str(json.loads(data)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return f"the server answered with status {status}"

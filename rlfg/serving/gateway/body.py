"""Reads what a client asks: a form with files, or JSON; within limits of size and time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from rlfg.serving.gateway.base64_text import decode
from rlfg.serving.gateway.errors import ApiError
from rlfg.serving.gateway.fetch import Room
from rlfg.serving.gateway.spec import Limits

Source = bytes | str | ApiError
"""A picture's bytes, its URL, or what is wrong with it."""
CHUNK = 1 << 16
BROKEN = (ValueError, RuntimeError, AssertionError, LookupError, aiohttp.ClientError, HttpProcessingError)
"""What aiohttp's reader of forms raises."""
LARGE = 1 << 18
"""Bytes of JSON or base64 from which on their reading would be felt by other requests."""
MARKS = 10_000
"""Most commas and opening brackets in JSON; a request needs some hundreds. 20 MB of them would hold the interpreter's
lock for a second, and half a gigabyte."""


@dataclass(kw_only=True)
class Asked:
    """One request to classify."""

    pictures: list[Source] = field(default_factory=list)
    room: Room
    samples: int
    question: str | None = None


async def read_asked(request: web.Request, limits: Limits, *, batch: bool) -> Asked:
    """What a request asks.

    Raises:
        ApiError: It is too large or slow, of no known kind, or a field is wrong; which one.
    """
    fields = await _read(request, limits)
    pictures = [await _source(picture, name) for name, picture in _pictures(fields, limits, batch=batch)]
    if not batch and isinstance(pictures[0], ApiError):
        raise pictures[0]
    return Asked(
        pictures=pictures,
        room=Room(limits.body_bytes),
        samples=_samples(fields.get("samples"), limits),
        question=_question(fields, limits),
    )


async def read_bytes(request: web.Request, limits: Limits) -> bytes:
    """The whole body.

    Raises:
        ApiError: 413 or 408.
    """
    _check_length(request, limits)
    parts, read = [], 0
    async with _in_time(limits):
        async for part in request.content.iter_chunked(CHUNK):
            read += len(part)
            if read > limits.body_bytes:
                raise _too_large(limits)
            parts.append(part)
    return b"".join(parts)


@asynccontextmanager
async def _in_time(limits: Limits) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(limits.read_timeout_s):
            yield
    except TimeoutError:
        message = f"the request did not come within {limits.read_timeout_s:g} s"
        raise ApiError(408, message, headers={"Connection": "close"}) from None
    except web.RequestPayloadError as error:
        raise ApiError(400, f"the request's body is broken ({error})") from error


def _check_length(request: web.Request, limits: Limits) -> None:
    if request.content_length is not None and request.content_length > limits.body_bytes:
        raise _too_large(limits)


def _too_large(limits: Limits) -> ApiError:
    return ApiError(413, f"the request is larger than {limits.body_bytes:,} bytes")


async def _read(request: web.Request, limits: Limits) -> dict[str, Any]:
    kind = request.content_type
    if kind not in ("application/json", "multipart/form-data"):
        message = f"Content-Type is {kind!r}; send multipart/form-data with a file `image`, or application/json"
        raise ApiError(415, message)
    if kind == "multipart/form-data":
        return await _form(request, limits)
    data = await read_bytes(request, limits)
    if sum(map(data.count, (b",", b"[", b"{"))) > MARKS:
        raise ApiError(400, "the JSON has more values than any request to classify")
    try:
        fields = json.loads(data) if len(data) < LARGE else await asyncio.to_thread(json.loads, data)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"the body is no valid JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ApiError(400, "the body must be a JSON object")
    unknown = fields.keys() - {"image", "images", "samples", "question"}
    if unknown:
        raise ApiError(400, f"unknown field {min(unknown)!r}", param=min(unknown))
    return fields


async def _form(request: web.Request, limits: Limits) -> dict[str, Any]:
    """A form's fields; every file is in `images`."""
    _check_length(request, limits)
    fields: dict[str, Any] = {"images": []}
    try:
        async with _in_time(limits):
            async for part in await request.multipart():
                if not isinstance(part, aiohttp.BodyPartReader) or part.name not in ("image", "samples", "question"):
                    raise ApiError(400, f"unknown field {getattr(part, 'name', None)!r} in the form")
                if part.name in fields:
                    raise ApiError(400, f"{part.name} is in the form twice", param=part.name)
                if len(fields["images"]) == limits.batch and part.name == "image":
                    raise ApiError(413, f"more than {limits.batch} pictures in one request", param="image")
                value = await _part(part, request.content, limits)
                if part.name == "image":
                    fields["images"].append(value)
                else:
                    fields[part.name] = value.decode()
    except BROKEN as error:
        raise ApiError(400, f"the form is broken ({error or type(error).__name__})") from error
    return fields


async def _part(part: aiohttp.BodyPartReader, body: aiohttp.StreamReader, limits: Limits) -> bytes:
    """One field as it came; no transfer encoding is undone, for no client of today uses one."""
    chunks = []
    while chunk := await part.read_chunk(CHUNK):
        if body.total_bytes > limits.body_bytes:  # headers and boundaries included
            raise _too_large(limits)
        chunks.append(bytes(chunk))
    return b"".join(chunks)


def _pictures(fields: Mapping[str, Any], limits: Limits, *, batch: bool) -> list[tuple[str, Any]]:
    files = fields.get("images", [])
    if "image" in fields and (batch or "images" in fields):
        raise ApiError(400, "`image` is for one picture, and `images`, a list, for several", param="image")
    if "image" in fields:
        return [("image", fields["image"])]
    if not isinstance(files, list) or not files or (not batch and len(files) > 1):
        wanted = "`image` fields in a form, or `images`, a list," if batch else "one `image`"
        raise ApiError(400, f"{wanted} wanted", param="images" if batch else "image")
    if len(files) > limits.batch:
        raise ApiError(413, f"{len(files)} pictures in one request; at most {limits.batch}", param="images")
    return [(f"images[{number}]" if batch else "image", file) for number, file in enumerate(files)]


async def _source(value: Any, name: str) -> Source:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict) and len(value) == 1:
        (key, text), *_ = value.items()
        if isinstance(text, str) and key == "url":
            return text
        if isinstance(text, str) and key == "base64":
            return await _decoded(text, name)
    return ApiError(400, f'{name} must be {{"base64": "…"}} or {{"url": "…"}}', param=name)


async def _decoded(text: str, name: str) -> Source:
    try:
        return decode(text) if len(text) < LARGE else await asyncio.to_thread(decode, text)
    except ValueError as error:
        return ApiError(400, f"{name}.base64 is no valid base64: {error}", param=name)


def _samples(value: Any, limits: Limits) -> int:
    if value is None:
        return limits.samples
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= limits.samples:
        raise ApiError(400, f"samples must be a whole number from 1 to {limits.samples}", param="samples")
    return value


def _question(fields: Mapping[str, Any], limits: Limits) -> str | None:
    question = fields.get("question")
    if question is None:
        return None
    if not isinstance(question, str) or not question.strip() or len(question) > limits.question_characters:
        message = f"question must be a text of at most {limits.question_characters} characters"
        raise ApiError(400, message, param="question")
    return question

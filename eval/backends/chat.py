"""Any model behind an OpenAI-compatible chat endpoint: a vLLM server, or a vendor's."""

from __future__ import annotations

import asyncio
import io
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

from PIL import Image

from eval.backends.backend import Asked, Tell
from eval.protocols.item import Question, Reply, Usage
from rlfg.chat import ChatClient, ChatFailure, Endpoint
from rlfg.data import ImageError
from rlfg.data.images import data_url, png_url
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.read_json import loads
from rlfg.rollouts.sampling import Sampling

NO_ANSWER = 32
"""Questions that may fail before the first answer."""


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a million tokens cost, in any currency."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The cost of so many."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


@dataclass(frozen=True, kw_only=True)
class ChatSpec:
    """A model at an endpoint."""

    endpoint: Endpoint
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of a request, over ours; null takes one of ours away, as `{n: null, seed: null}` where an endpoint
    knows neither, or `{max_tokens: null, max_completion_tokens: 2048}`."""
    max_side: int | None = None
    """Pictures are scaled down to this many pixels on their longer side."""
    jpeg_quality: int | None = None
    """Send pictures as JPEG of this quality; by default as PNG, without loss."""
    prices: Prices = field(default_factory=Prices)

    def __post_init__(self) -> None:
        if self.max_side is not None and self.max_side < 1:
            raise RlfgError("max_side is a number of pixels, at least 1")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise RlfgError("jpeg_quality is 1 to 100")

    @property
    def settings(self) -> dict[str, Any]:
        """What answers depend on: not where, nor how patiently, the model is asked."""
        return {
            "model": self.endpoint.model,
            "extra": dict(self.extra),
            "max_side": self.max_side,
            "jpeg_quality": self.jpeg_quality,
        }


@final
class ChatBackend:
    """Asks many questions at once; each that fails, after its retries, fails alone."""

    rows = None

    def __init__(self, spec: ChatSpec, sampling: Sampling, *, seed: int) -> None:
        self.spec, self.sampling, self.seed = spec, sampling, seed

    def rows_of(self, question: Question) -> int:
        """Answers of it."""
        return question.samples

    def answer(self, asked: Sequence[Asked], tell: Tell) -> None:
        """Replies come as they come.

        Raises:
            RlfgError: A list of texts is to be ranked, which chat endpoints cannot.
        """
        if any(one.question.candidates for one in asked):
            raise RlfgError("a chat endpoint gives texts no log-probability; rank with backend.transformers or .clip")
        asyncio.run(self._all(asked, tell))

    async def _all(self, asked: Sequence[Asked], tell: Tell) -> None:
        waiting, outage = iter(range(len(asked))), _Outage(self.spec.endpoint)
        failed = Counter[Any]()  # attempts, by the task that asks one question after the other

        def on_attempt(reason: str | None) -> None:
            failed[asyncio.current_task()] += reason is not None

        async with ChatClient(self.spec.endpoint, on_attempt=on_attempt) as client:

            async def ask_on() -> None:
                for n in waiting:
                    before = failed[asyncio.current_task()]
                    reply = await self._one(client, asked[n])
                    again = Usage(failed_attempts=failed[asyncio.current_task()] - before)
                    tell(n, replace(reply, usage=reply.usage + again))
                    outage.note(reply)

            workers = min(self.spec.endpoint.max_concurrency, len(asked))
            tasks = [asyncio.create_task(ask_on()) for _ in range(workers)]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()

    async def _one(self, client: ChatClient, asked: Asked) -> Reply:
        """As many answers as are wanted, in as many requests as the endpoint makes of them."""
        began, texts = time.perf_counter(), list[str]()
        usage, wanted = Usage(), asked.question.samples
        try:
            content = await asyncio.to_thread(self._content, asked)
            while len(texts) < wanted:
                body = self._body(content, asked, have=len(texts))
                more, used = await client.reply(body, _read)
                texts += more[: wanted - len(texts)]
                usage = usage + used
        except ImageError as error:
            return Reply(error=str(error))
        except ChatFailure as failure:
            return Reply(error=failure.reason, usage=self._priced(usage, began))
        return Reply(texts=tuple(texts), usage=self._priced(usage, began))

    def _priced(self, usage: Usage, began: float) -> Usage:
        cost = self.spec.prices.of(usage.prompt_tokens, usage.completion_tokens)
        return usage + Usage(seconds=time.perf_counter() - began, cost=cost)

    def _body(self, content: list[dict[str, Any]], asked: Asked, *, have: int) -> dict[str, Any]:
        body = {
            "messages": [{"role": "user", "content": content}],
            "temperature": self.sampling.temperature,
            "top_p": self.sampling.top_p,
            "max_tokens": self.sampling.max_new_tokens,
            "n": asked.question.samples - have,
            "seed": int(generator(*asked.keys(self.seed)[have]).integers(1 << 31)),
            **self.spec.extra,
        }
        return {name: value for name, value in body.items() if value is not None}

    def _content(self, asked: Asked) -> list[dict[str, Any]]:
        pictures = [{"type": "image_url", "image_url": {"url": self._url(picture)}} for picture in asked.open()]
        return [*pictures, {"type": "text", "text": asked.question.text}]

    def _url(self, picture: Image.Image) -> str:
        side, quality = self.spec.max_side, self.spec.jpeg_quality
        if side is not None and max(picture.size) > side:
            picture = picture.copy()
            picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        if quality is None:
            return png_url(picture)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        return data_url(buffer.getvalue(), "image/jpeg")


class _Outage:
    """Ends a run that gets no answer at all: a wrong key or name would fail for every question alike."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.failed, self.answered = endpoint, 0, False

    def note(self, reply: Reply) -> None:
        """Takes a reply.

        Raises:
            RlfgError: `NO_ANSWER` questions failed, and none was answered.
        """
        self.answered |= reply.error is None
        self.failed += reply.error is not None
        if not self.answered and self.failed >= NO_ANSWER:
            raise RlfgError(f"{self.endpoint.base_url}: the first {self.failed} questions got no answer: {reply.error}")


def _read(text: str) -> tuple[list[str], Usage]:
    """The texts of a chat completion and what it took.

    A choice without text (a filter, or thoughts up to the token limit) is an empty answer: the model was asked, and
    said nothing.

    Raises:
        ValueError: It is no chat completion, or has no choice.
    """
    try:
        found = loads(text)
        texts = [_text(choice["message"].get("content")) for choice in found["choices"]]
        used = found.get("usage") or {}
        tokens = [int(used.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"not a chat completion ({error!r}): {text[:200]!r}") from None
    if not texts:
        raise ValueError(f"a chat completion without choices: {text[:200]!r}")
    return texts, Usage(prompt_tokens=tokens[0], completion_tokens=tokens[1])


def _text(content: Any) -> str:
    """Of a message: a text, or parts, of which those of text count; thoughts that come as a part of their own do not.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    if content is not None and not isinstance(content, str):
        raise TypeError("a choice whose content is no text")
    return content or ""

"""Rollouts from vLLM's own OpenAI-compatible server.

Each version of the policy has a name of its own there, that is sent with every request and comes back with every
answer. So an answer of another version cannot be taken for it, and vLLM, whose prefix cache goes by an adapter's name
and path, never mixes two versions. What the vision tower made of a picture goes by the picture and stays.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rlfg.chat import ChatClient, ChatFailure, Endpoint, Retry
from rlfg.rollouts.transformers_engine import Completion
from rlfg.rollouts.vllm.asking import Ask, EngineError, Manner, chat_messages, check_completions, check_prompt
from rlfg.rollouts.vllm.process import NEVER
from rlfg.rollouts.vllm.spec import VllmSpec

MOST_BYTES = 1 << 30
"""Of a reply with log-probabilities: about a hundred bytes a token, of all completions of a prompt."""


class ServerEngine:
    """A server that takes adapters while it runs; one event loop for each set of requests."""

    def __init__(self, spec: VllmSpec) -> None:
        self.spec = spec
        self.endpoint = Endpoint(
            model="",
            base_url=spec.url,
            api_key_env=spec.api_key_env,
            max_concurrency=spec.concurrency,
            timeout_s=spec.timeout_s,
            retry=Retry(attempts=4),
        )
        self.loaded: str | None = None

    def load(self, name: str, folder: Path) -> None:
        """Has the server load an adapter, and forget the one before.

        Raises:
            EngineError: It is not there, or refuses.
        """
        self._post("load_lora_adapter", {"lora_name": name, "lora_path": str(folder.resolve())}, "to load")
        before, self.loaded = self.loaded, name
        if before is not None:
            self._post("unload_lora_adapter", {"lora_name": before}, "to forget")

    def sample(self, name: str, asks: Sequence[Ask], manner: Manner) -> list[list[Completion]]:
        """Completions of each prompt by the policy `name`, each prompt submitted once.

        Raises:
            EngineError: A prompt got no answer, or not the one that was asked for.
        """
        return asyncio.run(self._sample(name, asks, manner))

    def close(self) -> None:
        """Has the server forget the adapter, where it is still there."""
        if self.loaded is not None:
            name, self.loaded = self.loaded, None
            with suppress(EngineError):  # the server went first
                self._post("unload_lora_adapter", {"lora_name": name}, "to forget")

    def sleep(self) -> None:
        """A server has its own memory."""

    async def _sample(self, name: str, asks: Sequence[Ask], manner: Manner) -> list[list[Completion]]:
        gate = asyncio.Semaphore(self.spec.concurrency)
        async with ChatClient(self.endpoint, most_bytes=MOST_BYTES) as client:

            async def one(ask: Ask) -> list[Completion]:
                async with gate:
                    body = {"model": name, "messages": chat_messages(ask), **request_options(ask, manner)}
                    try:
                        reply = await client.reply(body, _reply)
                    except ChatFailure as failure:
                        raise EngineError(f"{self.spec.url}: no rollouts of {name}: {failure.reason}") from failure
                return read_reply(reply, name, ask, manner)

            return list(await asyncio.gather(*map(one, asks)))

    def _post(self, route: str, body: dict[str, Any], what: str) -> None:
        async def post() -> None:
            async with ChatClient(self.endpoint) as client:
                await client.post(route, body)

        try:
            asyncio.run(post())
        except ChatFailure as failure:
            raise EngineError(
                f"{self.spec.url} was asked {what} {body['lora_name']} and did not: {failure.reason}. Is it vLLM, "
                "started by `rlfg server --runtime-adapters`, and does it see the folder?"
            ) from failure


def request_options(ask: Ask, manner: Manner) -> dict[str, Any]:
    """What a chat request has besides model and messages."""
    return {
        **manner.parameters(ask),
        "logit_bias": {str(token): NEVER for token in manner.banned_ids},
        "logprobs": True,
        "return_token_ids": True,
    }


def read_reply(reply: dict[str, Any], name: str, ask: Ask, manner: Manner) -> list[Completion]:
    """The completions of a reply.

    Raises:
        EngineError: It is of another policy, or holds not what was asked for.
    """
    if reply.get("model") != name:
        raise EngineError(f"rollouts were asked of {name}, and came from {reply.get('model')}")
    check_prompt(ask, reply.get("prompt_token_ids"))
    try:
        found = [
            Completion(
                token_ids=tuple(choice["token_ids"]),
                logps=tuple(token["logprob"] for token in choice["logprobs"]["content"]),
                finish_reason=choice["finish_reason"],
            )
            for choice in sorted(reply["choices"], key=lambda choice: choice["index"])
        ]
    except (LookupError, TypeError) as error:
        raise EngineError(f"an answer of {name} lacks {error}: is the server vLLM 0.22 or newer?") from error
    check_completions(ask, found, manner.banned_ids)
    return found


def _reply(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found

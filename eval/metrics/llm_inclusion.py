"""LLM inclusion: a language model says whether the answer names the truth, 1 or 0 (lmms-owc, ICCV 2025).

Their judge is Llama-3.2-3B-Instruct, greedy, and what it says besides "1" and "0" counts as 0. Here a reply that
cannot be read is asked for again, and a pair without a verdict in the end is in neither numerator nor denominator. A
judge can be talked to by the answer, prefers long answers, and pays lists.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from rewards.checks import require_count
from rewards.judge.outage import JudgeDown, Outage
from rewards.judge.prompt import canonical, cap
from rlfg.chat import ChatClient, ChatFailure, Endpoint
from rlfg.errors import RlfgError

_PROMPTS = resources.files("eval.metrics") / "prompts"


@dataclass(frozen=True, kw_only=True)
class LlmInclusionSpec:
    """Who is asked, and how."""

    endpoint: Endpoint
    prompt: str = "llm_inclusion"
    """Name of a prompt that comes with the package, or a .txt file."""
    max_answer_chars: int = 2000
    """Longer answers are cut there, and marked so."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request."""
    down_s: float = 120.0
    """When nothing usable has come back for so long, no more is asked."""

    def __post_init__(self) -> None:
        """Refuse values out of range, and prompts that are not there."""
        require_count("max_answer_chars", self.max_answer_chars, least=1)
        load_prompt(self.prompt)


def load_prompt(name: str) -> str:
    """The text of a prompt.

    Raises:
        RlfgError: There is none.
    """
    path = Path(name) if name.endswith(".txt") else _PROMPTS / f"{name}.txt"
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise RlfgError(f"prompt {name!r}: {error.strerror}; give a .txt file") from error


def ask_inclusion(spec: LlmInclusionSpec, pairs: Sequence[tuple[str, str]]) -> list[bool | str]:
    """Whether each (answer, truth) is an inclusion; the reason where there is no verdict; asks equal pairs once."""
    distinct = list(dict.fromkeys((cap(canonical(a), spec.max_answer_chars), canonical(t)) for a, t in pairs))
    said = dict(zip(distinct, asyncio.run(_ask_all(spec, distinct)), strict=True)) if distinct else {}
    return [said[cap(canonical(a), spec.max_answer_chars), canonical(t)] for a, t in pairs]


async def _ask_all(spec: LlmInclusionSpec, pairs: Sequence[tuple[str, str]]) -> list[bool | str]:
    outage = Outage(f"{spec.endpoint.base_url} ({spec.endpoint.model})", spec.down_s)
    slots = asyncio.Semaphore(spec.endpoint.max_concurrency)
    down: list[str] = []
    system = load_prompt(spec.prompt)
    async with ChatClient(spec.endpoint, on_attempt=outage.note) as client:

        async def ask(pair: tuple[str, str]) -> bool | str:
            async with slots:
                if down:
                    return down[0]
                try:
                    return await client.ask(_body(spec, system, *pair), read_inclusion)
                except ChatFailure as failure:
                    return failure.reason
                except JudgeDown as error:
                    down.append(str(error))
                    return down[0]

        return list(await asyncio.gather(*map(ask, pairs)))


def read_inclusion(text: str) -> bool:
    """The reply "1" or "0", also quoted or with a full stop.

    Raises:
        ValueError: It is neither.
    """
    said = text.strip().strip("\"'`. ")
    if said not in ("0", "1"):
        raise ValueError(f'neither "1" nor "0": {text[:60]!r}')
    return said == "1"


def _body(spec: LlmInclusionSpec, system: str, answer: str, truth: str) -> dict[str, Any]:
    """The pair as JSON strings, which an answer cannot break out of."""
    content = json.dumps({"answer": answer, "truth": truth}, ensure_ascii=False)
    messages = [{"role": "system", "content": system}, {"role": "user", "content": content}]
    return {"messages": messages, "temperature": 0, "max_tokens": 16, **spec.extra}

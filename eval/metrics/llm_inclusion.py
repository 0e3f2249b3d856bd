"""LLM inclusion: a language model says whether the answer names the truth, 1 or 0 (lmms-owc, ICCV 2025).

Their judge is Llama-3.2-3B-Instruct, greedy, asked once; any reply but the bare "1" counts as 0. Here a reply that
cannot be read is asked for again, and a pair without a verdict in the end is in neither numerator nor denominator;
their rule is `Inclusion.as_published`. A judge can be talked to by the answer, prefers long answers, and pays lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.metrics.inclusion_prompt import is_template, load_prompt, messages
from rewards.cache import Cached, Question, VerdictCache
from rewards.checks import require_count
from rewards.judge.outage import JudgeDown, Outage
from rewards.judge.prompt import canonical, cap
from rlfg.chat import ChatClient, ChatFailure, Endpoint


@dataclass(frozen=True, kw_only=True)
class LlmInclusionSpec:
    """Who is asked, and how."""

    endpoint: Endpoint
    prompt: str = "llm_inclusion"
    """Name of a prompt that comes with the package, or a .txt file; see `eval.metrics.inclusion_prompt`."""
    max_answer_chars: int = 2000
    """Longer answers are cut there, and marked so; never where the prompt has placeholders."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request."""
    revision: str = ""
    """Tells apart models that are served under one name; a part of every verdict's key."""
    cache: str = "runs/verdicts.sqlite"
    """Where verdicts are kept, the judge's among them; a pair that is there is not asked again."""
    down_s: float = 120.0
    """When nothing usable has come back for so long, no more is asked."""

    def __post_init__(self) -> None:
        """Refuse values out of range, and prompts that are not there."""
        require_count("max_answer_chars", self.max_answer_chars, least=1)
        load_prompt(self.prompt)

    @property
    def verbatim(self) -> bool:
        """Texts are sent as they stand, and not in the form that ignores case and cuts long ones."""
        return is_template(load_prompt(self.prompt))

    def settings(self) -> dict[str, Any]:
        """Everything but the pair that decides a verdict."""
        return {
            "metric": "llm_inclusion",
            "model": self.endpoint.model,
            "revision": self.revision,
            "prompt": load_prompt(self.prompt),
            "max_answer_chars": self.max_answer_chars,
            "extra": dict(self.extra),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Inclusion:
    """What was said of one pair."""

    verdict: bool | None = None
    """None where there is none."""
    reply: str = ""
    """The first reply, as it stood."""
    reason: str = ""
    """Why there is no verdict."""

    @property
    def as_published(self) -> bool:
        """The authors' rule: the first reply is "1" and nothing else."""
        return self.reply == "1"


def ask_inclusion(spec: LlmInclusionSpec, pairs: Sequence[tuple[str, str]]) -> list[Inclusion]:
    """Whether each (answer, truth) is an inclusion; equal pairs are asked once, and known ones not at all.

    Raises:
        RlfgError: The cache cannot be used.
    """
    with VerdictCache(spec.cache) as cache:
        setting, verbatim = cache.describe(spec.settings()), spec.verbatim

        def question(answer: str, truth: str) -> Question:
            if verbatim:
                return Question(setting, truth, answer)
            return Question(setting, canonical(truth), cap(canonical(answer), spec.max_answer_chars))

        questions = [question(*pair) for pair in pairs]
        found = {q: _remembered(cached) for q, cached in cache.get(questions).items()}
        left = [q for q in dict.fromkeys(questions) if q not in found]
        if left:
            found |= zip(left, asyncio.run(_ask_all(spec, cache, left)), strict=True)
    return [found[q] for q in questions]


async def _ask_all(spec: LlmInclusionSpec, cache: VerdictCache, questions: Sequence[Question]) -> list[Inclusion]:
    outage = Outage(f"{spec.endpoint.base_url} ({spec.endpoint.model})", spec.down_s)
    slots = asyncio.Semaphore(spec.endpoint.max_concurrency)
    down: list[Inclusion] = []
    prompt = load_prompt(spec.prompt)
    async with ChatClient(spec.endpoint, on_attempt=outage.note) as client:

        async def ask(question: Question) -> Inclusion:
            replies: list[str] = []

            def read(text: str) -> bool:
                replies.append(text)
                return read_inclusion(text)

            async with slots:
                if down:
                    return down[0]
                try:
                    said = await client.ask(_body(spec, prompt, question), read)
                except ChatFailure as failure:
                    return Inclusion(reply=replies[0] if replies else "", reason=failure.reason)
                except JudgeDown as error:
                    down.append(Inclusion(reason=str(error)))
                    return down[0]
            cache.put({question: Cached(str(int(said)), replies[0])})
            return Inclusion(verdict=said, reply=replies[0])

        return list(await asyncio.gather(*map(ask, questions)))


def read_inclusion(text: str) -> bool:
    """The reply "1" or "0", also quoted or with a full stop.

    Raises:
        ValueError: It is neither.
    """
    said = text.strip().strip("\"'`. ")
    if said not in ("0", "1"):
        raise ValueError(f'neither "1" nor "0": {text[:60]!r}')
    return said == "1"


def _remembered(cached: Cached) -> Inclusion:
    return Inclusion(verdict=cached.label == "1", reply=cached.reason)


def _body(spec: LlmInclusionSpec, prompt: str, question: Question) -> dict[str, Any]:
    asked = messages(prompt, question.answer, question.truth)
    return {"messages": asked, "temperature": 0, "max_tokens": 16, **spec.extra}

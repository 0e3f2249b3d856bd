"""The judge as a verifier: each pair is asked once, whoever asks, and a failing pair costs one verdict."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, final

from rewards.cache import Cached, Question, VerdictCache
from rewards.judge.outage import JudgeDown, Outage
from rewards.judge.prompt import canonical, cap, load_judge_prompt, messages, read_reply, response_format
from rewards.judge.spec import JudgeSpec
from rewards.judge.vote import majority
from rewards.verifier import Pair, unparsed
from rlfg.chat import ChatClient, ChatFailure
from rlfg.errors import RlfgError
from rlfg.taxonomy import normalize
from rlfg.types import Relation, Verdict

T = TypeVar("T")
_FIRST_POLL_S, _LONGEST_POLL_S = 0.02, 0.5
"""Between looks for a verdict that another process has claimed."""
_LATE = "past the deadline of the batch"
_TOKENS_PER_LABEL, _TOKENS_PER_REASON = 16, 120


@dataclass(slots=True)
class _Batch:
    """One call of `verify` under way."""

    cache: VerdictCache
    client: ChatClient
    decided: dict[Question, Cached] = field(default_factory=dict)
    failed: dict[Question, str] = field(default_factory=dict)


@final
class JudgeVerifier:
    """Asks a chat model how each answer stands to its truth; see `JudgeSpec`.

    Completions without an answer are UNPARSED and not asked. Equal pairs (case, white space and invisible
    characters apart) are asked once: within a batch, and, through the cache, by all processes that share it,
    now and later. A pair whose requests fail, or that is not decided by the deadline, has NO_VERDICT, with the
    reason; it is asked again when it is met again.
    """

    def __init__(self, spec: JudgeSpec, *, context: str = "") -> None:
        """A judge; `context` is what else decides the caller's verdicts, and so a part of every key."""
        self.spec = spec
        self.prompts = {name: load_judge_prompt(name) for name in spec.prompts}
        settings = [spec.settings(text, context) for text in self.prompts.values()]
        with VerdictCache(spec.cache) as cache:
            self._settings = dict(zip((cache.describe(setting) for setting in settings), self.prompts, strict=True))
        self.outage = Outage(f"{spec.endpoint.base_url} ({spec.endpoint.model})", spec.down_s)
        self.requests = 0
        """Attempts made so far."""

    def verify(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict for each pair, in order.

        Raises:
            JudgeDown: The judge gave no usable reply for `down_s` seconds.
        """
        asked = {pair: self._questions(*pair) for pair in dict.fromkeys(pairs) if pair[0] and normalize(pair[0])}
        questions = list(dict.fromkeys(question for found in asked.values() for question in found))
        decided, failed = _run(self._settle(questions)) if questions else ({}, {})
        verdicts = {pair: self._verdict(pair, asked.get(pair), decided, failed) for pair in dict.fromkeys(pairs)}
        return [verdicts[pair] for pair in pairs]

    def probe(self) -> None:
        """Asks one easy pair, past the cache, so that a run does not start with a judge that cannot answer.

        Raises:
            RlfgError: It cannot, and why.
        """
        question = Question(next(iter(self._settings)), "herring gull", "gull")

        async def ask() -> None:
            async with ChatClient(self.spec.endpoint) as client:
                await self._request(client, [question])

        try:
            _run(ask())
        except ChatFailure as failure:
            raise RlfgError(f"the judge at {self.outage.where} does not answer: {failure.reason}") from failure

    def _questions(self, answer: str | None, truth: str) -> list[Question]:
        """The pair as each phrasing asks it."""
        assert answer is not None
        asked = cap(canonical(answer), self.spec.max_answer_chars)
        return [Question(setting, canonical(truth), asked) for setting in self._settings]

    async def _settle(self, questions: list[Question]) -> tuple[dict[Question, Cached], dict[Question, str]]:
        """What is known or can be asked until the deadline, and why the rest is not."""
        with VerdictCache(self.spec.cache) as cache:
            known = cache.get(questions)
            left = [question for question in questions if question not in known]
            if not left:
                return known, {}
            async with ChatClient(self.spec.endpoint, on_attempt=self._note) as client:
                batch = _Batch(cache, client, decided=known)
                await self._ask_all(batch, left)
        return batch.decided, {q: batch.failed.get(q, _LATE) for q in left if q not in batch.decided}

    async def _ask_all(self, batch: _Batch, questions: list[Question]) -> None:
        slots = asyncio.Semaphore(self.spec.endpoint.max_concurrency)
        try:
            async with asyncio.timeout(self.spec.deadline_s), asyncio.TaskGroup() as group:
                for chunk in self._chunks(questions):
                    group.create_task(self._ask_chunk(batch, chunk, slots))
        except TimeoutError:
            pass
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    def _chunks(self, questions: list[Question]) -> list[list[Question]]:
        """Requests: answers to one truth under one phrasing; in an order that differs between processes."""
        together: dict[tuple[str, str], list[Question]] = defaultdict(list)
        for question in questions:
            together[question.setting, question.truth].append(question)
        size = self.spec.answers_per_request
        chunks = [found[i : i + size] for found in together.values() for i in range(0, len(found), size)]
        random.SystemRandom().shuffle(chunks)
        return chunks

    async def _ask_chunk(self, batch: _Batch, chunk: list[Question], slots: asyncio.Semaphore) -> None:
        """Asks what nobody else is asking, and waits for what others ask."""
        left, poll = chunk, _FIRST_POLL_S
        while left:
            async with slots:
                batch.decided |= batch.cache.get(left)
                left = [question for question in left if question not in batch.decided]
                mine = batch.cache.claim(left, seconds=self._claim_s) if left else []
                try:
                    await self._ask(batch, mine)
                finally:
                    batch.cache.release(mine)
                left = [question for question in left if question not in mine]
            if left:
                await asyncio.sleep(poll)
                poll = min(poll * 1.5, _LONGEST_POLL_S)

    async def _ask(self, batch: _Batch, questions: list[Question]) -> None:
        """One request; where several answers in one get no usable reply, one for each."""
        if not questions:
            return
        try:
            graded = await self._request(batch.client, questions)
        except ChatFailure as failure:
            if len(questions) == 1:
                batch.failed[questions[0]] = failure.reason
                return
            for question in questions:
                await self._ask(batch, [question])
            return
        verdicts = {q: Cached(relation, reason) for q, (relation, reason) in zip(questions, graded, strict=True)}
        batch.cache.put(verdicts)
        batch.decided |= verdicts

    async def _request(self, client: ChatClient, questions: list[Question]) -> list[tuple[Relation, str]]:
        spec, answers = self.spec, [question.answer for question in questions]
        prompt = self.prompts[self._settings[questions[0].setting]]
        reply_tokens = 20 + len(answers) * (_TOKENS_PER_LABEL + _TOKENS_PER_REASON * spec.explain)
        body = {
            "messages": messages(prompt, questions[0].truth, answers, quote=spec.quote),
            "temperature": 0,
            "max_tokens": spec.max_tokens or reply_tokens,
            **response_format(len(answers), structured=spec.structured, explain=spec.explain),
            **spec.extra,
        }
        return await client.ask(body, lambda text: read_reply(text, len(answers)))

    def _note(self, reason: str | None) -> None:
        self.requests += 1
        self.outage.note(reason)

    @property
    def _claim_s(self) -> float:
        """A claim outlives any request with its retries; claims of dead processes end at once on one machine."""
        endpoint = self.spec.endpoint
        return endpoint.retry.attempts * (endpoint.timeout_s + endpoint.retry.longest_wait_s)

    def _verdict(
        self,
        pair: Pair,
        questions: list[Question] | None,
        decided: Mapping[Question, Cached],
        failed: Mapping[Question, str],
    ) -> Verdict:
        answer, truth = pair
        if questions is None:
            return unparsed(answer, truth)
        votes = {self._settings[q.setting]: decided[q] for q in questions if q in decided}
        relation = majority([vote.relation for vote in votes.values()], of=len(questions))
        if relation is None:
            why = next(failed[q] for q in questions if q in failed)
            return Verdict(relation=None, answer=answer, truth=truth, source="judge", reason=f"no verdict: {why}")
        return Verdict(relation=relation, answer=answer, truth=truth, source="judge", reason=self._say(relation, votes))

    def _say(self, relation: Relation, votes: Mapping[str, Cached]) -> str:
        """Who said what, and the reason given by a phrasing that agrees."""
        model, given = self.spec.endpoint.model, next((v.reason for v in votes.values() if v.relation is relation), "")
        said = f"{model} says {relation.value}"
        if len(votes) > 1:
            said += f" ({', '.join(f'{name}: {vote.relation.value}' for name, vote in votes.items())})"
        return f"{said}: {given}" if given else said


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of what went wrong at once: the outage where it is one, else the first."""
    found = list(errors.exceptions)
    return next((error for error in found if isinstance(error, JudgeDown)), found[0])


def _run(work: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; in a thread of its own where a loop already runs (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()

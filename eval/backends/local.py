"""A transformers model in this process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import final

from eval.backends.backend import Asked, Tell
from eval.protocols.item import Question, Reply, Usage
from rlfg.data import ImageError
from rlfg.models.prefix import language_model
from rlfg.models.prompts import EncodedPrompt, encode_prompt
from rlfg.rollouts.local import LocalModel
from rlfg.rollouts.ranking import rank_texts
from rlfg.rollouts.sampling import Sampling


@final
class LocalBackend:
    """Generates answers, and gives any text its log-probability."""

    def __init__(self, local: LocalModel, sampling: Sampling, *, seed: int, rows: int) -> None:
        self.local = local
        self.sampling, self.seed, self.rows = sampling, seed, rows
        self._without_pictures: dict[Question, Reply] = {}

    def rows_of(self, question: Question) -> int:
        """Answers, or candidates, of it."""
        return max(question.samples, len(question.candidates))

    def answer(self, asked: Sequence[Asked], tell: Tell) -> None:
        """Each batch at once; a question without pictures is ranked once for all items that share it."""
        began = time.perf_counter()
        prompts: dict[int, EncodedPrompt] = {}
        for n, one in enumerate(asked):
            if one.question in self._without_pictures:
                tell(n, self._without_pictures[one.question])
                continue
            try:
                prompts[n] = encode_prompt(self.local.processor, [one.message], one.open())
            except ImageError as error:
                tell(n, Reply(error=str(error)))
        ranked = {n: p for n, p in prompts.items() if asked[n].question.candidates}
        generated = {n: p for n, p in prompts.items() if n not in ranked}
        replies = self._generate(asked, generated) | self._rank(asked, ranked)
        seconds = Usage(seconds=(time.perf_counter() - began) / max(1, len(replies)))
        for n, reply in replies.items():
            tell(n, replace(reply, usage=reply.usage + seconds))

    def _generate(self, asked: Sequence[Asked], prompts: dict[int, EncodedPrompt]) -> dict[int, Reply]:
        if not prompts:
            return {}
        keys = [asked[n].keys(self.seed) for n in prompts]
        found = self.local.engine.generate(list(prompts.values()), keys, self.sampling)
        decode = self.local.processor.tokenizer.decode
        return {
            n: Reply(
                texts=tuple(decode(c.token_ids, skip_special_tokens=True) for c in completions),
                usage=Usage(
                    prompt_tokens=len(prompts[n]), completion_tokens=sum(len(c.token_ids) for c in completions)
                ),
            )
            for n, completions in zip(prompts, found, strict=True)
        }

    def _rank(self, asked: Sequence[Asked], prompts: dict[int, EncodedPrompt]) -> dict[int, Reply]:
        if not prompts:
            return {}
        tokenizer = self.local.processor.tokenizer
        end = (tokenizer.eos_token_id,)  # without it "gull" is never less probable than "gull-billed tern"
        texts = {text for n in prompts for text in asked[n].question.candidates}
        ids = {text: (*tokenizer(text, add_special_tokens=False)["input_ids"], *end) for text in texts}
        rows = [[ids[text] for text in asked[n].question.candidates] for n in prompts]
        lm, pad = language_model(self.local.model), tokenizer.pad_token_id
        found = rank_texts(lm, list(prompts.values()), rows, pad_id=pad, max_rows=self.rows)
        replies = {}
        for n, logps, of_prompt in zip(prompts, found, rows, strict=True):
            tokens = tuple(map(len, of_prompt))
            usage = Usage(prompt_tokens=len(prompts[n]), completion_tokens=sum(tokens))
            replies[n] = Reply(logps=tuple(logps.tolist()), tokens=tokens, usage=usage)
            if not asked[n].question.pictures:
                self._without_pictures[asked[n].question] = replace(replies[n], usage=Usage())
        return replies

"""Answers of the policy as it is now: from the model in training, or from a vLLM that holds the same weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from trl.models import unwrap_model_for_generation

from rlfg.data import Examples, Shown
from rlfg.models.merge import merged
from rlfg.models.picture_tokens import picture_tokens
from rlfg.models.prefix import language_model
from rlfg.models.prompts import EncodedPrompt
from rlfg.rollouts.sampling import Sampling
from rlfg.rollouts.transformers_engine import Completion, TransformersEngine
from rlfg.rollouts.vllm.asking import Ask
from rlfg.training.microbatch import Microbatch, TrainRow
from rlfg.training.prompting import Prompter
from rlfg.training.sharding import inside, whole
from rlfg.training.update import Updater
from rlfg.training.vllm_rollouts import VllmRollouts
from rlfg.types import Example, Rollout

Key = tuple[int | str, ...]
"""Of a random draw."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A prompt, and one random key for each answer that is wanted of it: none where it is only to be encoded."""

    shown: Shown
    prompt: EncodedPrompt
    keys: Sequence[Key]


@dataclass(frozen=True, kw_only=True)
class Answerer:
    """Answers prompts, wherever the answers come from."""

    accelerator: Accelerator
    model: Callable[[], Any]
    """The policy in its wrappers, as they are at the time."""
    prompter: Prompter
    updater: Updater
    tokenizer: Any
    stop_ids: frozenset[int]
    max_rows: int
    """Rows that the built-in engine decodes together."""
    merge: bool
    """Decode with the LoRA inside a copy of the weights."""
    vllm: VllmRollouts | None

    def __call__(
        self, examples: Examples, asked: Sequence[Asked], sampling: Sampling, *, step: int
    ) -> tuple[list[EncodedPrompt], list[list[Completion]], Mapping[str, float]]:
        """Completions of each prompt; every process must call it.

        Returns:
            The prompts, with their pictures encoded where that is done once; a completion for each key; and what there
            is to log.
        """
        ready, logs = None, {}
        if self.vllm is not None:
            logs = self._sync(self.vllm, examples, sampling, step)
            wanted = [a for a in asked if a.keys]
            asks = [self.prompter.ask(examples, a.shown, a.prompt, a.keys) for a in wanted]
            found = iter(self.vllm.sample(asks, sampling))
            self.vllm.engine.sleep()
            ready = [next(found) if a.keys else [] for a in asked]
        prompts, completions = self._run(asked, ready, sampling)
        return prompts, completions, logs

    def _run(
        self, asked: Sequence[Asked], ready: list[list[Completion]] | None, sampling: Sampling
    ) -> tuple[list[EncodedPrompt], list[list[Completion]]]:
        """Encodes the pictures, and decodes unless answers are `ready`."""
        with unwrap_model_for_generation(self.model(), self.accelerator) as model:
            training = model.training
            model.eval()
            engine = TransformersEngine(
                model=model,
                pad_id=self.tokenizer.pad_token_id,
                stop_ids=self.stop_ids,
                banned_ids=picture_tokens(model.config),
                max_rows=self.max_rows,
            )

            def run() -> tuple[list[EncodedPrompt], list[list[Completion]]]:
                weights = merged(model) if self.merge and ready is None else nullcontext()
                with whole(model), weights, self.accelerator.autocast():
                    prompts = self.prompter.encode(language_model(model), [a.prompt for a in asked])
                    keys = [a.keys for a in asked]
                    return prompts, engine.generate(prompts, keys, sampling) if ready is None else ready

            with torch.no_grad():
                found = inside(model, run)
            model.train(training)
        return found

    def _sync(self, vllm: VllmRollouts, examples: Examples, sampling: Sampling, step: int) -> dict[str, float]:
        """Brings vLLM to the weights of this step, and makes sure of it."""
        if vllm.version == step:
            return {}
        shown = Shown(index=0)
        ask = self.prompter.ask(examples, shown, self.prompter.prompt(examples, shown), [("probe", step)])

        def logps(ask: Ask, found: Completion) -> list[float]:
            row = TrainRow(prompt_key=shown.key, token_ids=found.token_ids, advantage=0.0)
            model = self.model()
            training = model.training
            model.eval()
            with torch.no_grad():
                scored = self.updater.logps(model, Microbatch(rows=[row], prompts=[ask.prompt], prompt_of=[0]))
            model.train(training)
            return list(scored.logps_RL[0].tolist())

        return vllm.sync(self.model(), step, ask, logps)

    def rollout(
        self,
        example: Example,
        shown: Shown,
        completion: Completion,
        *,
        truth: str,
        step: int,
        group_id: str,
        index: int,
    ) -> Rollout:
        """A completion as it is kept."""
        return Rollout(
            step=step,
            group_id=group_id,
            prompt_key=shown.key,
            index=index,
            truth=truth,
            image=str(getattr(example, shown.picture)),
            completion=self.tokenizer.decode(completion.token_ids, skip_special_tokens=True),
            token_ids=completion.token_ids,
            logps=completion.logps,
            finish_reason=completion.finish_reason,
            weights_version=step,
        )

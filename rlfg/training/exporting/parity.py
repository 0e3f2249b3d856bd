"""Whether an exported model answers as the adapter on its base does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from rlfg.data import DataSpec, load_examples, user_message
from rlfg.data.contract import prompt_of
from rlfg.errors import RlfgError
from rlfg.models.logps import Row, completion_logps
from rlfg.models.prefix import language_model
from rlfg.models.prompts import EncodedPrompt, encode_prompt
from rlfg.rollouts.local import LocalModel
from rlfg.rollouts.sampling import Sampling
from rlfg.rollouts.transformers_engine import Completion

TOLERANCE = {"float32": 1e-4, "bfloat16": 0.15, "float16": 0.05}
"""Mean difference of log-probabilities, in nats a token. Half-precision weights are rounded once more by merging: with
8 bits of mantissa (bfloat16) logits of size 20 move by some hundredths."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A picture with its question."""

    name: str
    messages: list[dict[str, Any]]
    picture: Image.Image


@dataclass(frozen=True, kw_only=True)
class Parity:
    """What the check found."""

    pictures: int
    tokens: int
    gap: float
    """Mean difference of log-probabilities, in nats a token."""
    tolerance: float
    ties: int
    """Greedy answers that part where the two tokens are as likely, within the tolerance."""

    def __str__(self) -> str:
        same = f"{self.pictures - self.ties} of {self.pictures} greedy answers the same"
        tied = f", {self.ties} part at tokens as likely as each other" if self.ties else ""
        gap = f"{self.gap:.2g} nats a token apart over {self.tokens} tokens (at most {self.tolerance:g})"
        return f"{same}{tied}; log-probabilities {gap}"


def probes(trained: Path, data: Path | None, *, count: int, prompt: str | None = None) -> list[Probe]:
    """Pictures with the question that the weights were trained with, which `prompt` names if it is the user's own."""
    asked = prompt_of(trained, prompt)
    if data is None:
        return [Probe(name=f"drawn {i}", messages=[user_message(asked, None)], picture=_drawn(i)) for i in range(count)]
    examples = load_examples(DataSpec(path=str(data), limit=count))
    return [
        Probe(name=example.id, messages=[user_message(asked, example.question)], picture=examples.open_image(i))
        for i, example in enumerate(examples)
    ]


def answers(local: LocalModel, shown: list[Probe], *, max_new_tokens: int) -> list[Completion]:
    """Greedy ones, with their log-probabilities among all tokens, those that are never sampled too."""
    sampling = Sampling(temperature=0, max_new_tokens=max_new_tokens)
    prompts = [_prompt(local, probe) for probe in shown]
    found = [completions[0] for completions in local.engine.generate(prompts, [[()]] * len(prompts), sampling)]
    return [replace(one, logps=_logps(local, probe, one)) for probe, one in zip(shown, found, strict=True)]


def compare(
    again: LocalModel, shown: list[Probe], before: list[Completion], *, max_new_tokens: int, dtype: str
) -> Parity:
    """The exported model against the answers of before.

    Raises:
        RlfgError: It gives other answers, or their tokens other log-probabilities.
    """
    tolerance = TOLERANCE[dtype]
    after = answers(again, shown, max_new_tokens=max_new_tokens)
    gaps: list[float] = []
    ties = 0
    for probe, one, two in zip(shown, before, after, strict=True):
        ours = _logps(again, probe, one)
        gaps += [abs(a - b) for a, b in zip(ours, one.logps, strict=True)]
        place = next((i for i, (a, b) in enumerate(zip(one.token_ids, two.token_ids, strict=False)) if a != b), None)
        if place is None:
            continue
        apart = two.logps[place] - ours[place]
        if apart > 2 * tolerance:
            raise RlfgError(
                f"the exported model answers picture {probe.name} otherwise: from token {place} on, by {apart:.3g} nats"
            )
        ties += 1
    gap = float(np.mean(gaps))
    if not gap <= tolerance:
        raise RlfgError(
            f"the exported model gives the same answers log-probabilities {gap:.3g} nats a token apart, more than "
            f"{tolerance:g}: it is not the model that was trained"
        )
    return Parity(pictures=len(shown), tokens=len(gaps), gap=gap, tolerance=tolerance, ties=ties)


def _prompt(local: LocalModel, probe: Probe) -> EncodedPrompt:
    return encode_prompt(local.processor, probe.messages, [probe.picture])


@torch.no_grad()
def _logps(local: LocalModel, probe: Probe, found: Completion) -> tuple[float, ...]:
    lm, pad = language_model(local.model), local.engine.pad_id
    row = Row(prompt=0, token_ids=found.token_ids)
    return tuple(completion_logps(lm, [_prompt(local, probe)], [row], pad_id=pad).logps_RL[0].tolist())


def _drawn(seed: int) -> Image.Image:
    """Coarse noise: a picture of something."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((224, 168), Image.Resampling.BICUBIC)

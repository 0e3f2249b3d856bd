"""One prompt asked of vLLM, and its answers read back: the same in a server and in this process. Read in vLLM 0.31."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from rlfg.data.images import png_url
from rlfg.errors import RlfgError
from rlfg.models.prompts import EncodedPrompt
from rlfg.randomness import generator
from rlfg.rollouts.sampling import Sampling
from rlfg.rollouts.transformers_engine import Completion

STOP = "</answer>"


class EngineError(RlfgError):
    """The engine gave no answer, or not that of the policy that was asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A prompt and how many completions of it are wanted."""

    prompt: EncodedPrompt
    """As the trainer tokenises it: the engine's own tokens must be the same."""
    messages: Sequence[Mapping[str, Any]]
    pictures: Sequence[Image.Image]
    keys: Sequence[tuple[int | str, ...]]
    """One a completion; the first seeds them all."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What all prompts of a run have in common."""

    sampling: Sampling
    banned_ids: tuple[int, ...]
    """Never sampled: a picture token in a completion would claim pixels that do not exist."""
    stop_after_answer: bool

    def parameters(self, ask: Ask) -> dict[str, Any]:
        """Those that vLLM's `SamplingParams` and its server call alike; none is left to the model's own defaults."""
        sampling = self.sampling
        found: dict[str, Any] = {
            "n": len(ask.keys),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": -1 if sampling.temperature else 0,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "max_tokens": sampling.max_new_tokens,
            "seed": int(generator(*ask.keys[0]).integers(1 << 31)),
            "skip_special_tokens": False,
        }
        if self.stop_after_answer:
            found |= {"stop": [STOP], "include_stop_str_in_output": True}
        return found


def chat_messages(ask: Ask) -> list[dict[str, Any]]:
    """The messages with the pictures as lossless data URLs, in place."""
    pictures = iter(ask.pictures)

    def part(one: Mapping[str, Any]) -> dict[str, Any]:
        if one["type"] != "image":
            return dict(one)
        return {"type": "image_url", "image_url": {"url": png_url(next(pictures))}}

    return [
        {**m, "content": m["content"] if isinstance(m["content"], str) else [part(p) for p in m["content"]]}
        for m in ask.messages
    ]


def check_prompt(ask: Ask, engine_ids: Sequence[int] | None) -> None:
    """The engine showed the model the tokens that the trainer shows it: template, picture budget and all.

    Raises:
        EngineError: With the first difference.
    """
    ours = ask.prompt.input_ids_T.tolist()
    theirs = list(engine_ids or ())
    if ours == theirs:
        return
    place = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    raise EngineError(
        f"vLLM shows the model another prompt than the trainer: {len(theirs)} tokens instead of {len(ours)}, the first "
        f"difference at {place} ({theirs[place : place + 4]} instead of {ours[place : place + 4]}); it must serve the "
        "same model folder and chat template, with the picture budget "
        """`--mm-processor-kwargs '{"size": {"shortest_edge": …, "longest_edge": …}}'` of the trainer's processor"""
    )


def check_completions(ask: Ask, found: Sequence[Completion], banned: Sequence[int]) -> None:
    """As many as were asked for, each whole, with a log-probability a token, and none with a picture token.

    One that the engine gave up ("abort") would be punished as the policy's own.

    Raises:
        EngineError: Otherwise.
    """
    if len(found) != len(ask.keys):
        raise EngineError(f"vLLM was asked for {len(ask.keys)} completions and gave {len(found)}")
    for completion in found:
        if completion.finish_reason not in ("stop", "length"):
            raise EngineError(f"vLLM broke a completion off ({completion.finish_reason}); it says why in its log")
        if not completion.token_ids or len(completion.token_ids) != len(completion.logps):
            tokens, logps = len(completion.token_ids), len(completion.logps)
            raise EngineError(f"vLLM gave a completion of {tokens} tokens with {logps} log-probabilities")
        if set(completion.token_ids) & set(banned):
            raise EngineError("vLLM sampled a picture token, although it was told not to")

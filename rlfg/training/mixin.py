"""SFT mixed into GRPO: a few lessons beside the rollouts of each optimizer step, so that what SFT taught stays.

The loss of the step gains `coef` times the mean negative log-probability of the lessons' tokens. Which lessons is drawn
by (seed, optimizer step), alike on every process and after a resume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rlfg.data import DataSpec, Examples, Form, Shown, format_answer
from rlfg.errors import RlfgError
from rlfg.randomness import generator
from rlfg.training.microbatch import TrainRow


@dataclass(frozen=True, kw_only=True)
class SftMix:
    """Lessons in a GRPO run."""

    data: DataSpec
    """Pictures with rationales, as the SFT stage takes them."""
    coef: float = 0.1
    """Weight of their loss."""
    pictures_per_step: int = 16
    """Lessons an optimizer step, all processes."""

    def __post_init__(self) -> None:
        if self.pictures_per_step < 1 or self.coef <= 0:
            raise RlfgError("sft_mix: pictures_per_step and coef are above 0; leave sft_mix out for none")


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """The lessons of a run, tokenised as the policy would have to say them."""

    spec: SftMix
    examples: Examples
    targets: Sequence[tuple[int, ...]]
    """Tokens of each, the end of the turn included."""
    seed: int

    def at(self, step: int, *, rank: int, world: int, contrasts: bool = False) -> list[TrainRow]:
        """This process's lessons of an optimizer step, weighed in its loss.

        Where the other rows are told apart from a negative, a lesson needs one as well, and has its own prompt.
        """
        chosen = generator(self.seed, "lessons", step).permutation(len(self.examples))[: self.spec.pictures_per_step]
        tokens = sum(len(self.targets[i]) for i in chosen)
        return [
            TrainRow(
                prompt_key=lesson_key(int(i)),
                negative_key=lesson_key(int(i)) if contrasts else None,
                token_ids=self.targets[i],
                advantage=0.0,
                weight=self.spec.coef / tokens,
                lesson=True,
            )
            for i in chosen[rank::world]
        ]


def lesson_key(index: int) -> str:
    """Of a lesson's prompt, beside those of the rollouts."""
    return f"lesson-{Shown(index=index).key}"


def shown_by(key: str) -> Shown:
    """The lesson of `lesson_key`."""
    return Shown.of(key.removeprefix("lesson-"))


def read_lessons(spec: SftMix, examples: Examples, tokenizer: Any, *, form: Form, seed: int) -> Lessons:
    """Tokenises the targets of the answer contract, in the form that the run reads.

    Raises:
        RlfgError: A lesson has no rationale, or there are fewer than a step takes; names the fix.
    """
    if len(examples) < spec.pictures_per_step:
        raise RlfgError(
            f"{spec.data.path}: {len(examples)} lessons, fewer than the {spec.pictures_per_step} of "
            "sft_mix.pictures_per_step"
        )
    targets = []
    for where, example in zip(examples.where, examples, strict=True):
        if form == "think" and not example.rationale:
            raise RlfgError(f"{where}: sft_mix needs a `rationale` for every example; this one has none")
        text = format_answer(example.rationale, example.label, form)
        targets.append((*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id))
    return Lessons(spec=spec, examples=examples, targets=targets, seed=seed)

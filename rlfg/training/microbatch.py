"""Micro-batches by tokens: groups stay together so that their prompt is run once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rlfg.models.logps import Row
from rlfg.models.prompts import EncodedPrompt


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRow:
    """A completion with what the update needs of it."""

    prompt_key: str
    token_ids: tuple[int, ...]
    advantage: float
    weight: float = 0.0
    """Of its token sum in the loss of the optimizer step."""
    old_logps: tuple[float, ...] | None = None
    negative_key: str | None = None
    """The prompt that the policy is told apart from on these tokens; all rows of a step have one, or none has."""
    diverges: bool = False
    """Whether the divergence from it counts for this row."""
    lesson: bool = False
    """A supervised target: its loss is the negative log-probability, and nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Microbatch:
    """Rows that are run together, and their prompts, each once."""

    rows: list[TrainRow]
    prompts: list[EncodedPrompt]
    prompt_of: list[int]
    """For each row, the index of its prompt."""
    negatives: list[EncodedPrompt] = field(default_factory=list)
    negative_of: list[int] = field(default_factory=list)
    """For each row, the index of its negative; empty where rows have none."""

    def conditioned(self, on: list[int]) -> list[Row]:
        """The rows as `completion_logps` takes them, on `prompt_of` or `negative_of`."""
        return [Row(prompt=p, token_ids=r.token_ids) for p, r in zip(on, self.rows, strict=True)]


def pack(
    rows: Sequence[TrainRow], prompts: dict[str, EncodedPrompt], *, max_tokens: int, shared_prefix: bool
) -> list[Microbatch]:
    """Packs rows into micro-batches of at most `max_tokens` tokens after padding (one row at least).

    Rows of one prompt are kept together; a group too large for one micro-batch continues in the next,
    where its prompt is run again. Groups are taken in order of length, so padding stays small.
    """
    groups: dict[str, list[TrainRow]] = {}
    for row in rows:
        groups.setdefault(row.prompt_key, []).append(row)
    ordered = sorted(groups.items(), key=lambda item: -max(len(r.token_ids) for r in item[1]))
    batches: list[Microbatch] = []
    current: list[TrainRow] = []
    for row in (row for _, group in ordered for row in group):
        if current and _cost([*current, row], prompts, shared_prefix) > max_tokens:
            batches.append(_build(current, prompts))
            current = []
        current.append(row)
    return [*batches, _build(current, prompts)] if current else batches


def _cost(rows: list[TrainRow], prompts: dict[str, EncodedPrompt], shared_prefix: bool) -> int:
    """Tokens the rows cost, padding included, on their prompts and then on their negatives."""
    longest = max(len(r.token_ids) for r in rows)
    total = 0
    for keys in ([r.prompt_key for r in rows], [r.negative_key for r in rows if r.negative_key is not None]):
        runs = len(set(keys)) if shared_prefix else len(keys)
        total += runs * max((len(prompts[k]) for k in keys), default=0) + len(keys) * longest
    return total


def _build(rows: list[TrainRow], prompts: dict[str, EncodedPrompt]) -> Microbatch:
    keys = list(dict.fromkeys(row.prompt_key for row in rows))
    negatives = list(dict.fromkeys(row.negative_key for row in rows if row.negative_key is not None))
    return Microbatch(
        rows=list(rows),
        prompts=[prompts[k] for k in keys],
        prompt_of=[keys.index(row.prompt_key) for row in rows],
        negatives=[prompts[k] for k in negatives],
        negative_of=[negatives.index(row.negative_key) for row in rows if row.negative_key is not None],
    )

"""Micro-batches by tokens: groups stay together so that their prompt is run once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Microbatch:
    """Rows that are run together, and their prompts, each once."""

    prompts: list[EncodedPrompt]
    rows: list[TrainRow]
    prompt_of: list[int]
    """For each row, the index of its prompt."""

    @property
    def conditioned(self) -> list[Row]:
        """The rows as `completion_logps` takes them."""
        return [Row(prompt=p, token_ids=r.token_ids) for p, r in zip(self.prompt_of, self.rows, strict=True)]


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
    """Tokens the rows cost, padding included."""
    keys = {row.prompt_key for row in rows}
    prompt_runs = len(keys) if shared_prefix else len(rows)
    return prompt_runs * max(len(prompts[k]) for k in keys) + len(rows) * max(len(r.token_ids) for r in rows)


def _build(rows: list[TrainRow], prompts: dict[str, EncodedPrompt]) -> Microbatch:
    keys = list(dict.fromkeys(row.prompt_key for row in rows))
    return Microbatch(
        prompts=[prompts[k] for k in keys], rows=list(rows), prompt_of=[keys.index(row.prompt_key) for row in rows]
    )

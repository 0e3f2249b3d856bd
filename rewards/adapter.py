"""The same group reward inside other trainers: their rows in, one number for each row out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from statistics import mean
from typing import Any

from rewards.group import Group
from rewards.rubric import Rubric
from rewards.verifier import Verifier
from rlfg.data import ParseMode, parse_answer
from rlfg.errors import RlfgError


def reward_rows(
    completions: Sequence[str],
    truths: Sequence[str],
    *,
    verifier: Verifier,
    rubric: Rubric,
    group_ids: Sequence[Hashable],
    lengths: Sequence[int] = (),
    parse_mode: ParseMode = "lenient",
    step: int = 0,
) -> list[float | None]:
    """One reward a row; None where there is no verdict.

    Args:
        completions: a row each.
        truths: a row each.
        verifier: decides.
        rubric: rewards.
        group_ids: which prompt each row answers; the rows of a group may be scattered, and must all be here.
        lengths: tokens of each completion, for terms that count them.
        parse_mode: how answers are read.
        step: of the run, for terms and noise that depend on it.

    Raises:
        RlfgError: Rows of one group have two truths.
    """
    pairs = [(parse_answer(text, parse_mode).answer, truth) for text, truth in zip(completions, truths, strict=True)]
    verdicts = verifier.verify(pairs)
    members: dict[Hashable, list[int]] = defaultdict(list)
    for row, group_id in zip(range(len(pairs)), group_ids, strict=True):
        members[group_id].append(row)
    rewards: list[float | None] = [None] * len(pairs)
    for rows in members.values():
        if len({truths[row] for row in rows}) > 1:
            raise RlfgError(f"rows {rows} are one group, but answer prompts of different truths")
        group = Group(
            verdicts=tuple(verdicts[row] for row in rows),
            completions=tuple(completions[row] for row in rows),
            lengths=tuple(lengths[row] for row in rows) if lengths else (),
            step=step,
            group_id=f"{step}-{rows[0]}",
        )
        for row, score in zip(rows, rubric(group), strict=True):
            rewards[row] = score.reward
    return rewards


def whole_groups(rows: int, group_size: int) -> list[int]:
    """Group ids of rows in which each `group_size` in a row answer one prompt.

    Raises:
        RlfgError: The rows are no whole groups.
    """
    if rows % group_size:
        raise RlfgError(
            f"{rows} rows are no whole groups of {group_size}; this process's rows must be a multiple of the group size"
        )
    return [row // group_size for row in range(rows)]


def without_masks(rewards: Sequence[float | None], group_ids: Sequence[Hashable]) -> list[float]:
    """For trainers that take no None: it becomes the mean of its group's others, whose advantage is 0.

    A 0 would be a judgement, and would move the group's mean. 0 where a whole group has no verdict.
    """
    given: dict[Hashable, list[float]] = defaultdict(list)
    for reward, group_id in zip(rewards, group_ids, strict=True):
        if reward is not None:
            given[group_id].append(reward)
    return [
        reward if reward is not None else mean(given[group_id]) if given[group_id] else 0.0
        for reward, group_id in zip(rewards, group_ids, strict=True)
    ]


def trl_reward(
    verifier: Verifier, rubric: Rubric, *, group_size: int, truth: str = "truth"
) -> Callable[..., list[float | None]]:
    """A reward function for TRL's GRPOTrainer (read in TRL 1.16).

    TRL shows it one process's rows, so `per_device_train_batch_size × steps_per_generation` must be a multiple of
    `num_generations`, which TRL does not check and this does. A masked reward (None) gets no advantage there, but
    stays in TRL's normaliser, KL and entropy.

    Args:
        verifier: decides.
        rubric: rewards.
        group_size: TRL's `num_generations`.
        truth: the dataset's column of truths.
    """

    def rewards(completions: Sequence[Any], **columns: Any) -> list[float | None]:
        texts = [text if isinstance(text, str) else text[-1]["content"] for text in completions]
        lengths = [len(ids) for ids in columns.get("completion_ids", ())]
        state = columns.get("trainer_state")
        step = 0 if state is None else state.global_step
        groups = whole_groups(len(texts), group_size)
        return reward_rows(
            texts, columns[truth], verifier=verifier, rubric=rubric, group_ids=groups, lengths=lengths, step=step
        )

    return rewards

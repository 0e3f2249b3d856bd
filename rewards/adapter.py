"""The same group reward inside other trainers: their rows in, one number for each row out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    group_size: int,
    lengths: Sequence[int] = (),
    parse_mode: ParseMode = "lenient",
    step: int = 0,
) -> list[float | None]:
    """Rewards of rows in which each `group_size` in a row answer one prompt; None where there is no verdict.

    Raises:
        RlfgError: The rows are no whole groups.
    """
    pairs = [(parse_answer(text, parse_mode).answer, truth) for text, truth in zip(completions, truths, strict=True)]
    verdicts = verifier.verify(pairs)
    rewards: list[float | None] = []
    for start in range(0, len(pairs), group_size):
        rows = slice(start, start + group_size)
        if len(truths[rows]) < group_size or len(set(truths[rows])) > 1:
            raise RlfgError(
                f"rows {start} to {start + group_size - 1} are no group of {group_size} answers to one prompt; this "
                "process's rows must be a multiple of the group size"
            )
        group = Group(
            verdicts=tuple(verdicts[rows]), completions=tuple(completions[rows]), lengths=tuple(lengths[rows]),
            step=step, group_id=f"{step}-{start}",
        )  # fmt: skip
        rewards += [score.reward for score in rubric(group)]
    return rewards


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
        return reward_rows(
            texts, columns[truth], verifier=verifier, rubric=rubric, group_size=group_size, lengths=lengths, step=step
        )

    return rewards

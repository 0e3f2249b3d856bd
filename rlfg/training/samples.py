"""Sample completions during training: picture, truth, answer, taxon, verdict and reward, as a table."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rewards.scoring import Scored

COLUMNS = ("image", "truth", "answer", "taxon", "verdict", "reward", "completion")
_CONSOLE = {"truth": 28, "answer": 28, "taxon": 28, "verdict": 13, "reward": 6}
"""Columns shown on the console, and their widths."""

Row = Mapping[str, str | float | None]


def sample_rows(scored: Sequence[Scored], groups: int) -> list[Row]:
    """The best and the worst rollout of the first `groups` groups; one of a group in which all are equal.

    Returns:
        A row a rollout, with the keys `COLUMNS`.
    """
    members: dict[str, list[Scored]] = {}
    for one in scored:
        members.setdefault(one.rollout.group_id, []).append(one)
    rows: list[Row] = []
    for group in list(members.values())[:groups]:
        ordered = sorted(group, key=_reward, reverse=True)
        ends = ordered[:1] if _reward(ordered[0]) == _reward(ordered[-1]) else [ordered[0], ordered[-1]]
        rows += [_row(one) for one in ends]
    return rows


def console_table(rows: Sequence[Row]) -> str:
    """Aligned text of the columns that fit a line; long cells are cut, the Parquet files hold all of them."""
    lines = [
        dict(zip(_CONSOLE, _CONSOLE, strict=True)),
        *({name: _text(row[name]) for name in _CONSOLE} for row in rows),
    ]
    return "\n".join(
        "  " + "  ".join(textwrap.shorten(line[n], w, placeholder="…").ljust(w) for n, w in _CONSOLE.items()).rstrip()
        for line in lines
    )


def markdown_table(rows: Sequence[Row]) -> str:
    """All columns, for trackers that take Markdown."""
    cells = [[_text(row[name]).replace("|", "\\|").replace("\n", " ") for name in COLUMNS] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (COLUMNS, ["---"] * len(COLUMNS), *cells))


def send(rows: Sequence[Row], step: int, callbacks: Sequence[Any]) -> None:
    """Hand the table to each tracker that is among a Trainer's callbacks: TensorBoard, trackio, wandb.

    wandb gets the pictures besides, the others their paths alone.
    """
    for callback in callbacks:
        name = type(callback).__name__
        if name == "TensorBoardCallback" and callback.tb_writer is not None:
            callback.tb_writer.add_text("samples", markdown_table(rows), step)
        elif name == "WandbCallback":
            import wandb

            table = wandb.Table(columns=list(COLUMNS), data=[[row[c] for c in COLUMNS] for row in rows])
            pictures = [wandb.Image(row["image"], caption=f"{row['truth']}: {_text(row['answer'])}") for row in rows]
            wandb.log({"samples": table, "sample_pictures": pictures})
        elif name == "TrackioCallback":
            import pandas
            import trackio

            trackio.log({"samples": trackio.Table(dataframe=pandas.DataFrame(list(rows), columns=list(COLUMNS)))})


def _reward(scored: Scored) -> float:
    """Rollouts without a verdict stand last."""
    return float("-inf") if scored.score.reward is None else scored.score.reward


def _row(scored: Scored) -> Row:
    rollout, verdict = scored.rollout, scored.score.verdict
    return {
        "image": rollout.image,
        "truth": rollout.truth,
        "answer": verdict.answer,
        "taxon": verdict.answer_taxon,
        "verdict": verdict.label,
        "reward": scored.score.reward,
        "completion": rollout.completion,
    }


def _text(value: str | float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if isinstance(value, float) else value

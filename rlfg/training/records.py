"""Rollouts as Parquet: one file per set of rollouts, whole or not there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rlfg.training.scoring import Scored


class RolloutLog:
    """Writes `rollouts/step-N.parquet` under a run. A resumed run writes the same steps again, equal."""

    def __init__(self, run: Path) -> None:
        self.folder = run / "rollouts"

    def write(self, scored: Sequence[Scored]) -> None:
        """One row a rollout: identity, tokens, sampler log-probabilities, verdict, reward and its parts."""
        if not scored:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{scored[0].rollout.step:06d}.parquet"
        partial = path.with_suffix(".partial")
        pq.write_table(pa.Table.from_pylist([_line(s) for s in scored]), partial, compression="zstd")
        os.replace(partial, path)


def _line(scored: Scored) -> dict[str, object]:
    rollout, verdict = scored.rollout, scored.score.verdict
    return {
        "step": rollout.step,
        "group_id": rollout.group_id,
        "prompt_key": rollout.prompt_key,
        "index": rollout.index,
        "image": rollout.image,
        "truth": rollout.truth,
        "completion": rollout.completion,
        "token_ids": list(rollout.token_ids),
        "logps": None if rollout.logps is None else list(rollout.logps),
        "finish_reason": rollout.finish_reason,
        "weights_version": rollout.weights_version,
        "answer": verdict.answer,
        "taxon": verdict.answer_taxon,
        "verdict": verdict.label,
        "reason": verdict.reason,
        "reward": scored.score.reward,
        "parts": [{"name": name, "value": value} for name, value in scored.score.parts.items()],
        "advantage": scored.advantage,
    }

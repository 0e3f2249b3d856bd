"""Rollouts as Parquet: one file for each set of rollouts, whole or not there. Needs pyarrow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rewards.scoring import Scored
from rlfg.errors import RlfgError
from rlfg.types import NO_VERDICT, UNPARSED, Relation, Rollout, Score, Verdict

_SETTINGS = b"rlfg"
"""Key of the file's metadata that holds what the run's scorer was made of, as JSON."""
_VERDICT = ("answer", "truth_node", "answer_node", "answer_taxon", "status", "truth_status", "truth_assisted",
            "source", "specificity", "claim", "reason")  # fmt: skip
"""Fields of a verdict that are stored as they are."""


class RolloutLog:
    """Writes `rollouts/step-N.parquet` under a run. A resumed run writes the same steps again, equal."""

    def __init__(self, run: Path, settings: Mapping[str, Any]) -> None:
        """`settings`, plain values, are kept in every file: `reward`, `scale`, `parse_mode`, `verifier`."""
        self.folder = run / "rollouts"
        self.settings = settings

    def write(self, scored: Sequence[Scored]) -> None:
        """One row a rollout: identity, tokens, sampler log-probabilities, verdict, reward, its parts, advantage."""
        if not scored:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step-{scored[0].rollout.step:06d}.parquet"
        partial = path.with_suffix(".partial")
        schema = _schema().with_metadata({_SETTINGS: json.dumps(self.settings).encode()})
        pq.write_table(pa.Table.from_pylist([_row(s) for s in scored], schema), partial, compression="zstd")
        os.replace(partial, path)


def rollout_files(path: str | Path) -> list[Path]:
    """The files of a run, of its `rollouts` folder, or the one file, in the order of the steps.

    Raises:
        RlfgError: There are none.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    found = sorted(path.glob("step-*.parquet")) or sorted((path / "rollouts").glob("step-*.parquet"))
    if not found:
        raise RlfgError(f"{path}: no rollouts there; give a run's folder, its rollouts/, or a step-N.parquet")
    return found


def read_settings(path: Path) -> dict[str, Any]:
    """What the scorer of a file's run was made of; {} where the file does not say."""
    found = _open(path).schema_arrow.metadata or {}
    settings: dict[str, Any] = json.loads(found.get(_SETTINGS, b"{}"))
    return settings


def read_rollouts(path: Path) -> list[Scored]:
    """The rollouts of one file, as they were scored.

    Raises:
        RlfgError: The file cannot be read, or lacks a column.
    """
    file = _open(path)
    missing = [name for name in _schema().names if name not in file.schema_arrow.names]
    if missing:
        raise RlfgError(f"{path}: has no column {missing[0]!r}; it was written by another version")
    return [_scored(row) for batch in file.iter_batches(columns=_schema().names) for row in batch.to_pylist()]


@cache
def _schema() -> Any:
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    return pa.schema(
        {
            "step": pa.int32(), "group_id": text, "prompt_key": text, "index": pa.int32(), "image": text, "truth": text,
            "completion": text, "token_ids": pa.list_(pa.int32()), "logps": pa.list_(pa.float32()),
            "finish_reason": text, "weights_version": pa.int32(),
            "verdict": text, "answer": text, "truth_node": pa.int32(), "answer_node": pa.int32(),
            "answer_taxon": text, "status": text, "truth_status": text, "truth_assisted": pa.bool_(), "source": text,
            "specificity": number, "claim": number, "reason": text, "rewarded_as": text,
            "reward": number, "parts": pa.list_(pa.struct({"name": text, "value": number})), "advantage": number,
        }
    )  # fmt: skip


def _row(scored: Scored) -> dict[str, Any]:
    rollout, verdict = scored.rollout, scored.verdict
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
        "verdict": verdict.label,
        **{name: getattr(verdict, name) for name in _VERDICT},
        "rewarded_as": scored.score.verdict.label,
        "reward": scored.score.reward,
        "parts": [{"name": name, "value": value} for name, value in scored.score.parts.items()],
        "advantage": scored.advantage,
    }


def _scored(row: Mapping[str, Any]) -> Scored:
    verdict = Verdict(
        relation=_relation(row["verdict"]),
        unparsed=row["verdict"] == UNPARSED,
        truth=row["truth"],
        **{name: row[name] for name in _VERDICT},
    )
    shown = ("step", "group_id", "prompt_key", "index", "truth", "completion", "image", "finish_reason")
    rollout = Rollout(
        **{name: row[name] for name in shown},
        weights_version=row["weights_version"],
        token_ids=tuple(row["token_ids"]),
        logps=None if row["logps"] is None else tuple(row["logps"]),
    )
    rewarded = verdict
    if row["rewarded_as"] != row["verdict"]:
        rewarded = Verdict(relation=_relation(row["rewarded_as"]), answer=row["answer"], truth=row["truth"])
    parts = {part["name"]: part["value"] for part in row["parts"]}
    score = Score(reward=row["reward"], parts=parts, verdict=rewarded)
    return Scored(
        rollout=rollout, verdict=verdict, score=score, advantage=row["advantage"], valid=row["reward"] is not None
    )


def _relation(label: str) -> Relation | None:
    return None if label in (UNPARSED, NO_VERDICT) else Relation(label)


def _open(path: Path) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RlfgError("reading rollouts needs pyarrow: pip install 'rlfg[parquet]'") from error
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise RlfgError(f"{path}: not a readable Parquet file: {str(error).splitlines()[0]}") from error


def iter_rollouts(path: str | Path) -> Iterator[list[Scored]]:
    """The rollouts of a run, one set after the other."""
    for file in rollout_files(path):
        yield read_rollouts(file)

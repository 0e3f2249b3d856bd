"""Where the numbers of a report come from: files with their hashes, settings, versions, seeds."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from eval.folders import has_changed, predictions_of
from eval.intervals import SAMPLES
from rlfg import __version__

Facts = dict[str, str]


def of_run(folder: Path, record: Mapping[str, Any]) -> Facts:
    """Files and settings of one scored folder; `record` is its `metrics.json`."""
    scored = folder / "items.jsonl"
    facts = {"scored": f"{scored} ({_day(scored)}), {sha256(scored)}", "protocol": str(record.get("protocol") or "")}
    if record.get("predictions"):
        facts["predictions"] = f"{record['predictions']}, {_state(record)}"
    facts["revision"] = record.get("revision") or ""
    facts["parsing"] = str(record.get("parse", "not recorded"))
    if tree := record.get("taxonomy"):
        facts["verdicts"] = ", ".join(f"{key} {tree[key]}" for key in ("border", "profile") if key in tree)
    if judge := record.get("judge"):
        facts["judge"] = json.dumps(judge, ensure_ascii=False, default=str)
    if shared := record.get("shared_images"):
        facts["shared pictures"] = f"{len(shared):,} pictures stand under several ids and count several times"
    return {key: value for key, value in facts.items() if value}


def of_training(metrics: Path) -> Facts:
    """What a training run left beside its `metrics.jsonl`: revision, packages, seeds and config."""
    path = metrics.parent / "run.json"
    if not path.is_file():
        return {"training log": f"{metrics}, {sha256(metrics)}"}
    record = json.loads(path.read_text(encoding="utf-8"))
    config = record.get("config", {})
    facts = {
        "training log": f"{metrics}, {sha256(metrics)}",
        "revision": record.get("revision") or "",
        "packages": ", ".join(f"{name} {version}" for name, version in record.get("packages", {}).items() if version),
        "seed": str(config.get("run", {}).get("seed", "")),
        "config": json.dumps(config, ensure_ascii=False, default=str),
    }
    return {key: value for key, value in facts.items() if value}


def of_report() -> Facts:
    """What the report itself was made with."""
    return {
        "intervals": f"{SAMPLES:,} resamples of classes, seed 0",
        "versions": f"rlfg {__version__}, numpy {np.__version__}, Python {platform.python_version()}",
    }


def _state(record: Mapping[str, Any]) -> str:
    """Of the predictions that a folder was made of."""
    path = predictions_of(record)
    if path is None:
        return "no longer there"
    if has_changed(path, record):
        return "changed since it was scored, so that no reasoning is shown"
    return sha256(path)


def sha256(path: Path) -> str:
    """The start of a file's hash, with its name."""
    with path.open("rb") as file:
        return f"sha256 {hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"


def _day(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")

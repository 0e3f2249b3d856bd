"""Manifests: JSONL, CSV or Parquet, one example a line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlfg.data.spec import FIELDS, DataSpec
from rlfg.errors import RlfgError
from rlfg.taxonomy.archive import file_lines
from rlfg.taxonomy.text import read_table
from rlfg.types import Example

_PATHS = ("image", "positive", "negative")


def read_manifest(spec: DataSpec, kind: str) -> Iterator[tuple[str, Example]]:
    """Yields (where, example): `where` is file:line.

    Raises:
        RlfgError: A line that is no record, or lacks `image` or `label`.
    """
    path = Path(spec.path)
    if not path.is_file():
        raise RlfgError(f"{path}: no such manifest")
    root = Path(spec.image_root) if spec.image_root else path.parent
    names = {field: spec.columns.get(field, field) for field in FIELDS}
    for line, record in _RECORDS[kind](path):
        yield f"{path}:{line}", to_example(record, names, root, f"{path}:{line}", f"{path.stem}:{line}")


def to_example(record: Mapping[str, Any], names: Mapping[str, str], root: Path, where: str, default_id: str) -> Example:
    """One record as an Example; keys that are no field are kept in `meta`."""
    for field in ("image", "label"):
        value = record.get(names[field])
        if value is None or (isinstance(value, str) and not value.strip()):
            raise RlfgError(f"{where}: {_missing(field, names[field], record)}")
    known = {field: record.get(name) for field, name in names.items()}
    meta = {k: v for k, v in record.items() if k not in names.values()} | dict(known["meta"] or {})
    paths = {field: str(root / str(known[field])) if known[field] else None for field in _PATHS}
    text = {f: None if known[f] in (None, "") else str(known[f]) for f in ("split", "question", "rationale")}
    return Example(
        id=str(known["id"]) if known["id"] not in (None, "") else default_id,
        image=str(paths["image"]),
        label=str(known["label"]).strip(),
        positive=paths["positive"],
        negative=paths["negative"],
        meta=meta,
        **text,
    )


def _missing(field: str, name: str, record: Mapping[str, Any]) -> str:
    if name in record:
        return f"`{name}` is empty"
    near = difflib.get_close_matches(name, [str(k) for k in record], n=1)
    hint = f"; did you mean {near[0]!r}" if near else ""
    found = f"no `{name}` here (found: {', '.join(map(str, record))}){hint}"
    return f"{found}; rename that column, or in a config set data.columns={{{field}: …}}"


def _jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(file_lines(path), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise RlfgError(f"{path}:{number}: not valid JSON ({error.msg})") from error
        if not isinstance(record, dict):
            raise RlfgError(f"{path}:{number}: a line must be a JSON object")
        yield number, record


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, cells in read_table(path):
        record: dict[str, Any] = dict(cells)
        if record.get("meta"):
            try:
                record["meta"] = json.loads(record["meta"])
            except json.JSONDecodeError as error:
                raise RlfgError(f"{path}:{number}: `meta` must be a JSON object") from error
        yield number, record


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RlfgError(f"{path}: Parquet needs pyarrow; pip install 'rlfg[parquet]'") from error
    number = 0
    for batch in pq.ParquetFile(path).iter_batches(batch_size=4096):
        for record in batch.to_pylist():
            number += 1
            yield number, record


_RECORDS = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}
ENDINGS = {".jsonl": "jsonl", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}

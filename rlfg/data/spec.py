"""Where a dataset is and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rlfg.errors import RlfgError

FIELDS = ("id", "image", "label", "split", "question", "rationale", "positive", "negative", "meta")
"""Keys of a manifest line; others go to `meta`."""


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """A dataset: a manifest, an image folder or a Hugging Face dataset."""

    path: str
    """Manifest file, folder of class folders, or local path or hub id of a Hugging Face dataset."""
    format: Literal["auto", "jsonl", "csv", "parquet", "folder", "hf"] = "auto"
    """auto: by the file's ending; a folder is an image folder unless `hf` is said."""
    split: str | None = None
    """Keep the lines of this split only (for hf: load this split, the only one by default)."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Names in the data of our fields, where they differ: {image: file, label: species}."""
    image_root: str | None = None
    """What picture paths are relative to. Default: the manifest's folder."""
    on_bad_image: Literal["stop", "skip", "unchecked"] = "stop"
    """Every picture is opened once before a run. stop: an unreadable one ends it; skip: it is left out
    and counted; unchecked: trust them."""
    limit: int | None = None
    """Keep so many examples: the first, or those that `limit_seed` draws."""
    limit_seed: int | None = None
    """Seed of a draw that depends on ids alone; a smaller one is a part of a larger one. null keeps the first."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise RlfgError(f"limit is a number of examples, at least 1, not {self.limit}")
        if self.limit_seed is not None and self.limit is None:
            raise RlfgError("limit_seed draws `limit` examples; set limit, or leave limit_seed out")
        for name in self.columns:
            if name not in FIELDS:
                raise RlfgError(f"columns: {name!r} is no field; the fields are {', '.join(FIELDS)}")

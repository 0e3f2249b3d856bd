"""A benchmark made ready: its files found or unpacked, its lists read, counted and written as manifests."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rlfg.data.benchmarks.copies import read_copy
from rlfg.data.benchmarks.counts import differences, told_missing
from rlfg.data.benchmarks.files import layout_of, make_ready
from rlfg.data.benchmarks.labels import Labels
from rlfg.data.benchmarks.manifests import write_manifests, write_taxonomy
from rlfg.data.benchmarks.model import SPLITS, Benchmark, Row
from rlfg.data.benchmarks.places import TrainOn, carved, check_val, trained_on
from rlfg.data.check import ImageReport, check_images
from rlfg.data.examples import Examples
from rlfg.errors import RlfgError
from rlfg.taxonomy import check_labels, load_taxonomy
from rlfg.types import Example


@dataclass(frozen=True, kw_only=True)
class PrepareSpec:
    """What is made of a benchmark."""

    out: Path
    """Folder for the manifests and `prepared.json`."""
    root: Path | None = None
    """Folder of the official files; of no use with `copy`."""
    copy: str | None = None
    """Read this instead of the official files: hub id, saved dataset, folder of class folders, manifest."""
    splits: Mapping[str, str] = field(default_factory=dict)
    """Which splits of the copy are train, val and test, where their names do not say so."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Names of the copy's columns."""
    train_on: TrainOn = "train"
    """trainval: the official validation pictures are training pictures, too."""
    val: float = 0.0
    """Share of each class's training pictures that becomes val, where there is no official val."""
    seed: int = 0
    allow_partial: bool = False
    """Go on with what there is, where files and counts are not the published ones."""
    on_bad_image: Literal["stop", "skip", "unchecked"] = "stop"
    """As of `DataSpec`."""

    def __post_init__(self) -> None:
        if (self.root is None) == (self.copy is None):
            raise RlfgError("prepare: give either the folder of the official files (--root) or a copy (--from-hub)")
        wrong = [ours for ours in self.splits.values() if ours not in SPLITS]
        if wrong:
            raise RlfgError(f"prepare: {wrong[0]!r} is no split of ours; these are {', '.join(SPLITS)}")
        if not 0 <= self.val < 1:
            raise RlfgError("prepare: val is a share, at least 0 and below 1")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What was written; listed = written + missing + unreadable."""

    written: Mapping[str, int]
    """Pictures of each manifest."""
    listed: int
    missing: int
    """Pictures that a list names and that are not there."""
    unreadable: int
    problems: tuple[str, ...]
    """In what the files differ from the published ones."""
    images: ImageReport | None
    """None where the pictures were not opened."""
    taxonomy: Mapping[str, Any]
    """`taxonomy` and `root` of a recipe's verifier."""
    manifests: Mapping[str, Path]


def prepare(benchmark: Benchmark, spec: PrepareSpec, *, say: Callable[[str], None] = print) -> Prepared:
    """Writes the manifests of a benchmark.

    Raises:
        RlfgError: files are missing (says what to put where), or something is not as published, or cannot be read, and
            is not let pass.
    """
    home, problems, listed = _read(benchmark, spec, say)
    check_val(listed, spec.val, spec.train_on)
    there, missing = _apart(listed)
    problems += differences(benchmark, listed.items) + _unknown(benchmark, listed) + told_missing(missing)
    if problems and not spec.allow_partial:
        told = "\n".join(f"  {problem}" for problem in problems)
        raise RlfgError(f"{benchmark.title}: not as expected; --allow-partial goes on with what there is\n{told}")
    if not there:
        raise RlfgError(f"{benchmark.title}: none of the {len(listed):,} listed pictures is there")
    readable, report = there, None
    if spec.on_bad_image != "unchecked":
        say(f"opening {len(there):,} pictures")
        readable, report = check_images(there, on_bad=spec.on_bad_image)
    placed = carved(trained_on(readable, spec.train_on), spec.val, seed=spec.seed)
    written, manifests = write_manifests(placed, spec.out)
    found = Prepared(
        written=written,
        listed=len(listed),
        missing=len(missing),
        unreadable=len(there) - len(readable),
        problems=tuple(problems),
        images=report,
        taxonomy=write_taxonomy(benchmark, home, spec.out),
        manifests=manifests,
    )
    _record(benchmark, spec, found)
    return found


def _read(
    benchmark: Benchmark, spec: PrepareSpec, say: Callable[[str], None]
) -> tuple[Path | None, list[str], Examples]:
    """The benchmark's folder, in what its files differ, and what its lists name."""
    labels = Labels(benchmark)
    if spec.copy is not None:
        pairs = list(read_copy(spec.copy, spec.out, labels, splits=spec.splits, columns=spec.columns, say=say))
        return None, [], _examples(pairs)
    assert spec.root is not None
    if benchmark.read is None:
        raise RlfgError("prepare: a dataset that is no benchmark is read with --from-hub: hub id, folder or manifest")
    layout = layout_of(benchmark, spec.root)
    assert layout.read is not None, "another layout has a reader, too"
    home, problems = make_ready(layout, spec.root, any_file=spec.allow_partial, say=say)
    pairs = [(row.where, _example(row, home, labels)) for row in layout.read(home)]
    twice = [key for key, n in Counter(example.id for _, example in pairs).items() if n > 1]
    if twice:
        raise RlfgError(f"{home}: the lists of {benchmark.title} name {twice[0]!r} and {len(twice) - 1} others twice")
    return home, problems, _examples(pairs)


def _example(row: Row, home: Path, labels: Labels) -> Example:
    return Example(
        id=row.id,
        image=str(home / row.image),
        label=labels.of(row.name, row.where),
        split=row.split,
        meta={"class": row.name, **row.meta},
    )


def _examples(pairs: Sequence[tuple[str, Example]]) -> Examples:
    return Examples(items=tuple(example for _, example in pairs), where=tuple(where for where, _ in pairs))


def _apart(listed: Examples) -> tuple[Examples, list[Example]]:
    """Those whose picture is there, and the others."""
    there = [os.path.isfile(example.image) for example in listed]
    missing = [example for example, is_there in zip(listed, there, strict=True) if not is_there]
    return listed.subset([i for i, is_there in enumerate(there) if is_there]), missing


def _unknown(benchmark: Benchmark, examples: Examples) -> list[str]:
    """Labels that a taxonomy of one's own does not know."""
    if benchmark.taxonomy is None:
        return []
    taxonomy = load_taxonomy(benchmark.taxonomy, root=benchmark.root)
    return [problem.message for problem in check_labels(taxonomy, (example.label for example in examples))]


def _record(benchmark: Benchmark, spec: PrepareSpec, found: Prepared) -> None:
    told = {
        "benchmark": benchmark.name,
        "title": benchmark.title,
        "page": benchmark.page,
        "terms": benchmark.terms,
        "source": spec.copy or str(spec.root),
        "train_on": spec.train_on,
        "val": spec.val,
        "seed": spec.seed,
        "published": dict(benchmark.counts),
        "listed": found.listed,
        "written": dict(found.written),
        "missing": found.missing,
        "unreadable": found.unreadable,
        "bad": [] if found.images is None else [{"where": b.where, "kind": b.kind} for b in found.images.bad],
        "differs": list(found.problems),
        **found.taxonomy,
    }
    (spec.out / "prepared.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

"""A benchmark made ready: its files found or unpacked, its lists read, counted and written as manifests."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from rlfg.data.benchmarks.copies import read_copy
from rlfg.data.benchmarks.counts import differences, missing_by_class
from rlfg.data.benchmarks.files import make_ready
from rlfg.data.benchmarks.labels import Labels
from rlfg.data.benchmarks.model import SPLITS, Benchmark
from rlfg.data.check import ImageReport, check_images
from rlfg.data.examples import Examples
from rlfg.data.splits import SplitSpec, record_of, split
from rlfg.errors import RlfgError
from rlfg.taxonomy import check_labels, load_taxonomy
from rlfg.taxonomy.hierarchies import BUILTIN
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
    train_on: Literal["train", "trainval"] = "train"
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
    home, problems, pairs = _read(benchmark, spec, say)
    listed = Examples(items=tuple(e for _, e in pairs), where=tuple(where for where, _ in pairs))
    problems += differences(benchmark, listed.items) + _unknown(benchmark, listed)
    there = [i for i, example in enumerate(listed) if os.path.isfile(example.image)]
    missing = [listed[i] for i in sorted(set(range(len(listed))) - set(there))]
    if missing:
        problems.append(
            f"{len(missing):,} listed pictures are not there ({missing_by_class(missing)}); first: {missing[0].image}"
        )
    if problems and not spec.allow_partial:
        told = "\n".join(f"  {problem}" for problem in problems)
        raise RlfgError(f"{benchmark.title} is not as published; --allow-partial goes on with what there is\n{told}")
    if not there:
        raise RlfgError(f"{benchmark.title}: none of the {len(listed):,} listed pictures is there")
    examples, report = listed.subset(there), None
    if spec.on_bad_image != "unchecked":
        say(f"opening {len(examples):,} pictures")
        examples, report = check_images(examples, on_bad=spec.on_bad_image)
    examples = _carved(_trained_on(examples, spec), spec)
    written, manifests = _write(examples, spec.out)
    found = Prepared(
        written=written,
        listed=len(listed),
        missing=len(missing),
        unreadable=len(there) - len(examples),
        problems=tuple(problems),
        images=report,
        taxonomy=_taxonomy(benchmark, home, spec.out),
        manifests=manifests,
    )
    _record(benchmark, spec, found)
    return found


def _read(
    benchmark: Benchmark, spec: PrepareSpec, say: Callable[[str], None]
) -> tuple[Path | None, list[str], list[tuple[str, Example]]]:
    """The benchmark's folder, in what its files differ, and the lines of its lists."""
    labels = Labels(benchmark)
    if spec.copy is not None:
        return None, [], list(read_copy(spec.copy, spec.out, labels, splits=spec.splits, columns=spec.columns, say=say))
    assert spec.root is not None
    if benchmark.read is None:
        raise RlfgError("prepare: a dataset that is no benchmark is read with --from-hub: hub id, folder or manifest")
    home, problems = make_ready(benchmark, spec.root, any_file=spec.allow_partial, say=say)
    pairs = [
        (
            row.where,
            Example(
                id=row.id,
                image=str(home / row.image),
                label=labels.of(row.name, row.where),
                split=row.split,
                meta={"class": row.name, **row.meta},
            ),
        )
        for row in benchmark.read(home)
    ]
    twice = [key for key, n in Counter(example.id for _, example in pairs).items() if n > 1]
    if twice:
        raise RlfgError(f"{home}: the lists of {benchmark.title} name {twice[0]!r} and {len(twice) - 1} others twice")
    return home, problems, pairs


def _unknown(benchmark: Benchmark, examples: Examples) -> list[str]:
    """Labels that a taxonomy of one's own does not know."""
    if benchmark.taxonomy is None:
        return []
    return [
        problem.message
        for problem in check_labels(load_taxonomy(benchmark.taxonomy, root=benchmark.root), (e.label for e in examples))
    ]


def _trained_on(examples: Examples, spec: PrepareSpec) -> Examples:
    if spec.train_on == "train":
        return examples
    return replace(examples, items=tuple(_moved(e, "train") if e.split == "val" else e for e in examples))


def _carved(examples: Examples, spec: PrepareSpec) -> Examples:
    """With a share of each class's training pictures moved to val."""
    if not spec.val:
        return examples
    if any(example.split == "val" for example in examples):
        raise RlfgError("prepare: there is an official val, and --val would carve out another; leave it out")
    training = [i for i, example in enumerate(examples) if example.split == "train"]
    drawn = split(examples.subset(training), SplitSpec(seed=spec.seed, val=spec.val, test=0.0, duplicates="ignore"))
    val = {i for i, place in zip(training, drawn.places, strict=True) if place == "val"}
    return replace(examples, items=tuple(_moved(e, "val") if i in val else e for i, e in enumerate(examples)))


def _moved(example: Example, to: str) -> Example:
    return replace(example, split=to, meta={**example.meta, "official_split": example.split})


def _write(examples: Sequence[Example], out: Path) -> tuple[dict[str, int], dict[str, Path]]:
    """A manifest for each split that has pictures; one of an earlier run with other options is taken away."""
    out.mkdir(parents=True, exist_ok=True)
    written, manifests = {}, {}
    for place in SPLITS:
        path = out / f"{place}.jsonl"
        chosen = [example for example in examples if example.split == place]
        if not chosen:
            path.unlink(missing_ok=True)
            continue
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(record_of(e, out), ensure_ascii=False) + "\n" for e in chosen)
        written[place], manifests[place] = len(chosen), path
    return written, manifests


def _taxonomy(benchmark: Benchmark, home: Path | None, out: Path) -> dict[str, Any]:
    """The hierarchy as a recipe names it; own categories are written beside the manifests."""
    if benchmark.hierarchy is not None:
        return {"taxonomy": f"{BUILTIN}{benchmark.hierarchy}"}
    if benchmark.taxonomy is not None:
        return {"taxonomy": benchmark.taxonomy} | ({"root": benchmark.root} if benchmark.root else {})
    if home is None or benchmark.categories is None:
        return {}
    path = out / "taxonomy.json"
    path.write_text(json.dumps({"categories": benchmark.categories(home)}, ensure_ascii=False) + "\n", encoding="utf-8")
    return {"taxonomy": str(path), "root": benchmark.root}


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

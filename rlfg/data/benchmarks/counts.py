"""Compares what was read with the published counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from rlfg.data.benchmarks.model import Benchmark
from rlfg.types import Example

SHOWN = 5
"""Classes that a message names one by one."""


def differences(benchmark: Benchmark, examples: Sequence[Example]) -> list[str]:
    """Each a sentence: splits, classes, and classes of a split whose number of pictures is not the published one."""
    by_split: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        by_split[str(example.split)][example.label] += 1
    found = [
        f"split {split}: {n:,} pictures, published {benchmark.counts.get(split, 0):,}"
        for split in (sorted({*benchmark.counts, *by_split}) if benchmark.counts else ())
        if (n := by_split[split].total()) != benchmark.counts.get(split, 0)
    ]
    seen = {label for counts in by_split.values() for label in counts}
    labels = benchmark.labels()
    if benchmark.classes is not None and len(seen) != benchmark.classes:
        absent = [] if labels is None else [label for label in labels.values() if label not in seen]
        found.append(f"classes: {len(seen):,}, published {benchmark.classes:,}{_listed('; there is none of', absent)}")
    for split, each in benchmark.each.items():
        found += _uneven(split, by_split[split], each)
    return found


def told_missing(missing: Sequence[Example]) -> list[str]:
    """Which classes and splits lack pictures that the lists name; nothing where none is missing."""
    if not missing:
        return []
    places = Counter((str(example.split), example.label) for example in missing)
    listed = _listed("", [f"{n:,} of {split} {label!r}" for (split, label), n in places.most_common()]).strip()
    return [f"{len(missing):,} listed pictures are not there ({listed}); first: {missing[0].image}"]


def _uneven(split: str, counts: Mapping[str, int], each: int) -> list[str]:
    odd = [f"{label} ({n:,})" for label, n in sorted(counts.items()) if n != each]
    return [f"split {split}, classes without the published {each:,} pictures{_listed(':', odd)}"] if odd else []


def _listed(before: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{before} {', '.join(names[:SHOWN])}{more}" if names else ""

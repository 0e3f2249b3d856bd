"""All other metrics of the runs, side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from eval.report.headline import interval, number
from eval.report.links import link

Metrics = Mapping[str, Mapping[str, Any]]
"""Run → its `metrics.json`."""
SECTIONS = {"text": "As texts", "tree": "Over the tree", "behaviour": "Behaviour"}
_HEADLINE = ("hm", "correctness", "specificity", "specific_share", "wrong_share")


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberCell:
    """One metric of one run."""

    value: str
    interval: str
    of: int
    href: str
    published: str
    """By the authors' own rule, where that differs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberRow:
    """One metric; None where a run was not scored by it."""

    name: str
    cells: tuple[NumberCell | None, ...]


def number_sections(metrics: Metrics, embedded: Mapping[str, Collection[str]]) -> dict[str, list[NumberRow]]:
    """Section → its metrics; those that a run has in `embedded` link to their answers."""
    records = {run: {**record, "hierarchy": _hierarchy(record)} for run, record in metrics.items()}
    found = {}
    for key, title in {"hierarchy": "Hierarchical", **SECTIONS}.items():
        of_runs = {run: _entries(record.get(key, {})) for run, record in records.items()}
        names = dict.fromkeys(name for entries in of_runs.values() for name in entries)
        rows = [
            NumberRow(
                name=name,
                cells=tuple(_cell(run, name, entries.get(name), embedded[run]) for run, entries in of_runs.items()),
            )
            for name in names
        ]
        if rows:
            found[title] = rows
    return found


def behind_metric(name: str) -> str:
    """The values of single answers that a metric sums up: those of micro and macro means are the same."""
    return name.removesuffix("_micro").removesuffix("_macro")


def notes(metrics: Metrics) -> dict[str, Any]:
    """What the text metrics say beside their numbers, of the last run that has notes."""
    return next(
        (dict(r["text"]["notes"]) for r in reversed(tuple(metrics.values())) if r.get("text", {}).get("notes")), {}
    )


def _hierarchy(record: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics over the tree that stand beside the headline's."""
    of, published = record.get("denominators", {}), record.get("published", {})
    return {
        name: {"value": record.get(name), "denominator": n, "ci": record["ci"].get(name)}
        | ({"published": published[name]} if name in published else {})
        for name, n in of.items()
        if name not in _HEADLINE
    }


def _entries(section: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {name: entry for name, entry in section.items() if isinstance(entry, Mapping) and "denominator" in entry}


def _cell(run: str, name: str, entry: Mapping[str, Any] | None, embedded: Collection[str]) -> NumberCell | None:
    if entry is None:
        return None
    ci = entry["ci"]
    return NumberCell(
        value=number(entry["value"]),
        interval=interval(ci),
        of=entry["denominator"],
        href=link(run=run, score=behind) if (behind := behind_metric(name)) in embedded else "",
        published=number(entry["published"]) if "published" in entry else "",
    )

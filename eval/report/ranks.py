"""Per-rank bars: at each rank, which answers are right there, wrong there, or stop above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from eval.metrics.tree import ancestors_at_levels, level_names
from eval.report.bars import Bar, Segment, bar_chart
from eval.report.links import link
from eval.score import ScoredItem
from eval.table import NO_NODE, BoolArray, build_table
from rlfg.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """What the answers of a run are at each level; (N, L), of those that did not fail and were decided."""

    names: tuple[str, ...]
    right_NL: BoolArray
    missed_NL: BoolArray
    short_NL: BoolArray
    """Stops above the level, or names no taxon."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RankPanel:
    """One rank, drawn."""

    name: str
    counted: int
    """Answers of the last run whose truth has the rank."""
    picture: Markup
    cells: tuple[tuple[str, str, str], ...]
    """Accuracy of the attempts of each run, its interval, and the link to the right ones."""
    href: str
    """To the counted ones."""


def levels_of(items: Sequence[ScoredItem], taxonomy: Taxonomy) -> Levels:
    """One row for each answer that did not fail, as in `eval.metrics.per_rank`."""
    table = build_table(items)
    truths = ancestors_at_levels(taxonomy, table.truth_node_N)
    answers = ancestors_at_levels(taxonomy, table.answer_node_N)
    counted = table.decided_N[:, None] & (truths != NO_NODE)
    attempted = counted & (answers != NO_NODE)
    right = attempted & (answers == truths)
    return Levels(
        names=level_names(taxonomy), right_NL=right, missed_NL=attempted & ~right, short_NL=counted & ~attempted
    )


def rank_panels(runs: Mapping[str, Levels], metrics: Mapping[str, Mapping[str, Any]]) -> list[RankPanel]:
    """A panel for each rank that some truth has, from the top; `metrics` has the intervals."""
    names = next(iter(runs.values())).names
    return [
        _panel(level, name, runs, metrics)
        for level, name in enumerate(names)
        if any(_counted(r, level) for r in runs.values())
    ]


def _counted(levels: Levels, level: int) -> int:
    return int(sum(x[:, level].sum() for x in (levels.right_NL, levels.missed_NL, levels.short_NL)))


def _panel(level: int, name: str, runs: Mapping[str, Levels], metrics: Mapping[str, Mapping[str, Any]]) -> RankPanel:
    bars = [_bar(run, levels, level, name) for run, levels in runs.items()]
    *_, last = runs.values()
    return RankPanel(
        name=name,
        counted=_counted(last, level),
        picture=bar_chart(bars, label=f"Right, wrong and not attempted at the rank {name}, by model"),
        cells=tuple(
            (*_accuracy(metrics.get(run, {}).get("per_rank", {}).get(name)), link(run=run, right=name)) for run in runs
        ),
        href=link(run=tuple(runs)[-1], ranked=name),
    )


def _bar(run: str, levels: Levels, level: int, name: str) -> Bar:
    kinds = (
        ("right there", levels.right_NL, "v-specific", link(run=run, right=name)),
        ("wrong there", levels.missed_NL, "v-wrong", link(run=run, missed=name)),
        ("stops above it, or names no taxon", levels.short_NL, "v-abstain", link(run=run, short=name)),
    )
    return Bar(
        name=run,
        segments=tuple(
            Segment(name=words, count=int(np.count_nonzero(found[:, level])), css=css, href=href)
            for words, found, css, href in kinds
        ),
    )


def _accuracy(found: Mapping[str, Any] | None) -> tuple[str, str]:
    if not found or found.get("accuracy") is None:
        return "–", ""
    ci = found["ci"].get("accuracy")
    return f"{found['accuracy']:.3f}", f"[{ci[0]:.3f}, {ci[1]:.3f}]" if ci else ""

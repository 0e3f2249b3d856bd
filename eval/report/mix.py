"""Verdict mix: one horizontal bar per run, its segments the share of each verdict, best on the left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from eval.report.bars import Bar, Segment, bar_chart
from eval.report.links import link
from eval.report.palette import LOOKS, css_class


def mix_chart(counts: Mapping[str, Mapping[str, int]], *, name: str, group: Sequence[str] = ()) -> Markup:
    """Bars of the runs (run → verdict → count), with a percentage axis; `group` are the groups it is about."""
    bars = [
        Bar(
            name=run,
            segments=tuple(
                Segment(
                    name=LOOKS[label].name,
                    count=count,
                    css=css_class(label),
                    href=link(run=run, verdict=label, group=group),
                )
                for label, count in of_run.items()
            ),
        )
        for run, of_run in counts.items()
    ]
    return bar_chart(bars, label=f"Share of each verdict by model, {name}")

"""Verdict mix: one horizontal bar per run, its segments the share of each verdict, best on the left."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from eval.report import svg
from eval.report.palette import LOOKS, css_class

_WIDTH, _BAR, _GAP, _LEFT, _TOP = 480.0, 26.0, 10.0, 84.0, 6.0
_SMALLEST_LABELLED = 0.075
"""Segments narrower than this share of the bar carry no number; hovering still names them."""


def mix_chart(counts: Mapping[str, Mapping[str, int]], *, name: str) -> Markup:
    """Bars of the runs (run → verdict → count), with a percentage axis."""
    height = _TOP + len(counts) * (_BAR + _GAP) + 18
    scale = svg.Scale(0, 1, _LEFT, _WIDTH - 12)
    bottom = _TOP + len(counts) * (_BAR + _GAP) - 4
    parts = [_axis(scale, bottom)]
    for row, (run, of_run) in enumerate(counts.items()):
        parts.append(_bar(run, of_run, scale, y=_TOP + row * (_BAR + _GAP)))
    return svg.drawing(*parts, width=_WIDTH, height=height, label=f"Share of each verdict by model, {name}")


def _bar(run: str, counts: Mapping[str, int], scale: svg.Scale, *, y: float) -> str:
    total = sum(counts.values())
    parts = [svg.text(_LEFT - 10, y + _BAR / 2 + 4.5, run, class_="run", anchor="end")]
    before = 0
    for label, count in counts.items():
        if not count:
            continue
        share = count / total
        left, right = scale(before / total), scale((before + count) / total)
        before += count
        segment = svg.element(
            "rect",
            svg.hint(f"{run}: {LOOKS[label].name}, {count:,} of {total:,} ({share:.1%})"),
            x=left,
            y=y,
            width=max(right - left - 1, 0.6),
            height=_BAR,
            class_=css_class(label),
        )
        parts.append(segment)
        if share >= _SMALLEST_LABELLED:
            where = (left + right - 1) / 2
            label_class = f"on {css_class(label)}"
            parts.append(svg.text(where, y + _BAR / 2 + 4, f"{share:.0%}", class_=label_class, anchor="middle"))
    return svg.element("g", *parts)


def _axis(scale: svg.Scale, y: float) -> str:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = scale(share)
        parts.append(svg.element("line", x1=x, x2=x, y1=2.0, y2=y, class_="grid"))
        parts.append(svg.text(x, y + 15, f"{share:.0%}", class_="tick", anchor="middle"))
    return svg.element("g", *parts)

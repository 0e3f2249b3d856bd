"""Horizontal bars of shares that add up to one, each segment a link to its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from eval.report import svg

_WIDTH, _BAR, _GAP, _TOP, _LETTER = 480.0, 26.0, 10.0, 6.0, 7.4
_LONGEST = 22
"""Letters of a name beyond which it is cut."""
_SMALLEST_LABELLED = 0.075
"""Segments narrower than this share of the bar carry no number; hovering still names them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """Some of a bar's answers."""

    name: str
    count: int
    css: str
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One line of the chart."""

    name: str
    segments: tuple[Segment, ...]
    note: str = ""
    """Set behind the bar."""


def bar_chart(bars: Sequence[Bar], *, label: str) -> Markup:
    """Bars from 0 to 100 %, with names on the left."""
    left = 16 + _LETTER * min(_LONGEST, max(6, *(len(bar.name) for bar in bars)))
    right = _WIDTH - 12 - 6.6 * max(len(bar.note) for bar in bars)
    bottom = _TOP + len(bars) * (_BAR + _GAP) - 4
    scale = svg.Scale(0, 1, left, right)
    parts = [_axis(scale, bottom)]
    parts += [_bar(bar, scale, _TOP + row * (_BAR + _GAP)) for row, bar in enumerate(bars)]
    return svg.drawing(*parts, width=_WIDTH, height=bottom + 22, label=label, interactive=True)


def _bar(bar: Bar, scale: svg.Scale, y: float) -> str:
    total = sum(segment.count for segment in bar.segments)
    name = bar.name if len(bar.name) <= _LONGEST else bar.name[: _LONGEST - 1] + "…"
    named = svg.text(scale.start - 10, y + _BAR / 2 + 4.5, name, class_="run", anchor="end")
    parts = [svg.element("g", svg.hint(bar.name), named)]
    before = 0
    for segment in bar.segments:
        if segment.count:
            parts.append(_segment(bar.name, segment, scale(before / total), scale((before + segment.count) / total), y,
                                  segment.count / total, total))  # fmt: skip
        before += segment.count
    if bar.note:
        parts.append(svg.text(_WIDTH, y + _BAR / 2 + 4.5, bar.note, class_="note", anchor="end"))
    return svg.element("g", *parts)


def _segment(bar: str, segment: Segment, left: float, right: float, y: float, share: float, total: int) -> str:
    words = f"{bar}: {segment.name}, {segment.count:,} of {total:,} ({share:.1%})"
    width = max(right - left - 1, 0.6)
    parts = [svg.hint(words), svg.element("rect", x=left, y=y, width=width, height=_BAR, class_=segment.css)]
    if share >= _SMALLEST_LABELLED:
        middle = (left + right - 1) / 2
        parts.append(svg.text(middle, y + _BAR / 2 + 4, f"{share:.0%}", class_=f"on {segment.css}", anchor="middle"))
    return svg.element("a", *parts, href=segment.href, aria_label=words)


def _axis(scale: svg.Scale, y: float) -> str:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = scale(share)
        parts.append(svg.element("line", x1=x, x2=x, y1=2.0, y2=y, class_="grid"))
        parts.append(svg.text(x, y + 15, f"{share:.0%}", class_="tick", anchor="middle"))
    return svg.element("g", *parts)

"""Correctness against specificity: where each run stands, its intervals, and the way from run to run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from eval.report import svg
from eval.report.links import link
from eval.table import DECIDED_LABELS

_WIDTH, _HEIGHT = 256.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 6.0, 8.0, 38.0
_Box = tuple[float, float, float, float]
_LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The part of the unit square that is drawn, the same for all panels of a report."""

    x: tuple[float, float]
    y: tuple[float, float]


def fit_window(summaries: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Window:
    """The smallest window in tenths that holds every point (group → run → summary) and its interval."""
    everything = [s for runs in summaries.values() for s in runs.values() if _drawable(s)]
    return Window(x=_range(everything, "specificity"), y=_range(everything, "correctness"))


def tradeoff_chart(
    summaries: Mapping[str, Mapping[str, Any]], window: Window, *, name: str, group: Sequence[str] = ()
) -> Markup:
    """One panel: the runs of a group (run → summary), joined in their order; curves of equal HM behind.

    Args:
        summaries: of the runs.
        window: what is drawn.
        name: of the group, for screen readers.
        group: the groups of items that it stands for, none for all; where the points lead.
    """
    x = svg.Scale(*window.x, _LEFT, _WIDTH - _RIGHT)
    y = svg.Scale(*window.y, _HEIGHT - _BOTTOM, _TOP)
    shown = {run: s for run, s in summaries.items() if _drawable(s)}
    places = [(x(s["specificity"]), y(s["correctness"])) for s in shown.values()]
    parts = [axes(x, y, "specificity →", "correctness →"), _equal_hm(x, y, places), svg.path(places, class_="trail")]
    for index, (run, summary) in enumerate(shown.items()):
        point = _point(run, summary, x, y, last=index == len(shown) - 1)
        parts.append(svg.element("a", point, href=link(run=run, group=group, verdict=DECIDED_LABELS)))
    parts.append(_labels(list(shown), places))
    return svg.drawing(*parts, width=_WIDTH, height=_HEIGHT, interactive=True,
                       label=f"Correctness against specificity, {name}")  # fmt: skip


def _drawable(summary: Mapping[str, Any]) -> bool:
    return summary["correctness"] is not None and summary["specificity"] is not None


def _range(summaries: list[Mapping[str, Any]], metric: str) -> tuple[float, float]:
    bounds = [bound for s in summaries for bound in (s[metric], *(s["ci"][metric] or ()))]
    low, high = min(bounds, default=0.0), max(bounds, default=1.0)
    low, high = max(0.0, math.floor((low - 0.03) * 10) / 10), min(1.0, math.ceil((high + 0.03) * 10) / 10)
    return (low, high) if high - low >= 0.3 else (max(0.0, min(low, high - 0.3)), min(1.0, max(high, low + 0.3)))


def axes(x: svg.Scale, y: svg.Scale, across: str, up: str) -> str:
    """A grid with ticks, and what the axes are."""
    parts = []
    for tick in svg.round_ticks(x.low, x.high):
        parts.append(svg.element("line", x1=x(tick), x2=x(tick), y1=y.start, y2=y.end, class_="grid"))
        parts.append(svg.text(x(tick), y.start + 15, svg.short(tick), class_="tick", anchor="middle"))
    for tick in svg.round_ticks(y.low, y.high):
        parts.append(svg.element("line", x1=x.start, x2=x.end, y1=y(tick), y2=y(tick), class_="grid"))
        parts.append(svg.text(x.start - 7, y(tick) + 4, svg.short(tick), class_="tick", anchor="end"))
    middle_x, middle_y = (x.start + x.end) / 2, (y.start + y.end) / 2
    parts.append(svg.text(middle_x, y.start + 32, across, class_="axis", anchor="middle"))
    turned = svg.element("g", svg.text(0, 0, up, class_="axis", anchor="middle"),
                         transform=f"translate(11 {middle_y:.1f}) rotate(-90)")  # fmt: skip
    return svg.element("g", *parts, turned)


def _equal_hm(x: svg.Scale, y: svg.Scale, places: Sequence[tuple[float, float]]) -> str:
    """Curves c = h s / (2 s - h), labelled where they leave the window, but not under a point."""
    parts, taken = [], _around(places)
    for level in _LEVELS:
        points = []
        for step in range(101):
            s = x.low + (x.high - x.low) * step / 100
            if 2 * s > level and y.low <= (c := level * s / (2 * s - level)) <= y.high:
                points.append((x(s), y(c)))
        if len(points) > 4:
            parts.append(svg.path(points, class_="iso"))
            end_x, end_y = points[-1]
            if not _covers((end_x - 37, end_y - 13, end_x - 3, end_y - 3), taken):
                parts.append(svg.text(end_x - 3, end_y - 4, f"HM {level:.1f}", class_="iso-label", anchor="end"))
    return svg.element("g", *parts)


def _point(run: str, summary: Mapping[str, Any], x: svg.Scale, y: svg.Scale, *, last: bool) -> str:
    s, c = summary["specificity"], summary["correctness"]
    parts = [svg.hint(f"{run}: correctness {c:.3f}, specificity {s:.3f}, HM {summary['hm']:.3f}")]
    if interval := summary["ci"]["specificity"]:
        parts.append(svg.element("line", x1=x(interval[0]), x2=x(interval[1]), y1=y(c), y2=y(c), class_="whisker"))
    if interval := summary["ci"]["correctness"]:
        parts.append(svg.element("line", x1=x(s), x2=x(s), y1=y(interval[0]), y2=y(interval[1]), class_="whisker"))
    parts.append(svg.element("circle", cx=x(s), cy=y(c), r=6.5 if last else 5.0, class_="dot last" if last else "dot"))
    return svg.element("g", *parts)


def _labels(runs: list[str], places: list[tuple[float, float]]) -> str:
    """Names beside the points, each in the first of four corners where it covers no point and no other name."""
    parts: list[str] = []
    taken = _around(places)
    for run, (x, y) in zip(runs, places, strict=True):
        boxes = [_name_box(run, x, y, side, drop) for side in (1, -1) for drop in (-8, 17)]
        free = [box for box in boxes if box[0] > _LEFT and box[2] < _WIDTH and not _covers(box, taken)]
        box = (free or boxes)[0]
        taken.append(box)
        parts.append(svg.text(box[0], box[3] - 3, run, class_="name"))
    return svg.element("g", *parts)


def _around(places: Sequence[tuple[float, float]]) -> list[_Box]:
    """What the points cover."""
    return [(x - 7, y - 7, x + 7, y + 7) for x, y in places]


def _name_box(run: str, x: float, y: float, side: int, drop: float) -> _Box:
    """Left, top, right, bottom of a name beside (x, y); 6.8 px is about the mean width of a letter."""
    width = 6.8 * len(run)
    left = x + 8 if side > 0 else x - 8 - width
    return left, y + drop - 11, left + width, y + drop + 3


def _covers(box: _Box, taken: list[_Box]) -> bool:
    return any(box[0] < t[2] and t[0] < box[2] and box[1] < t[3] and t[1] < box[3] for t in taken)

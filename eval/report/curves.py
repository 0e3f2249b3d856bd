"""Training curves: small multiples of what a run logged at each step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from eval.predictions import read_json_lines
from eval.report import svg
from eval.report.palette import LOOKS, css_class
from rlfg.errors import RlfgError
from rlfg.types import VERDICT_LABELS

Log = Sequence[Mapping[str, float]]
"""One dictionary per logged step, each with "step", in order."""

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 320.0, 170.0, 38.0, 8.0, 24.0
_SMOOTHED_FROM = 40
"""Logged points from which on a running mean is drawn over the faint raw line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """One chart: which logged values it draws (key → name, CSS class)."""

    title: str
    caption: str
    """In what unit, over what."""
    lines: Mapping[str, tuple[str, str]]
    axis: Literal["unit", "zero", "fit"] = "zero"
    """0 … 1, from zero, or as the values need it."""
    stacked: bool = False
    """Areas that add up to 1 instead of lines."""


_METRIC_LINES = {
    "correctness": ("correctness", "c-correctness"),
    "specificity": ("specificity", "c-specificity"),
    "hm": ("HM", "c-hm"),
}
PANELS = (
    Panel(title="Reward", caption="mean over the answers of a step", lines={"reward": ("reward", "c-hm")}),
    Panel(
        title="Verdicts",
        caption="share of the sampled answers, best at the bottom",
        lines={f"verdict/{label.lower()}": (LOOKS[label].name, css_class(label)) for label in VERDICT_LABELS},
        axis="unit",
        stacked=True,
    ),
    Panel(
        title="Correctness, specificity, HM",
        caption="of the answers sampled in training",
        lines=_METRIC_LINES,
        axis="fit",
    ),
    Panel(
        title="The same in evaluation",
        caption="greedy answers to held-out pictures",
        lines={f"eval_{key}": line for key, line in _METRIC_LINES.items()},
        axis="fit",
    ),
    Panel(
        title="Groups without a signal",
        caption="share of groups whose answers all earned the same",
        lines={"zero_variance_groups": ("share", "c-hm")},
    ),
    Panel(title="Loss", caption="of an optimizer step", lines={"loss": ("loss", "c-hm")}),
    Panel(
        title="Token accuracy",
        caption="share of target tokens that were the model's first choice",
        lines={"mean_token_accuracy": ("accuracy", "c-hm")},
    ),
    Panel(title="Entropy", caption="nats per token", lines={"entropy": ("entropy", "c-hm")}),
    Panel(title="Distance from the start", caption="KL divergence, nats per token", lines={"kl": ("KL", "c-hm")}),
    Panel(
        title="Length of an answer",
        caption="tokens, thinking included",
        lines={"length/mean": ("mean", "c-hm"), "length/max": ("longest", "c-specificity")},
    ),
    Panel(
        title="Time",
        caption="seconds of a step, by what they went into",
        lines={
            "time/generation": ("generation", "c-correctness"),
            "time/update": ("update", "c-specificity"),
            "time/reward": ("reward", "c-hm"),
        },
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A panel as the template shows it."""

    title: str
    caption: str
    picture: Markup
    legend: tuple[tuple[str, str], ...]
    """(name, CSS class) of each line; empty where there is one."""


def read_curves(path: str | Path) -> list[dict[str, float]]:
    """Read a run's `metrics.jsonl`; lines of the same step (training and evaluation) are joined.

    Raises:
        RlfgError: a line without a number "step".
    """
    steps: dict[float, dict[str, float]] = {}
    for where, record in read_json_lines(path):
        numbers = {key: float(value) for key, value in record.items() if _is_number(value)}
        if "step" not in numbers:
            raise RlfgError(f'{where}: has no number "step"; expected the metrics.jsonl of a training run')
        steps.setdefault(numbers["step"], {}).update(numbers)
    return [steps[step] for step in sorted(steps)]


def draw_curves(log: Log) -> list[Drawn]:
    """Every panel that the log has at least two values for."""
    return [drawn for panel in PANELS if (drawn := _draw(panel, log)) is not None]


def not_drawn(log: Log) -> list[str]:
    """Logged keys that no panel shows."""
    known = {"step", *(key for panel in PANELS for key in panel.lines)}
    return sorted({key for record in log for key in record} - known)


def _draw(panel: Panel, log: Log) -> Drawn | None:
    series = {key: _series(log, key) for key in panel.lines}
    series = {key: points for key, points in series.items() if len(points) > 1}
    if panel.stacked:
        series = {key: points for key, points in series.items() if any(value for _, value in points)}
    if not series:
        return None
    x, y = _scales(panel, series)
    body = _areas(panel, series, x, y) if panel.stacked else _lines(panel, series, x, y)
    picture = svg.drawing(_axes(x, y), body, width=_WIDTH, height=_HEIGHT, label=f"{panel.title}, {panel.caption}")
    legend = tuple(panel.lines[key] for key in series) if len(series) > 1 else ()
    return Drawn(title=panel.title, caption=panel.caption, picture=picture, legend=legend)


def _series(log: Log, key: str) -> list[tuple[float, float]]:
    return [(record["step"], record[key]) for record in log if math.isfinite(record.get(key, math.nan))]


def _scales(panel: Panel, series: Mapping[str, list[tuple[float, float]]]) -> tuple[svg.Scale, svg.Scale]:
    steps = [step for points in series.values() for step, _ in points]
    values = [value for points in series.values() for _, value in points]
    low, high = (0.0, 1.0) if panel.axis == "unit" else (min(values), max(values))
    if panel.axis == "zero":
        low = min(0.0, low)
    if panel.axis != "unit":
        margin = (high - low) * 0.06 or 0.5
        low, high = (low if low == 0 else low - margin), high + margin
    right = _WIDTH - 10
    return svg.Scale(min(steps), max(steps), _LEFT, right), svg.Scale(low, high, _HEIGHT - _BOTTOM, _TOP)


def _axes(x: svg.Scale, y: svg.Scale) -> str:
    parts = []
    for tick in svg.round_ticks(y.low, y.high):
        parts.append(svg.element("line", x1=x.start, x2=x.end, y1=y(tick), y2=y(tick), class_="grid"))
        parts.append(svg.text(x.start - 6, y(tick) + 4, svg.short(tick), class_="tick", anchor="end"))
    *ticks, last = svg.round_ticks(x.low, x.high)
    parts += [svg.text(x(tick), _HEIGHT - 6, svg.short(tick), class_="tick", anchor="middle") for tick in ticks]
    parts.append(svg.text(min(x(last) + 8, x.end), _HEIGHT - 6, f"step {svg.short(last)}", class_="tick", anchor="end"))
    return svg.element("g", *parts)


def _lines(panel: Panel, series: Mapping[str, list[tuple[float, float]]], x: svg.Scale, y: svg.Scale) -> str:
    parts = []
    for key, points in series.items():
        css = panel.lines[key][1]
        placed = [(x(step), y(value)) for step, value in points]
        if len(points) >= _SMOOTHED_FROM:
            parts.append(svg.path(placed, class_=f"line {css} raw"))
            placed = _running_mean(placed)
        parts.append(svg.path(placed, class_=f"line {css}"))
        end_x, end_y = placed[-1]
        parts.append(svg.element("circle", svg.hint(f"{panel.lines[key][0]}: {points[-1][1]:.3g} at the end"),
                                 cx=end_x, cy=end_y, r=3.0, class_=f"end {css}"))  # fmt: skip
    return svg.element("g", *parts)


def _areas(panel: Panel, series: Mapping[str, list[tuple[float, float]]], x: svg.Scale, y: svg.Scale) -> str:
    """Shares stacked from the bottom, in the panel's order."""
    steps = sorted({step for points in series.values() for step, _ in points})
    floor = dict.fromkeys(steps, 0.0)
    parts = []
    for key, points in series.items():
        top = {step: floor[step] + dict(points).get(step, 0.0) for step in steps}
        outline = [(x(s), y(top[s])) for s in steps] + [(x(s), y(floor[s])) for s in reversed(steps)]
        parts.append(svg.path(outline, class_=panel.lines[key][1], close=True))
        floor = top
    return svg.element("g", *parts)


def _running_mean(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Mean over a centred window of about a twelfth of the run, cut off at the ends."""
    half = max(2, len(points) // 24)
    smoothed = []
    for index, (x, _) in enumerate(points):
        window = [y for _, y in points[max(0, index - half) : index + half + 1]]
        smoothed.append((x, sum(window) / len(window)))
    return smoothed


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

"""What can be had by saying less, where pictures have several answers, and whether their agreement can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from eval.report import svg
from eval.report.agreement import DIGITS, threshold_name
from eval.report.headline import interval, number
from eval.report.links import link
from eval.report.tradeoff import axes

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 330.0, 270.0, 52.0, 10.0, 10.0, 38.0
_SMALL = 230.0
Selective = Mapping[str, Any]
"""The section "selective" of `metrics.json`."""
Points = Sequence[tuple[float, float, str, str]]
"""(across, up, what hovering says, where a click leads)."""
Figure = tuple[str, str, str]
"""A value, its interval, and the link to its pictures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """What the last run says where so large a share of its answers must agree."""

    threshold: str
    answered: Figure
    accuracy: Figure
    specificity: Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Reliable:
    """One rank: shares of agreeing answers against how often they are right."""

    rank: str
    picture: Markup
    rows: tuple[tuple[str, str, str, int, str], ...]
    """(run, ECE, Brier, pictures, link to them)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SayingLess:
    """The section."""

    runs: tuple[tuple[str, str], ...]
    """(name, CSS class of its line)."""
    backoff: Markup
    risk: Markup
    areas: tuple[tuple[str, str, str, int], ...]
    """(run, AURC, hAURC, pictures)."""
    thresholds: tuple[Threshold, ...]
    reliable: tuple[Reliable, ...]


def saying_less(metrics: Mapping[str, Mapping[str, Any]]) -> SayingLess | None:
    """From each run's metrics; None where no run has several answers a picture."""
    found = {run: record["selective"] for run, record in metrics.items() if record.get("selective", {}).get("pictures")}
    if not found:
        return None
    *_, last = found.values()
    css = {run: f"k-{index}" for index, run in enumerate(reversed(found))}
    return SayingLess(
        runs=tuple((run, css[run]) for run in found),
        backoff=_plot({run: _backoff(run, s) for run, s in found.items()}, css,
                      "specificity →", "right, if it answers →",
                      "Accuracy against specificity at each back-off threshold"),
        risk=_plot({run: _risk(run, s) for run, s in found.items()}, css,
                   "pictures answered →", "mistakes among them →", "Risk against coverage"),
        areas=tuple((run, entry(s["aurc"]), entry(s["haurc"]), s["pictures"]) for run, s in found.items()),
        thresholds=tuple(_threshold(tuple(found)[-1], row) for row in last["accuracy_specificity"]),
        reliable=tuple(_reliable(rank, found, css) for rank in last["calibration"]),
    )  # fmt: skip


def entry(found: Mapping[str, Any]) -> str:
    """A value with its interval."""
    ci = found.get("ci")
    return number(found["value"]) + (f" [{ci[0]:.3f}, {ci[1]:.3f}]" if ci else "")


def _threshold(run: str, row: Mapping[str, Any]) -> Threshold:
    name = threshold_name(row["threshold"])
    said, true = link(run=run, says=name), link(run=run, true=name)
    return Threshold(
        threshold=f"{row['threshold']:.0%}",
        answered=_figure(row["answered"], said),
        accuracy=_figure(row["accuracy"], true),
        specificity=_figure(row["specificity"], true),
    )


def _figure(found: Mapping[str, Any], href: str) -> Figure:
    return number(found["value"]), interval(found["ci"]), href


def _backoff(run: str, section: Selective) -> Points:
    return [
        (row["specificity"]["value"], row["accuracy"]["value"],
         f"{row['threshold']:.0%} must agree: answers {row['answered']['value']:.1%}, of these "
         f"{row['accuracy']['value']:.1%} right, specificity {row['specificity']['value']:.3f}",
         link(run=run, says=threshold_name(row["threshold"])))
        for row in section["accuracy_specificity"]
        if row["accuracy"]["value"] is not None and row["specificity"]["value"] is not None
    ]  # fmt: skip


def _risk(run: str, section: Selective) -> Points:
    return [
        (p["coverage"], p["risk"], f"the {p['pictures']:,} surest ({p['confidence']:.0%} or more agree): "
         f"{p['risk']:.1%} wrong", link(run=run, sure=str(round(p["confidence"], DIGITS))))
        for p in section["risk_coverage"]
    ]  # fmt: skip


def _reliable(rank: str, found: Mapping[str, Selective], css: Mapping[str, str]) -> Reliable:
    levels = {run: s["calibration"][rank] for run, s in found.items() if rank in s["calibration"]}
    points = {
        run: [
            (
                b["confidence"],
                b["accuracy"],
                f"{b['n']:,} pictures: {b['confidence']:.1%} sure, {b['accuracy']:.1%} right",
                link(run=run, reliable=rank, bin=k),
            )
            for k, b in enumerate(level["bins"])
            if b["n"]
        ]
        for run, level in levels.items()
    }
    return Reliable(
        rank=rank,
        picture=_plot(points, css, "share that agrees →", "right →", f"Reliability at the rank {rank}",
                      width=_SMALL, height=_SMALL, diagonal=True),
        rows=tuple((run, entry(level["ece"]), entry(level["brier"]), level["ece"]["denominator"],
                    link(run=run, reliable=rank))
                   for run, level in levels.items()),
    )  # fmt: skip


def _plot(
    runs: Mapping[str, Points],
    css: Mapping[str, str],
    across: str,
    up: str,
    label: str,
    *,
    width: float = _WIDTH,
    height: float = _HEIGHT,
    diagonal: bool = False,
) -> Markup:
    """A line a run over the part of the unit square that they need (all, with a diagonal); the last run on top."""
    every = [point for points in runs.values() for point in points]
    (left, right), (low, high) = (
        ((0.0, 1.0),) * 2 if diagonal else (_window(p[0] for p in every), _window(p[1] for p in every))
    )
    x, y = svg.Scale(left, right, _LEFT, width - _RIGHT), svg.Scale(low, high, height - _BOTTOM, _TOP)
    parts = [axes(x, y, across, up)]
    if diagonal:
        parts.append(svg.path([(x(0), y(0)), (x(1), y(1))], class_="iso"))
    for run, points in runs.items():
        parts.append(svg.path([(x(a), y(b)) for a, b, *_ in points], class_=f"line {css[run]}"))
        for a, b, words, href in points:
            dot = svg.element("circle", cx=x(a), cy=y(b), r=3.4, class_=f"end {css[run]}")
            parts.append(svg.element("a", svg.hint(f"{run}: {words}"), dot, href=href, aria_label=f"{run}: {words}"))
    return svg.drawing(*parts, width=width, height=height, label=label, interactive=True)


def _window(values: Iterable[float]) -> tuple[float, float]:
    """The smallest range in tenths, a fifth or more, that holds all values."""
    known = list(values)
    low, high = (
        math.floor(min(known, default=0.0) * 10 - 1e-9) / 10,
        math.ceil(max(known, default=1.0) * 10 + 1e-9) / 10,
    )
    low, high = max(0.0, low), min(1.0, high)
    return (low, high) if high - low >= 0.2 else (max(0.0, min(low, high - 0.2)), min(1.0, max(high, low + 0.2)))

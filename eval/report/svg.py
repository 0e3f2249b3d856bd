"""The little SVG that the charts are drawn with. Coordinates are pixels of the view box; colours come from CSS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

Value = str | int | float


def element(tag: str, *children: str, **attributes: Value) -> str:
    """`<tag …>children</tag>`; children are markup, attributes are escaped (`class_` → class, `_` → `-`)."""
    given = "".join(f' {name.rstrip("_").replace("_", "-")}="{_show(value)}"' for name, value in attributes.items())
    return f"<{tag}{given}>{''.join(children)}</{tag}>" if children else f"<{tag}{given}/>"


def drawing(*children: str, width: float, height: float, label: str, interactive: bool = False) -> Markup:
    """A whole picture that scales with its column; `label` says what it shows to a screen reader.

    One that is `interactive` has links inside, which a mere image would hide from it.
    """
    role = "group" if interactive else "img"
    return Markup(  # Every text inside went through `text` or an escaped attribute.
        element("svg", *children, viewBox=f"0 0 {_show(width)} {_show(height)}", role=role, aria_label=label)
    )


def text(x: float, y: float, words: str, *, class_: str = "", anchor: str = "start") -> str:
    """Escaped text with its baseline at y."""
    return element("text", escape(words), x=x, y=y, class_=class_, text_anchor=anchor)


def hint(words: str) -> str:
    """What a browser shows on hovering the parent element."""
    return element("title", escape(words))


def path(points: Sequence[tuple[float, float]], *, class_: str, close: bool = False) -> str:
    """Straight lines through the points; NaN breaks the line."""
    parts, pen_down = [], False
    for x, y in points:
        if math.isnan(y):
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{_show(x)} {_show(y)}")
        pen_down = True
    return element("path", d="".join(parts) + ("Z" if close else ""), class_=class_)


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear map from [low, high] to pixels [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        span = self.high - self.low
        return self.start + (value - self.low) / (span or 1.0) * (self.end - self.start)


def round_ticks(low: float, high: float, *, about: int = 4) -> list[float]:
    """Multiples of 1, 2 or 5 × 10^k that lie in [low, high], roughly `about` of them."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= about + 0.5)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def short(value: float) -> str:
    """A number for an axis: at most three significant digits, no trailing zeros, no leading 0."""
    shown = f"{value:.3g}"
    if "e" in shown:
        mantissa, exponent = shown.split("e")
        return f"{mantissa}e{int(exponent)}"
    return shown


def _show(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value))

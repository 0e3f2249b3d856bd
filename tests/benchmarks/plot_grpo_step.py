"""Draws docs/grpo-step.svg from the table in docs/grpo-step.md: how an update grows with answers, picture and length.

python tests/benchmarks/plot_grpo_step.py
"""

from __future__ import annotations

import math
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROW = re.compile(r"^\| ([\d,]+) \| (\d+) \| (\d+) \| ([\d.]+) s \| ([\d.]+) s \|", re.M)
WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 210, 52, 40, 58
COLOURS = {"TRL": "#b3502d", "rlfg": "#1f7a6d"}
Points = dict[tuple[int, int, int], tuple[float, float]]


def read() -> Points:
    """Seconds of TRL and rlfg by picture tokens, answers and completion tokens."""
    rows = ROW.findall((DOCS / "grpo-step.md").read_text())
    return {
        (int(picture.replace(",", "")), int(group), int(length)): (float(trl), float(ours))
        for picture, group, length, trl, ours in rows
    }


def panel(points: Points, axis: int, fixed: tuple[int, int, int], label: str, left: float, most: float) -> str:
    """One panel: seconds on a logarithmic axis against one of the three."""
    found = sorted(
        (p[axis], seconds)
        for p, seconds in points.items()
        if all(p[i] == fixed[i] for i in range(3) if i != axis)
    )  # fmt: skip
    low, high = math.log10(0.3), math.log10(most)
    first, last = math.log2(found[0][0]), math.log2(found[-1][0])

    def place(value: float, seconds: float) -> tuple[float, float]:
        x = left + 14 + (math.log2(value) - first) / (last - first) * (WIDTH - 28)
        return x, TOP + HEIGHT - (math.log10(seconds) - low) / (high - low) * HEIGHT

    out = []
    for tick in (0.5, 1, 2, 5, 10, 20, 50, 100):
        y = place(found[0][0], tick)[1]
        out.append(f'<path d="M{left} {y:.1f}h{WIDTH}" class="grid"/>')
        out.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g} s</text>')
    for which, (name, colour) in enumerate(COLOURS.items()):
        spots = [place(value, seconds[which]) for value, seconds in found]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in spots]
        x, y = spots[-1]
        out.append(f'<text x="{x:.1f}" y="{y - 9:.1f}" text-anchor="end" fill="{colour}">{name}</text>')
    for value, _ in found:
        x = place(value, 1)[0]
        out.append(f'<text x="{x:.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{value:,}</text>')
    out.append(f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 36}" text-anchor="middle">{label}</text>')
    return "\n".join(out)


def main() -> None:
    points = read()
    most = max(trl for trl, _ in points.values()) * 1.15
    panels = [
        (0, (0, 8, 128), "tokens of the picture (8 answers of 128)"),
        (1, (256, 0, 128), "answers (picture 256, answers of 128)"),
        (2, (1024, 8, 0), "tokens of an answer (picture 1,024, 8 answers)"),
    ]
    body = "\n".join(
        panel(points, axis, fixed, label, LEFT + i * (WIDTH + GAP), most)
        for i, (axis, fixed, label) in enumerate(panels)
    )
    wide, tall = LEFT + 3 * WIDTH + 2 * GAP + 12, TOP + HEIGHT + 48
    style = "text{font:12px system-ui,sans-serif;fill:#555}.grid{stroke:#8884}.title{font-size:14px}"
    (DOCS / "grpo-step.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" role="img">\n'
        f"<title>Seconds of one update, TRL and rlfg</title>\n<style>{style}</style>\n"
        f'<rect width="{wide}" height="{tall}" fill="#fff"/>\n'
        f'<text x="{LEFT}" y="20" class="title">Seconds of one update (logarithmic)</text>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    main()

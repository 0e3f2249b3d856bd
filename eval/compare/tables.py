"""Comparisons as tables for papers and notes: Markdown, and LaTeX with booktabs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.compare import Comparison, Difference
from eval.intervals import Interval

_LISTED = 20
"""Changed items that a table shows; the JSON has them all."""
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "[": "{[}", "^": r"\textasciicircum{}", "−": "$-$", "→": r"$\rightarrow$",
    "…": r"\dots{}", "–": "--",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class TextTable:
    """A table as texts."""

    title: str
    """What it says, in one sentence."""
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    """Columns from the left that are set flush left; the others are numbers."""


def tables(a: str, results: Mapping[str, Comparison]) -> list[TextTable]:
    """The metrics, the tests, the moves between verdicts, and the first changed items, of every run against `a`."""
    return [_metrics(a, results), _tests(a, results), _moves(results), _changes(results)]


def markdown(a: str, results: Mapping[str, Comparison]) -> str:
    """The tables as GitHub's Markdown has them."""
    return "\n\n".join(_markdown(table) for table in tables(a, results)) + "\n"


def latex(a: str, results: Mapping[str, Comparison]) -> str:
    """The tables as LaTeX that needs booktabs."""
    return "\n\n".join(["% needs \\usepackage{booktabs}", *(_latex(table) for table in tables(a, results))]) + "\n"


def _metrics(a: str, results: Mapping[str, Comparison]) -> TextTable:
    """A metric a row; two columns a run."""
    names = dict.fromkeys(name for result in results.values() for name in result.metrics)
    header = ("metric", a, *(head for name in results for head in (name, "difference [95 %]")))
    rows = []
    for name in names:
        found = [result.metrics.get(name) for result in results.values()]
        first = next(row for row in found if row is not None)
        cells = [text for row in found for text in (_value(None if row is None else row.b), _difference(row))]
        rows.append((name, _value(first.a), *cells))
    title = f"Differences from {a}; * where the 95 % interval (paired bootstrap over classes) leaves out zero."
    return TextTable(title=title, header=header, rows=tuple(rows))


def _tests(a: str, results: Mapping[str, Comparison]) -> TextTable:
    header = ("run", "items", f"only {a} correct", "only this one", "both", "neither", "no verdict", "p", "p (Holm)")
    rows = tuple(
        (
            name,
            *(f"{n:,}" for n in (r.items, r.mcnemar.only_a_correct, r.mcnemar.only_b_correct, r.mcnemar.both_correct)),
            f"{r.mcnemar.neither_correct:,}",
            f"{r.mcnemar.no_verdict:,}",
            f"{r.mcnemar.p:.3g}",
            "–" if r.mcnemar.p_holm is None else f"{r.mcnemar.p_holm:.3g}",
        )
        for name, r in results.items()
    )
    return TextTable(title="Exact McNemar test of which run is right about an item.", header=header, rows=rows)


def _moves(results: Mapping[str, Comparison]) -> TextTable:
    rows = tuple(
        (name, before, after, f"{count:,}")
        for name, result in results.items()
        for count, before, after in sorted(
            ((n, a, b) for a, row in result.transitions.items() for b, n in row.items() if a != b), reverse=True
        )
    )
    return TextTable(title="Items whose verdict changed.", header=("run", "from", "to", "items"), rows=rows, texts=3)


def _changes(results: Mapping[str, Comparison]) -> TextTable:
    every = [(name, change) for name, result in results.items() for change in result.changed]
    rows = tuple(
        (name, c.id, c.truth, _first(c.a_answers), c.a_verdict, _first(c.b_answers), c.b_verdict)
        for name, c in every[:_LISTED]
    )
    title = f"The first {len(rows)} of {len(every):,} changed items."
    header = ("run", "item", "truth", "answer before", "verdict", "answer", "verdict")
    return TextTable(title=title, header=header, rows=rows, texts=len(header))


def _first(answers: Mapping[str, int]) -> str:
    return next(iter(answers)) or "(no answer)"


def _value(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _difference(row: Difference | None) -> str:
    if row is None or row.difference is None:
        return "–"
    if row.ci is None:
        return _signed(row.difference)
    star = "*" if _leaves_out_zero(row.ci) else ""
    return f"{_signed(row.difference)} [{_signed(row.ci[0])}, {_signed(row.ci[1])}]{star}"


def _leaves_out_zero(ci: Interval) -> bool:
    return ci[0] > 0 or ci[1] < 0


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _markdown(table: TextTable) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in cells) + " |"

    rules = [":--" if column < table.texts else "--:" for column in range(len(table.header))]
    return "\n".join([table.title, "", *map(line, (table.header, rules, *table.rows))])


def _latex(table: TextTable) -> str:
    def line(cells: Sequence[str]) -> str:
        return " & ".join("".join(_LATEX.get(letter, letter) for letter in cell) for cell in cells) + r" \\"

    columns = "l" * table.texts + "r" * (len(table.header) - table.texts)
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{line([table.title])[:-3]}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            line(table.header),
            r"\midrule",
            *map(line, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )

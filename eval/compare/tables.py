"""Comparisons as tables for papers and notes: Markdown, and LaTeX with booktabs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.compare.comparison import Comparison, Difference, Words
from eval.compare.text import LISTED, answers_text
from eval.intervals import Interval

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "[": "{[}", "^": r"\textasciicircum{}", "−": "$-$", "→": r"$\rightarrow$",
    "…": r"\dots{}", "–": "--", "×": r"$\times$",
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
    """The metrics, the tests, the moves between verdicts, the first changed items and the counts, all against `a`."""
    words = next(iter(results.values())).words
    return [
        _metrics(a, results),
        _tests(a, results, words),
        _moves(results, words),
        _changes(results, words),
        _counts(a, results),
    ]


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
    rows, same = [], True
    for name in names:
        found = [result.metrics.get(name) for result in results.values()]
        first = next(row for row in found if row is not None)
        cells = [text for row in found for text in (_value(None if row is None else row.b), _difference(row))]
        rows.append((name, _value(first.a), *cells))
        same &= all(row is None or row.a == first.a for row in found)
    title = f"Differences from {a}; * where the 95 % interval (paired bootstrap over classes) leaves out zero."
    if not same:
        title += f" The column {a} is of its items in common with {next(iter(results))}; others have others in common."
    return TextTable(title=title, header=header, rows=tuple(rows))


def _tests(a: str, results: Mapping[str, Comparison], words: Words) -> TextTable:
    header = (
        "run",
        "items",
        f"only {a} {words.correct}",
        "only this one",
        "both",
        "neither",
        words.undecided,
        "p",
        "p (Holm)",
    )
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
    title = f"Exact McNemar test of which run is right about an item{words.rule and f'; {words.rule}'}."
    return TextTable(title=title, header=header, rows=rows)


def _moves(results: Mapping[str, Comparison], words: Words) -> TextTable:
    rows = tuple((name, a, b, f"{n:,}") for name, result in results.items() for n, a, b in result.moves)
    title = f"Items whose {words.verdict} changed."
    return TextTable(title=title, header=("run", "from", "to", "items"), rows=rows, texts=3)


def _changes(results: Mapping[str, Comparison], words: Words) -> TextTable:
    every = [(name, change) for name, result in results.items() for change in result.changed]
    rows = tuple(
        (name, c.id, c.truth, answers_text(c.a_answers), c.a_verdict, answers_text(c.b_answers), c.b_verdict)
        for name, c in every[:LISTED]
    )
    title = f"The first {len(rows)} of {len(every):,} changed items."
    header = ("run", "item", "truth", "answer before", words.verdict, "answer", words.verdict)
    return TextTable(title=title, header=header, rows=rows, texts=len(header))


def _counts(a: str, results: Mapping[str, Comparison]) -> TextTable:
    """Where the lines of both runs are."""
    rows = tuple(
        (name, *(f"{n:,}" for n in (r.items, *map(len, (r.only_a, r.only_b, r.failed, r.duplicates)))))
        for name, r in results.items()
    )
    header = ("run", "items in both", f"only in {a}", "only in this one", "failed in either", "duplicates in either")
    return TextTable(title="All other tables are about the items in both.", header=header, rows=rows)


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

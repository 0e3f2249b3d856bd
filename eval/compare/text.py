"""Comparisons as plain text."""

from __future__ import annotations

from collections.abc import Mapping

from eval.compare.comparison import Comparison

LISTED = 20
"""Changed items that texts and tables show; the JSON has them all."""
_ANSWERS = 4
_LETTERS = 60


def comparison_text(result: Comparison) -> str:
    """The differences, the test, the moves between verdicts, and the first changed items."""
    return "\n\n".join([_items(result), _metrics(result), _test(result), _changes(result)])


def corrected_text(results: Mapping[str, Comparison]) -> str:
    """The tests of several comparisons under each other."""
    what = f"McNemar, {next(iter(results.values())).words.correct} items"
    lines = [f"{what:<40}{'p':>10}{'p (Holm)':>10}"]
    for name, result in results.items():
        p, p_holm = result.mcnemar.p, result.mcnemar.p_holm
        lines.append(f"{name:<40}{p:>10.3g}{p if p_holm is None else p_holm:>10.3g}")
    return "\n".join(lines)


def answers_text(answers: Mapping[str, int], *, quote: str = "") -> str:
    """The first answers, with how often each was given; long ones are cut."""
    first = list(answers.items())[:_ANSWERS]
    shown = [_short(answer, quote) + (f" ×{n}" if n > 1 else "") for answer, n in first]
    return ", ".join([*shown, *(["…"] if len(answers) > _ANSWERS else [])])


def _short(answer: str, quote: str) -> str:
    line = " ".join(answer.split())
    if not line:
        return "(no answer)"
    return f"{quote}{line if len(line) <= _LETTERS else line[: _LETTERS - 1] + '…'}{quote}"


def _items(result: Comparison) -> str:
    head = f"{result.items} items in both; " + ", ".join(f"{why}: {n}" for why, n in result.apart.items())
    if result.questions is None:
        return head
    asked = f"\n{result.questions} questions; {result.words.rule}" if result.questions > result.items else ""
    return f"{result.protocol}: {head}{asked}"


def _metrics(result: Comparison) -> str:
    lines = [f"{'metric':<26}{'A':>8}{'B':>8}{'B - A':>9}   95 % interval"]
    for name, row in result.metrics.items():
        a, b = ("–" if value is None else f"{value:.3f}" for value in (row.a, row.b))
        difference = "–" if row.difference is None else f"{row.difference:+.3f}"
        bounds = "" if row.ci is None else f"[{row.ci[0]:+.3f}, {row.ci[1]:+.3f}]"
        lines.append(f"{name:<26}{a:>8}{b:>8}{difference:>9}   {bounds}".rstrip())
    return "\n".join(lines)


def _test(result: Comparison) -> str:
    test, words = result.mcnemar, result.words
    return (
        f"{words.correct} in both {test.both_correct}, only in A {test.only_a_correct}, "
        f"only in B {test.only_b_correct}, in neither {test.neither_correct}, {words.undecided} {test.no_verdict}; "
        f"exact McNemar p = {test.p:.3g}"
    )


def _changes(result: Comparison) -> str:
    lines = [f"{len(result.changed)} items changed {result.words.verdict}"]
    lines += [f"{count:>6}  {a} → {b}" for count, a, b in result.moves]
    for change in result.changed[:LISTED]:
        a, b = (answers_text(answers, quote='"') for answers in (change.a_answers, change.b_answers))
        lines.append(f"  {change.id}: {change.truth}: {a} {change.a_verdict} → {b} {change.b_verdict}")
    if len(result.changed) > LISTED:
        lines.append(f"  … and {len(result.changed) - LISTED} more, all of them in the JSON")
    return "\n".join(lines)

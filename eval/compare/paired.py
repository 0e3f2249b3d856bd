"""Statistics of two runs over the same items: differences under common resamples, McNemar's test, moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from eval.compare.comparison import Comparison, Difference, McNemar
from eval.compare.holm import holm
from eval.intervals import ClassBootstrap
from eval.table import FloatArray

Estimates = tuple[Mapping[str, float | None], Mapping[str, FloatArray]]
"""Values and bootstrap draws of each metric, as `eval.summary.estimates` gives them."""


def differences_of(a: Estimates, b: Estimates, resamples: ClassBootstrap) -> dict[str, Difference]:
    """What B adds to each metric of A, where both have it; the draws of both are of these resamples."""
    (values_a, draws_a), (values_b, draws_b) = a, b
    found = {}
    for name in (name for name in values_a if name in values_b):
        before, after = values_a[name], values_b[name]
        known = before is not None and after is not None
        found[name] = Difference(
            a=before,
            b=after,
            difference=after - before if before is not None and after is not None else None,
            ci=resamples.interval(draws_b[name] - draws_a[name]) if known else None,
        )
    return found


def mcnemar(right: Sequence[tuple[bool | None, bool | None]]) -> McNemar:
    """Exact McNemar test over items of which (A, B) is right; None in either leaves an item out, counted."""
    decided = [(a, b) for a, b in right if a is not None and b is not None]
    cells = Counter(decided)
    return McNemar(
        both_correct=cells[True, True],
        only_a_correct=cells[True, False],
        only_b_correct=cells[False, True],
        neither_correct=cells[False, False],
        no_verdict=len(right) - len(decided),
        p=mcnemar_p(cells[True, False], cells[False, True]),
    )


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact two-sided McNemar test: a sign test on the items that only one run got right (McNemar 1947)."""
    n = only_a + only_b
    ways = tail = 1  # Of 0 among n; the binomial coefficients follow one from the other.
    for k in range(min(only_a, only_b)):
        ways = ways * (n - k) // (k + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << n))


def holm_corrected(results: Mapping[str, Comparison]) -> dict[str, Comparison]:
    """The same comparisons, with the tests of several corrected together (Holm 1979)."""
    if len(results) < 2:
        return dict(results)
    adjusted = holm({name: result.mcnemar.p for name, result in results.items()})
    return {
        name: replace(result, mcnemar=replace(result.mcnemar, p_holm=adjusted[name]))
        for name, result in results.items()
    }


def transitions(pairs: Sequence[tuple[str, str]], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many items have A's label (outer key) and B's (inner key), in the order of `labels`; without zeros."""
    counts = Counter(pairs)
    rows = {a: {b: counts[a, b] for b in labels if counts[a, b]} for a in labels}
    return {a: row for a, row in rows.items() if row}

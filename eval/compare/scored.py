"""Two runs over the same items: paired differences, a test, and what changed item by item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from eval.holm import holm
from eval.intervals import SAMPLES, ClassBootstrap, Interval, class_bootstrap
from eval.metrics import Ratio, hierarchical_ratios, relation_ratios, severity_ratios
from eval.metrics.ratio import mean_of_known
from eval.pairing import PairedRuns, pair_runs, usual_verdict
from eval.score import ScoredItem
from eval.summary import estimates
from eval.table import CORRECT_LABELS, FloatArray, build_table
from rlfg.taxonomy import Taxonomy
from rlfg.types import NO_VERDICT, VERDICT_LABELS

_LISTED = 20
"""Changed items that the text shows; the JSON has them all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One metric of two runs; None where it is undefined."""

    a: float | None
    b: float | None
    difference: float | None
    """b - a."""
    ci: Interval | None
    """95 % interval of the difference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class McNemar:
    """Items by which run was right about them, and the exact two-sided p of "equally often"."""

    both_correct: int
    only_a_correct: int
    only_b_correct: int
    neither_correct: int
    no_verdict: int
    """Items undecided in a run: in none of the other numbers."""
    p: float
    p_holm: float | None = None
    """Corrected for the other runs that were compared with A; None where there are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An item whose usual verdict differs between the runs, with all answers."""

    id: str
    truth: str
    a_verdict: str
    b_verdict: str
    a_answers: dict[str, int]
    b_answers: dict[str, int]
    """How often each answer was given; "" stands for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Run B against run A. `str()` is for a person, `to_json()` holds everything."""

    items: int
    """Answered in both runs: what all numbers are about."""
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    failed: tuple[str, ...]
    metrics: dict[str, Difference]
    mcnemar: McNemar
    transitions: dict[str, dict[str, int]]
    """How many items went from A's verdict (outer key) to B's (inner key); zeros are left out."""
    changed: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists."""
        return asdict(self)

    def __str__(self) -> str:
        """The differences, the test, the moves between verdicts, and the first changed items."""
        return "\n\n".join([_text_of_items(self), _text_of_metrics(self), _text_of_test(self), _text_of_changes(self)])


def compare(
    a_items: Sequence[ScoredItem],
    b_items: Sequence[ScoredItem],
    taxonomy: Taxonomy | None = None,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare run B with run A over the items both answered.

    Differences are over all answers of those items, their intervals from a paired bootstrap over classes. For
    the test and the changes, an item with several answers stands by its most frequent verdict (ties: the
    worse one). The test takes items as independent, the intervals do not.

    Raises:
        RlfgError: the runs share no answered item, or disagree about an item's truth.
    """
    paired = pair_runs(a_items, b_items)
    verdicts = {id_: (usual_verdict(paired.a[id_]), usual_verdict(paired.b[id_])) for id_ in paired.ids}
    return Comparison(
        items=len(paired.ids),
        only_a=paired.only_a,
        only_b=paired.only_b,
        failed=paired.failed,
        metrics=differences(paired, taxonomy, samples=samples, seed=seed),
        mcnemar=_mcnemar(list(verdicts.values())),
        transitions=_transitions(list(verdicts.values())),
        changed=tuple(_change(paired, id_, a, b) for id_, (a, b) in verdicts.items() if a != b),
    )


def compare_many(
    a_items: Sequence[ScoredItem], others: Mapping[str, Sequence[ScoredItem]], taxonomy: Taxonomy | None = None
) -> dict[str, Comparison]:
    """Each of several runs against A; their tests are corrected together (Holm 1979)."""
    results = {name: compare(a_items, items, taxonomy) for name, items in others.items()}
    if len(results) < 2:
        return results
    adjusted = holm({name: result.mcnemar.p for name, result in results.items()})
    return {
        name: replace(result, mcnemar=replace(result.mcnemar, p_holm=adjusted[name]))
        for name, result in results.items()
    }


def corrected_text(results: Mapping[str, Comparison]) -> str:
    """The tests of several comparisons under each other."""
    lines = [f"{'McNemar, correct items':<40}{'p':>10}{'p (Holm)':>10}"]
    lines += [f"{name:<40}{r.mcnemar.p:>10.3g}{r.mcnemar.p_holm or r.mcnemar.p:>10.3g}" for name, r in results.items()]
    return "\n".join(lines)


def differences(
    paired: PairedRuns, taxonomy: Taxonomy | None = None, *, samples: int = SAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """What B adds to each metric of A; both runs are resampled with the same classes."""
    values_a, draws_a, resamples = run_estimates(paired.common(paired.a), taxonomy, samples, seed)
    values_b, draws_b, _ = run_estimates(paired.common(paired.b), taxonomy, samples, seed)
    found = {}
    for name, a in values_a.items():
        if name not in values_b:
            continue  # a metric that only one run was scored by
        b = values_b[name]
        both = a is not None and b is not None
        found[name] = Difference(
            a=a,
            b=b,
            difference=b - a if a is not None and b is not None else None,
            ci=resamples.interval(draws_b[name] - draws_a[name]) if both else None,
        )
    return found


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact two-sided McNemar test: a sign test on the items that only one run got right (McNemar 1947)."""
    n = only_a + only_b
    ways = tail = 1  # Of 0 among n; the binomial coefficients follow one from the other.
    for k in range(min(only_a, only_b)):
        ways = ways * (n - k) // (k + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << n))


def run_estimates(
    items: Sequence[ScoredItem], taxonomy: Taxonomy | None, samples: int, seed: int
) -> tuple[dict[str, float | None], dict[str, FloatArray], ClassBootstrap]:
    """Values and draws of every metric that is a ratio, the scores of the items among them; and the resamples."""
    table = build_table(items)
    ratios = relation_ratios(table) | score_ratios(items)
    if taxonomy is not None:
        ratios |= hierarchical_ratios(table, taxonomy) | severity_ratios(table, taxonomy)
    resamples = class_bootstrap(table.class_N, samples=samples, seed=seed)
    return (*estimates(ratios, resamples), resamples)


def score_ratios(items: Sequence[ScoredItem]) -> dict[str, Ratio]:
    """The mean of each score that `rlfg score` wrote beside the verdicts."""
    answered = [item for item in items if item.error is None]
    names = dict.fromkeys(name for item in answered for name in item.scores)
    return {
        name: mean_of_known(np.array([item.scores.get(name) for item in answered], dtype=np.float64)) for name in names
    }


def _mcnemar(verdicts: Sequence[tuple[str, str]]) -> McNemar:
    decided = [(a in CORRECT_LABELS, b in CORRECT_LABELS) for a, b in verdicts if NO_VERDICT not in (a, b)]
    cells = Counter(decided)
    return McNemar(
        both_correct=cells[True, True],
        only_a_correct=cells[True, False],
        only_b_correct=cells[False, True],
        neither_correct=cells[False, False],
        no_verdict=len(verdicts) - len(decided),
        p=mcnemar_p(cells[True, False], cells[False, True]),
    )


def _transitions(verdicts: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    counts = Counter(verdicts)
    rows = {a: {b: counts[a, b] for b in VERDICT_LABELS if counts[a, b]} for a in VERDICT_LABELS}
    return {a: row for a, row in rows.items() if row}


def _change(paired: PairedRuns, id_: str, a_verdict: str, b_verdict: str) -> Change:
    a, b = paired.a[id_], paired.b[id_]
    return Change(
        id=id_,
        truth=a[0].truth,
        a_verdict=a_verdict,
        b_verdict=b_verdict,
        a_answers=dict(Counter(item.answer or "" for item in a).most_common()),
        b_answers=dict(Counter(item.answer or "" for item in b).most_common()),
    )


def _text_of_items(result: Comparison) -> str:
    apart = {"only in A": result.only_a, "only in B": result.only_b, "failed in either": result.failed}
    return f"{result.items} items in both; " + ", ".join(f"{name}: {len(ids)}" for name, ids in apart.items())


def _text_of_metrics(result: Comparison) -> str:
    lines = [f"{'metric':<26}{'A':>8}{'B':>8}{'B - A':>9}   95 % interval"]
    for name, row in result.metrics.items():
        a, b = ("–" if value is None else f"{value:.3f}" for value in (row.a, row.b))
        difference = "–" if row.difference is None else f"{row.difference:+.3f}"
        bounds = "" if row.ci is None else f"[{row.ci[0]:+.3f}, {row.ci[1]:+.3f}]"
        lines.append(f"{name:<26}{a:>8}{b:>8}{difference:>9}   {bounds}".rstrip())
    return "\n".join(lines)


def _text_of_test(result: Comparison) -> str:
    test = result.mcnemar
    return (
        f"correct in both {test.both_correct}, only in A {test.only_a_correct}, only in B {test.only_b_correct}, "
        f"in neither {test.neither_correct}, no verdict {test.no_verdict}; exact McNemar p = {test.p:.3g}"
    )


def _text_of_changes(result: Comparison) -> str:
    moves = [(count, a, b) for a, row in result.transitions.items() for b, count in row.items() if a != b]
    lines = [f"{len(result.changed)} items changed verdict"]
    lines += [f"{count:>6}  {a} → {b}" for count, a, b in sorted(moves, reverse=True)]
    for change in result.changed[:_LISTED]:
        a, b = (next(iter(answers)) or "no answer" for answers in (change.a_answers, change.b_answers))
        lines.append(f'  {change.id}: {change.truth}: "{a}" {change.a_verdict} → "{b}" {change.b_verdict}')
    if len(result.changed) > _LISTED:
        lines.append(f"  … and {len(result.changed) - _LISTED} more, all of them in the JSON")
    return "\n".join(lines)

"""Two runs over the same items: paired differences, a test, and what changed item by item."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eval.intervals import SAMPLES, ClassBootstrap, class_bootstrap
from eval.metrics import hierarchical_ratios, relation_ratios, severity_ratios
from eval.score import ScoredItem
from eval.summary import estimates, rounded
from eval.table import CORRECT_LABELS, FloatArray, build_table
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy
from rlfg.types import NO_VERDICT, UNPARSED, VERDICT_LABELS, Relation

_BADNESS = {UNPARSED: -1} | {relation.value: relation.order for relation in Relation}


@dataclass(frozen=True, kw_only=True, slots=True)
class Paired:
    """The items of two runs, by id."""

    ids: tuple[str, ...]
    """Answered in both, in A's order."""
    a: dict[str, list[ScoredItem]]
    b: dict[str, list[ScoredItem]]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    failed: tuple[str, ...]
    """In both, but without an answer in at least one."""


def compare(
    a_items: Sequence[ScoredItem],
    b_items: Sequence[ScoredItem],
    taxonomy: Taxonomy | None = None,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare run B with run A over the items both answered.

    Differences are B - A over all answers of those items, with 95 % intervals from a paired bootstrap over
    classes. For the test and the changes an item with several answers stands by its most frequent verdict
    (ties: the worse one).

    Raises:
        RlfgError: the runs share no answered item, or disagree about an item's truth.
    """
    paired = pair_items(a_items, b_items)
    verdicts = {id_: (usual_verdict(paired.a[id_]), usual_verdict(paired.b[id_])) for id_ in paired.ids}
    return {
        "items": len(paired.ids),
        "only_a": list(paired.only_a),
        "only_b": list(paired.only_b),
        "failed": list(paired.failed),
        "metrics": _differences(paired, taxonomy, samples=samples, seed=seed),
        "mcnemar": _mcnemar(list(verdicts.values())),
        "transitions": _transitions(list(verdicts.values())),
        "changed": [
            {"id": id_, "truth": paired.a[id_][0].truth, "a": _side(paired.a[id_]), "b": _side(paired.b[id_])}
            for id_, (a, b) in verdicts.items()
            if a != b
        ],
    }


def pair_items(a_items: Sequence[ScoredItem], b_items: Sequence[ScoredItem]) -> Paired:
    """Match two runs by item id; nothing is dropped without being named."""
    a, b = _by_id(a_items), _by_id(b_items)
    both = [id_ for id_ in a if id_ in b]
    for id_ in both:
        if a[id_][0].truth_class != b[id_][0].truth_class:
            raise RlfgError(
                f'item "{id_}" has truth "{a[id_][0].truth}" in A and "{b[id_][0].truth}" in B; '
                "compare runs over the same items, scored with the same taxonomy"
            )
    answered = [id_ for id_ in both if a[id_][0].error is None and b[id_][0].error is None]
    if not answered:
        raise RlfgError("the two runs have no answered item in common; compare runs over the same manifest")
    return Paired(
        ids=tuple(answered),
        a=a,
        b=b,
        only_a=tuple(id_ for id_ in a if id_ not in b),
        only_b=tuple(id_ for id_ in b if id_ not in a),
        failed=tuple(id_ for id_ in both if id_ not in set(answered)),
    )


def usual_verdict(answers: Sequence[ScoredItem]) -> str:
    """The most frequent decided verdict of an item, ties to the worse; NO_VERDICT where none was decided."""
    counts = Counter(item.label for item in answers if item.verdict.decided)
    return max(counts, key=lambda label: (counts[label], -_BADNESS[label]), default=NO_VERDICT)


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact two-sided McNemar test: a sign test on the items only one run got right (McNemar 1947)."""
    n, k = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(n, i) for i in range(k + 1))
    return min(1.0, 2 * tail / 2**n)


def _differences(paired: Paired, taxonomy: Taxonomy | None, *, samples: int, seed: int) -> dict[str, Any]:
    """Per metric: a, b, b - a and the interval of the difference."""
    values_a, draws_a, _ = _run_estimates(paired, paired.a, taxonomy, samples=samples, seed=seed)
    values_b, draws_b, resamples = _run_estimates(paired, paired.b, taxonomy, samples=samples, seed=seed)
    return {
        name: {
            "a": a,
            "b": (b := values_b[name]),
            "difference": None if a is None or b is None else b - a,
            "ci": rounded(resamples.interval(draws_b[name] - draws_a[name])),
        }
        for name, a in values_a.items()
    }


def _run_estimates(
    paired: Paired,
    run: dict[str, list[ScoredItem]],
    taxonomy: Taxonomy | None,
    *,
    samples: int,
    seed: int,
) -> tuple[dict[str, float | None], dict[str, FloatArray], ClassBootstrap]:
    """Values and draws of one run over the common items (the same classes, hence the same resamples)."""
    table = build_table([item for id_ in paired.ids for item in run[id_]])
    ratios = relation_ratios(table)
    if taxonomy is not None:
        ratios |= hierarchical_ratios(table, taxonomy) | severity_ratios(table, taxonomy)
    resamples = class_bootstrap(table.class_N, samples=samples, seed=seed)
    return (*estimates(ratios, resamples), resamples)


def _mcnemar(verdicts: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The 2x2 table of correctness and its exact p; items without a verdict on a side are counted apart."""
    decided = [(a in CORRECT_LABELS, b in CORRECT_LABELS) for a, b in verdicts if NO_VERDICT not in (a, b)]
    cells = Counter(decided)
    return {
        "both_correct": cells[True, True],
        "only_a_correct": cells[True, False],
        "only_b_correct": cells[False, True],
        "neither_correct": cells[False, False],
        "no_verdict": len(verdicts) - len(decided),
        "p": mcnemar_p(cells[True, False], cells[False, True]),
    }


def _transitions(verdicts: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """How many items went from A's verdict (outer key) to B's (inner key); zeros are left out."""
    counts = Counter(verdicts)
    return {
        a: row
        for a in VERDICT_LABELS
        if (row := {b: counts[a, b] for b in VERDICT_LABELS if counts[a, b]})
    }


def _side(answers: Sequence[ScoredItem]) -> dict[str, Any]:
    """One run's part of a changed item: its usual verdict and every answer with how often it was given."""
    given = Counter((item.answer, item.label) for item in answers)
    return {
        "verdict": usual_verdict(answers),
        "answers": [
            {"answer": answer, "verdict": label, "count": count}
            for (answer, label), count in given.most_common()
        ],
    }


def _by_id(items: Sequence[ScoredItem]) -> dict[str, list[ScoredItem]]:
    by_id: dict[str, list[ScoredItem]] = {}
    for item in items:
        by_id.setdefault(item.id, []).append(item)
    return by_id

"""Two runs of open questions, as `rlfg score` judged them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from eval.compare.comparison import Change, Comparison, Difference
from eval.compare.paired import differences_of, holm_corrected, mcnemar, transitions
from eval.intervals import SAMPLES, ClassBootstrap, class_bootstrap
from eval.metrics import Ratio, hierarchical_ratios, relation_ratios, severity_ratios
from eval.metrics.ratio import mean_of_known
from eval.pairing import PairedRuns, pair_runs, usual_verdict
from eval.score import ScoredItem
from eval.summary import estimates
from eval.table import CORRECT_LABELS, FloatArray, build_table
from rlfg.taxonomy import Taxonomy
from rlfg.types import NO_VERDICT, VERDICT_LABELS


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
        mcnemar=mcnemar([(_correct(a), _correct(b)) for a, b in verdicts.values()]),
        transitions=transitions(list(verdicts.values()), VERDICT_LABELS),
        changed=tuple(_change(paired, id_, a, b) for id_, (a, b) in verdicts.items() if a != b),
    )


def compare_many(
    a_items: Sequence[ScoredItem], others: Mapping[str, Sequence[ScoredItem]], taxonomy: Taxonomy | None = None
) -> dict[str, Comparison]:
    """Each of several runs against A; their tests are corrected together."""
    return holm_corrected({name: compare(a_items, items, taxonomy) for name, items in others.items()})


def differences(
    paired: PairedRuns, taxonomy: Taxonomy | None = None, *, samples: int = SAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """What B adds to each metric of A; both runs are resampled with the same classes.

    A metric that only one run was scored by is left out.
    """
    values_a, draws_a, resamples = run_estimates(paired.common(paired.a), taxonomy, samples, seed)
    values_b, draws_b, _ = run_estimates(paired.common(paired.b), taxonomy, samples, seed)
    return differences_of((values_a, draws_a), (values_b, draws_b), resamples)


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


def _correct(verdict: str) -> bool | None:
    return None if verdict == NO_VERDICT else verdict in CORRECT_LABELS


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

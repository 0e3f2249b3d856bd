"""Counts, denominators and intervals of a predictions file of closed questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eval.intervals import SAMPLES, class_bootstrap
from eval.metrics.ratio import Ratio
from eval.predictions import group_of
from eval.summary import estimates, rounded
from eval.tally.mark import OUTCOMES, Mark
from eval.tally.marked import Marked, mark_all, protocol_of
from eval.tally.ranking import by_mean_prior
from rlfg.data import ParseMode
from rlfg.taxonomy import Taxonomy
from rlfg.types import Prediction


def tally(
    predictions: Sequence[Prediction],
    taxonomy: Taxonomy | None = None,
    *,
    mode: ParseMode = "lenient",
    group_by: str | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> tuple[list[Marked], dict[str, Any]]:
    """Mark every line, and sum up.

    Args:
        predictions: of one protocol, as `read_predictions` gives them.
        taxonomy: for `per_rank`.
        mode: how completions are read.
        group_by: a key of the lines, or of their `meta`, to report by as well ("novelty", "condition").
        samples: bootstrap resamples, by class.
        seed: of the bootstrap.

    Returns:
        The marked lines in order, and: `lines` (all), of which `failed` got no answer and `duplicates` ask about the
        same pictures as an earlier line, so that `items` are left; their `questions`, which `counts` adds up to;
        `accuracy` and the protocol's further metrics, with `denominators` and 95 % `ci`; `chance` where there is one;
        `mean_prior` of rankings (`by_mean_prior`).
        A failed line is in no denominator: where there are any, the run is not done.

    Raises:
        RlfgError: The lines are not of one closed protocol, or not as it writes them.
    """
    protocol = protocol_of(predictions)
    marked = mark_all(protocol, predictions, taxonomy, mode)
    metrics = _summary(protocol, marked, samples, seed)
    if group_by is not None:
        marked = [replace(one, group=group_of(one.line, group_by)) for one in marked]
        groups: dict[str, list[Marked]] = {}
        for one in marked:
            groups.setdefault(str(one.group), []).append(one)
        metrics["groups"] = {name: _summary(protocol, found, samples, seed) for name, found in groups.items()}
    return marked, metrics


def _summary(protocol: str, marked: Sequence[Marked], samples: int, seed: int) -> dict[str, Any]:
    kept = [one for one in marked if one.mark is not None]
    marks = [one.mark for one in kept if one.mark is not None]
    classes = np.array([one.class_name for one in kept], dtype=np.str_)
    resamples = class_bootstrap(classes, samples=samples, seed=seed)
    ratios = mark_ratios(marks)
    values, draws = estimates(ratios, resamples)
    outcomes = Counter(outcome for mark in marks for outcome in mark.outcomes)
    chances = [mark.chance for mark in marks if mark.chance is not None]
    return {
        "protocol": protocol,
        "lines": len(marked),
        "failed": sum(one.line.error is not None for one in marked),
        "duplicates": sum(one.copy_of is not None for one in marked),
        "items": len(kept),
        "classes": len(set(classes.tolist())),
        "questions": outcomes.total(),
        "counts": {outcome: outcomes[outcome] for outcome in OUTCOMES},
        "chance": float(np.mean(chances)) if chances else None,
        **values,
        "denominators": {name: int(ratio.denominator) for name, ratio in ratios.items()},
        "ci": {name: rounded(interval) for name, interval in resamples.intervals(draws).items()},
        **_places(marks),
        **({"mean_prior": by_mean_prior([one.line for one in kept])} if protocol == "rank" and kept else {}),
    }


def mark_ratios(marks: Sequence[Mark], names: Iterable[str] | None = None) -> dict[str, Ratio]:
    """The accuracy of all questions, and the mean of each further value (these or all) over the lines that have it."""
    right = np.array([mark.right for mark in marks], dtype=np.float64)
    asked = np.array([mark.asked for mark in marks], dtype=np.float64)
    found = {"accuracy": Ratio(numerator_N=right, denominator_N=asked)}
    for name in value_names(marks) if names is None else names:
        found[name] = Ratio(
            numerator_N=np.array([mark.values.get(name, 0.0) for mark in marks]),
            denominator_N=np.array([float(name in mark.values) for mark in marks]),
        )
    return found


def value_names(marks: Sequence[Mark]) -> list[str]:
    """The further values that any line has."""
    return list(dict.fromkeys(name for mark in marks for name in mark.values))


def _places(marks: Sequence[Mark]) -> dict[str, Any]:
    """How often each place among the options was the truth's, and was chosen: a bias shows at once."""
    places = [place for mark in marks for place in mark.places]
    if not places:
        return {}
    most = max(max(truth, chosen or 0) for truth, chosen in places) + 1
    truths, chosen = Counter(truth for truth, _ in places), Counter(said for _, said in places)
    return {"places": {"truth": [truths[k] for k in range(most)], "chosen": [chosen[k] for k in range(most)]}}

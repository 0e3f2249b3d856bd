"""Fits the back-off threshold by learn-then-test (Angelopoulos et al. 2021, arXiv 2110.01052).

Thresholds are tried in a fixed order, the strictest first, each against the hypothesis that the share of wrong ones
among its answers is above `risk`, by the exact binomial tail. The first that cannot be rejected at level `delta` ends
the sequence; the last one rejected is the policy. So the chance that its risk is above the promise is at most `delta`:
only the first threshold that breaks it can do harm, and that is rejected with probability `delta` at most.

Legend: N pictures, T thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.backoff import Policy, Step, vouched
from eval.confidence import confidence, reader
from eval.predictions import require_names
from rlfg.data import ParseMode
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, profile_of, relation, resolve, specificity
from rlfg.types import Prediction


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What each threshold would have said of each picture."""

    thresholds: tuple[float, ...]
    """Strictest first."""
    answered_NT: NDArray[np.bool_]
    wrong_NT: NDArray[np.bool_]
    specificity_NT: NDArray[np.float64]
    """NaN where it is not right."""
    failed: int = 0
    """Pictures without answers, which are not among the N."""


def outcomes(
    predictions: Sequence[Prediction], taxonomy: Taxonomy, *, profile: str | None = None, parse: ParseMode = "lenient"
) -> Outcomes:
    """Every threshold that N answers a picture can tell apart, on every picture.

    Raises:
        RlfgError: The answers are no names, or to several prompts; pictures have different numbers of answers, fewer
            than two, or a truth that is no single taxon.
    """
    require_names(predictions, sampled=True)
    prompts = {str(p.extra["prompt"]) for p in predictions if "prompt" in p.extra}
    if len(prompts) > 1:
        raise RlfgError(f"calibration needs the answers to one prompt; these are to {', '.join(sorted(prompts))}")
    given = [p for p in predictions if p.error is None]
    counts = {len(p.completions or p.answers) for p in given}
    if len(counts) != 1 or min(counts) < 2:
        found = ", ".join(map(str, sorted(counts))) or "no"
        raise RlfgError(f"calibration needs the same number of answers to each picture, two or more; found {found}")
    samples = counts.pop()
    thresholds = tuple(k / samples for k in range(samples, 0, -1))
    read = reader(taxonomy, profile=profile, mode=parse)
    shape = (len(given), samples)
    answered, wrong, specific = np.zeros(shape, bool), np.zeros(shape, bool), np.full(shape, np.nan)
    for row, prediction in enumerate(given):
        truth = _truth(prediction, taxonomy, profile)
        texts = prediction.completions or [f"<answer>{answer}</answer>" for answer in prediction.answers]
        found_here = confidence(taxonomy, [read(text).node for text in texts])
        for column, threshold in enumerate(thresholds):
            node = vouched(found_here, threshold)
            if node is not None:
                answered[row, column] = True
                wrong[row, column] = not relation(taxonomy, node, truth).is_correct
                share = specificity(taxonomy, node, truth)
                specific[row, column] = np.nan if share is None else share
    return Outcomes(
        thresholds=thresholds,
        answered_NT=answered,
        wrong_NT=wrong,
        specificity_NT=specific,
        failed=len(predictions) - len(given),
    )


def fit(found: Outcomes, *, risk: float, delta: float) -> tuple[float | None, tuple[Step, ...]]:
    """The most lenient threshold that can be vouched for (None: none can), and every step tried.

    Args:
        found: of pictures drawn like those to come, independently of each other.
        risk: share of wrong ones among what is said that may not be exceeded, in (0, 1).
        delta: chance that it is all the same, in (0, 1).
    """
    if not 0 < risk < 1 or not 0 < delta < 1:
        raise RlfgError(f"risk ({risk}) and delta ({delta}) are probabilities: above 0 and below 1")
    chosen, going, steps = None, True, []
    counts = zip(found.answered_NT.sum(0).tolist(), found.wrong_NT.sum(0).tolist(), strict=True)
    for column, (threshold, (answered, wrong)) in enumerate(zip(found.thresholds, counts, strict=True)):
        p_value = binomial_tail(wrong, answered, risk)
        going = going and p_value <= delta
        chosen = threshold if going else chosen
        right = found.specificity_NT[:, column]
        right = right[~np.isnan(right)]
        steps.append(
            Step(
                threshold=threshold,
                answered=answered,
                wrong=wrong,
                specificity=float(right.mean()) if len(right) else None,
                p_value=p_value,
                passed=going,
            )
        )
    return chosen, tuple(steps)


def calibrate(
    predictions: Sequence[Prediction],
    taxonomy: Taxonomy,
    *,
    risk: float,
    delta: float,
    profile: str | None = None,
    parse: ParseMode = "lenient",
) -> Policy:
    """A policy from predictions with N sampled answers a picture."""
    found = outcomes(predictions, taxonomy, profile=profile, parse=parse)
    threshold, steps = fit(found, risk=risk, delta=delta)
    return Policy(
        threshold=threshold,
        risk=risk,
        delta=delta,
        samples=len(found.thresholds),
        taxonomy=taxonomy.hash,
        profile=profile_of(taxonomy, profile).name,
        parse=parse,
        pictures=len(found.answered_NT),
        steps=steps,
    )


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X ≤ k) for X ~ Binomial(n, p); 1 for n = 0, where nothing was seen."""
    if k >= n:
        return 1.0
    terms = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p)
        for i in range(k + 1)
    ]
    return min(1.0, math.fsum(map(math.exp, terms)))


def needed(risk: float, delta: float) -> int:
    """Answers without one wrong that it takes to pass."""
    return math.ceil(math.log(delta) / math.log1p(-risk))


def _truth(prediction: Prediction, taxonomy: Taxonomy, profile: str | None) -> int:
    found = resolve(taxonomy, prediction.truth, profile)
    if not found.named or len(found.candidates) != 1:
        raise RlfgError(
            f'"{prediction.id}": the truth {prediction.truth!r} is {found.status} in the taxonomy; calibration needs '
            "one taxon for each (`rlfg taxonomy resolve` says why, `rlfg check` finds all)"
        )
    return int(found.candidates[0])

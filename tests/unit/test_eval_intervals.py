from __future__ import annotations

import numpy as np
import pytest

from eval.intervals import class_bootstrap
from eval.metrics.ratio import Ratio


def mean_of(values: np.ndarray) -> Ratio:
    return Ratio(numerator_N=values.astype(float), denominator_N=np.ones(len(values)))


def test_two_classes_by_hand() -> None:
    """Class a is always right (3 answers), b never (1): a resample is aa, ab or bb, so 1, 3/4 or 0."""
    classes = np.array(["a", "b", "a", "a"])
    resamples = class_bootstrap(classes, samples=400, seed=0)
    draws = resamples.draws(mean_of(np.array([1, 0, 1, 1])))
    assert set(draws.tolist()) == {0.0, 0.75, 1.0}
    assert np.mean(draws == 0.75) == pytest.approx(0.5, abs=0.08)
    assert resamples.interval(draws) == (0.0, 1.0)


def test_the_seed_fixes_everything() -> None:
    rng = np.random.default_rng(1)
    classes, values = rng.integers(0, 9, 200).astype(str), mean_of(rng.random(200))
    first, again, other = (class_bootstrap(classes, seed=seed).draws(values) for seed in (3, 3, 4))
    assert (first == again).all() and (first != other).any()


def test_equal_classes_get_equal_resamples_whatever_their_order() -> None:
    a = class_bootstrap(np.array(["x", "y", "z"]), seed=0)
    b = class_bootstrap(np.array(["z", "z", "x", "y"]), seed=0)
    assert (a.weights_BC == b.weights_BC).all()


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """40 classes whose own rates spread around 0.6, 12 answers each; 300 repeated studies."""
    rng = np.random.default_rng(7)
    classes = np.repeat(np.arange(40), 12).astype(str)
    covered = naive_covered = 0
    for study in range(300):
        rates = rng.beta(3, 2, size=40)  # Mean 0.6.
        values = (rng.random(480) < np.repeat(rates, 12)).astype(float)
        for clusters in (classes, np.arange(480).astype(str)):
            resamples = class_bootstrap(clusters, samples=200, seed=study)
            low, high = resamples.interval(resamples.draws(mean_of(values))) or (0, 0)
            if clusters is classes:
                covered += low <= 0.6 <= high
            else:
                naive_covered += low <= 0.6 <= high
    assert 0.90 <= covered / 300 <= 0.985
    assert naive_covered / 300 < 0.85  # Answers of one class are not independent.


def test_undefined_draws_and_single_classes() -> None:
    classes = np.array(["a", "b"])
    resamples = class_bootstrap(classes, samples=200)
    sometimes = resamples.draws(Ratio(numerator_N=np.array([1.0, 0.0]), denominator_N=np.array([1.0, 0.0])))
    assert np.isnan(sometimes).any() and resamples.interval(sometimes) == (1.0, 1.0)
    never = resamples.draws(Ratio(numerator_N=np.zeros(2), denominator_N=np.zeros(2)))
    assert resamples.interval(never) is None
    alone = class_bootstrap(np.array(["a", "a"]))
    assert alone.interval(alone.draws(mean_of(np.array([0, 1])))) is None

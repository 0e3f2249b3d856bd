"""A ranked label list: whether the truth comes first, or among the first five.

Shape suffixes: L labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.tally.mark import Mark, key_of
from rlfg.errors import RlfgError
from rlfg.types import Prediction

TOP = (1, 5)
ALPHAS = range(9)
"""What VLMClassifier tries."""


def mark_rank(line: Prediction) -> Mark:
    """`top1_WAY` and `top5_WAY` by the summed log-probability, its mean over tokens, and with the prior taken off.

    A label that ties with the truth counts as before it: equal scores are no knowledge, and the truth must gain
    nothing by its place in the list. What is `also_true` of the picture, a genus beside its species, is not ranked.
    """
    every, correct, scored = key_of(line, "options"), key_of(line, "correct"), key_of(line, "logprobs")
    if every.count(correct) != 1:
        raise RlfgError(f'prediction "{line.id}": {correct!r} does not stand once in its options')
    if any(len(scored[0][name]) != len(every) for name in ("sum", "tokens")):
        raise RlfgError(f'prediction "{line.id}": {len(every)} options, and {len(scored[0]["sum"])} log-probabilities')
    rivals = _rivals(line)
    options, truth = [every[k] for k in rivals], rivals.index(every.index(correct))
    sums, tokens = (np.array(scored[0][name], dtype=np.float64)[rivals] for name in ("sum", "tokens"))
    if np.isnan(sums).any():
        raise RlfgError(f'prediction "{line.id}": a log-probability is no number; ask again, in a wider dtype')
    ways = {"sum": sums, "mean": sums / tokens}
    if len(scored) > 1:
        prior = np.array(scored[1]["sum"], dtype=np.float64)[rivals]
        with np.errstate(invalid="ignore"):  # -inf less -inf
            ways |= {"calibrated": sums - prior, "calibrated_mean": (sums - prior) / tokens}
    ahead = {way: _ahead(scores, truth) for way, scores in ways.items()}
    values = {f"top{k}_{way}": float(before < k) for way, before in ahead.items() for k in TOP}
    right = ahead["sum"] == 0
    best = options[int(sums.argmax())]
    return Mark(outcomes=("right" if right else "wrong",), said=(best,), values=values, chance=1 / len(options))


def by_mean_prior(lines: Sequence[Prediction]) -> list[dict[str, float]]:
    """`top1` and `top5` as VLMClassifier calibrates (Zhang et al., NeurIPS 2024), for each α.

    The scores are α · s + (1 − α) · (the mean of s over the lines), s the summed log-probabilities: 1 is without
    calibration, 0 ranks alike for all pictures. They report several α; the best one was chosen on these pictures.
    Empty where the lines have different labels.
    """
    orders = {tuple(key_of(line, "options")) for line in lines}
    if len(orders) != 1:
        return []
    (options,) = orders
    rivals = [_rivals(line) for line in lines]
    truths = [of.index(options.index(key_of(line, "correct"))) for of, line in zip(rivals, lines, strict=True)]
    sums = [np.array(key_of(line, "logprobs")[0]["sum"], dtype=np.float64) for line in lines]
    prior_L = np.mean(sums, axis=0)
    found = []
    for alpha in ALPHAS:
        with np.errstate(invalid="ignore"):  # 0 times -inf
            scores = [alpha * s_L + (1 - alpha) * prior_L for s_L in sums]
        ahead = [_ahead(s_L[of], truth) for s_L, of, truth in zip(scores, rivals, truths, strict=True)]
        found.append({"alpha": alpha, **{f"top{k}": float(np.mean([before < k for before in ahead])) for k in TOP}})
    return found


def _rivals(line: Prediction) -> list[int]:
    """Places of the labels that are ranked, the truth's among them."""
    true = {*line.extra.get("also_true", ())} - {key_of(line, "correct")}
    return [place for place, option in enumerate(key_of(line, "options")) if option not in true]


def _ahead(scores: NDArray[np.float64], truth: int) -> int:
    """Labels that are not below the truth; where -inf less -inf is no number, none is known to be."""
    return int((~(scores < scores[truth])).sum()) - 1

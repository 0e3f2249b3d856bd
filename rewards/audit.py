"""Two verifiers on the same pairs: how far do they agree?

Shape suffixes: B resamples, C classes, 6 labels of either verifier.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from rewards.verifier import Pair, Verifier, is_open
from rlfg.randomness import class_weights
from rlfg.taxonomy import normalize
from rlfg.types import RELATION_LABELS, VERDICT_LABELS, Verdict


@dataclass
class Agreement:
    """Counts of (first verifier's label, second's), and what follows from them."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Over `VERDICT_LABELS`; all pairs are counted, also those without a verdict."""
    by_class: defaultdict[str | None, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    """The same by the truth's class; None where verdicts name no truth."""

    def add(self, first: Iterable[Verdict], second: Iterable[Verdict]) -> None:
        """Count the verdicts of both on the same pairs, in the same order."""
        for a, b in zip(first, second, strict=True):
            self.counts[a.label, b.label] += 1
            self.by_class[_class_of(a, b)][a.label, b.label] += 1

    @property
    def judged(self) -> int:
        """Pairs of which both verifiers gave one of the six labels; the rates below are over these."""
        return sum(n for (a, b), n in self.counts.items() if a in RELATION_LABELS and b in RELATION_LABELS)

    @property
    def agreement(self) -> float | None:
        """Share of the judged pairs with the same label; None without any."""
        same = sum(n for (a, b), n in self.counts.items() if a == b and a in RELATION_LABELS)
        return same / self.judged if self.judged else None

    @property
    def kappa(self) -> float | None:
        """Cohen's κ (Cohen 1960): agreement beyond chance; None where both always give one and the same label."""
        if not self.judged or self.agreement is None:
            return None
        rows, columns = self._margins(0), self._margins(1)
        chance = sum(rows[label] * columns[label] for label in RELATION_LABELS) / self.judged**2
        return None if chance == 1 else (self.agreement - chance) / (1 - chance)

    def intervals(self, *, samples: int = 1000, seed: int = 0) -> dict[str, list[float] | None]:
        """95 % bootstrap intervals of both; None where nothing varies or is defined.

        Classes are drawn with replacement and keep all their pairs, as in every other interval; single pairs are
        drawn where there are some whose class is not known.
        """
        drawn_B66 = self._resampled(samples, seed)
        if drawn_B66 is None:
            return {"agreement": None, "kappa": None}
        share_B66 = drawn_B66 / drawn_B66.sum((1, 2), keepdims=True)
        same_B = np.trace(share_B66, axis1=1, axis2=2)
        chance_B = (share_B66.sum(1) * share_B66.sum(2)).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            kappa_B = (same_B - chance_B) / (1 - chance_B)
        return {"agreement": _central(same_B), "kappa": _central(kappa_B[np.isfinite(kappa_B)])}

    def _resampled(self, samples: int, seed: int) -> NDArray[np.float64] | None:
        """The judged pairs' cells in each resample, shape (B, 6, 6); None where no resample differs from another."""
        found = {name: cells_66 for name, counts in self.by_class.items() if (cells_66 := _cells(counts)).any()}
        if None in found:
            cells_66 = np.stack(list(found.values())).sum(0)
            chances = cells_66.reshape(-1) / cells_66.sum()
            drawn = np.random.default_rng(seed).multinomial(self.judged, chances, size=samples).astype(np.float64)
            return drawn.reshape(samples, *cells_66.shape)
        if len(found) < 2:
            return None
        cells_C66 = np.stack([found[name] for name in sorted(map(str, found))])
        weights_BC = class_weights(len(found), samples=samples, seed=seed)
        cells_BL = weights_BC @ cells_C66.reshape(len(found), -1)
        return cells_BL.reshape(samples, *cells_C66.shape[1:])

    def _margins(self, side: int) -> Counter[str]:
        margins: Counter[str] = Counter()
        for labels, n in self.counts.items():
            if set(labels) <= set(RELATION_LABELS):
                margins[labels[side]] += n
        return margins

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON; `confusion` has a row for each of the first verifier's labels."""
        return {
            "pairs": sum(self.counts.values()),
            "judged": self.judged,
            "agreement": self.agreement,
            "kappa": self.kappa,
            "ci": self.intervals(),
            "confusion": {a: {b: self.counts[a, b] for b in VERDICT_LABELS} for a in VERDICT_LABELS},
        }

    def table(self, first: str = "taxonomy", second: str = "judge") -> str:
        """The confusion matrix in words: rows are the first verifier's labels; empty ones are left out."""
        rows = [a for a in VERDICT_LABELS if any(self.counts[a, b] for b in VERDICT_LABELS)]
        columns = [b for b in VERDICT_LABELS if any(self.counts[a, b] for a in VERDICT_LABELS)]
        width = max(map(len, (*rows, f"{first} \\ {second}")))
        lines = [f"{first} \\ {second}".ljust(width) + "".join(f"  {b}" for b in columns)]
        lines += [a.ljust(width) + "".join(f"  {self.counts[a, b]:>{len(b)}}" for b in columns) for a in rows]
        ci = self.intervals()
        agreement, kappa = (_shown(x, ci[name]) for name, x in (("agreement", self.agreement), ("kappa", self.kappa)))
        return "\n".join([*lines, f"agreement {agreement}, Cohen's κ {kappa}, over {self.judged} pairs judged by both"])


def _class_of(first: Verdict, second: Verdict) -> str | None:
    """The truth's taxon where it is one, else its text: as `rlfg score` has it."""
    node = second.truth_node if first.truth_node is None else first.truth_node
    truth = second.truth if first.truth is None else first.truth
    return f"#{node}" if node is not None else None if truth is None else normalize(truth)


def _cells(counts: Counter[tuple[str, str]]) -> NDArray[np.float64]:
    """How often either verifier gave each of the six labels, shape (6, 6)."""
    return np.array([[counts[a, b] for b in RELATION_LABELS] for a in RELATION_LABELS], dtype=np.float64)


def _central(draws_B: NDArray[np.float64]) -> list[float] | None:
    return [round(float(q), 6) for q in np.quantile(draws_B, (0.025, 0.975))] if len(draws_B) else None


def _shown(value: float | None, ci: list[float] | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" [{ci[0]:.3f}, {ci[1]:.3f}]" if ci else "")


@final
class Audit:
    """Gives the verdicts of `verifier`, and asks `other` the same to see how far they agree.

    Where `verifier` is a taxonomy that could not resolve an answer, its WRONG is no opinion: NO_VERDICT is counted.
    """

    def __init__(self, verifier: Verifier, other: Verifier) -> None:
        self.verifier = verifier
        self.other = other
        self.agreement = Agreement()
        """Of all pairs so far."""

    def verify(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict of `verifier` for each pair, in order."""
        verdicts = self.verifier.verify(pairs)
        opinions = [replace(verdict, relation=None) if is_open(verdict) else verdict for verdict in verdicts]
        self.agreement.add(opinions, self.other.verify(pairs))
        return verdicts

"""Several phrasings of the prompt, one verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rlfg.types import Relation


def majority(votes: Sequence[Relation], *, of: int) -> Relation | None:
    """The label with the most of the votes given, where votes still missing could not change that.

    SPECIFIC and MORE_SPECIFIC are different labels. Between labels with equally many the worse one is taken, so
    that no answer is paid on a doubt.

    Args:
        votes: those that were given.
        of: how many there should be.
    """
    missing = of - len(votes)
    counts = Counter(votes)
    ranked = sorted(counts, key=lambda label: (-counts[label], label.order, label.value))
    if not ranked:
        return None
    runner_up = counts[ranked[1]] if len(ranked) > 1 else 0
    return ranked[0] if missing == 0 or counts[ranked[0]] > runner_up + missing else None

"""Self-consistency (Wang et al. 2023): of an item's sampled answers the one that most of them give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from eval.predictions import require_names
from eval.reading import Reading, answers_in
from rlfg.taxonomy import Taxonomy, normalize, resolve
from rlfg.types import Prediction


def majority(
    predictions: Sequence[Prediction], taxonomy: Taxonomy | None = None, *, mode: Reading = "lenient"
) -> list[Prediction]:
    """One line an item, with one answer and its `votes`; failed lines stay as they are.

    Answers are the same where they name one taxon, or read the same without a taxonomy. A tie goes to the answer that
    came first. A sample without an answer has no vote, but counts; an item of such samples only has an empty answer.

    Raises:
        RlfgError: The answers of a line are to several questions, not samples of one.
    """
    require_names(predictions, sampled=True)

    @lru_cache(None)
    def meant(answer: str) -> str:
        if taxonomy is not None:
            found = resolve(taxonomy, answer)
            if found.named:
                return f"#{','.join(map(str, found.candidates))}"
        return normalize(answer)

    def chosen(line: Prediction) -> Prediction:
        if line.error is not None:
            return line
        said = answers_in(line, mode)
        votes = Counter(meant(answer) for answer in said if answer is not None)
        (best, count), *_ = votes.most_common(1) or [("", 0)]  # of equals the first
        answer = next((answer for answer in said if answer is not None and meant(answer) == best), "")
        extra = {**line.extra, "votes": count, "samples": len(said)}
        return Prediction(id=line.id, truth=line.truth, answers=(answer,), image=line.image, extra=extra)

    return [chosen(line) for line in predictions]

"""Fine-R1's accuracy (ICLR 2026): is the truth named in the answer?

Its whole reward is 0.9 · accuracy + 0.1 · format: `FINE_R1` in `rewards.rubric`. The authors test for a raw
substring, which pays "caterpillar" for "cat" and a list of all classes; here the truth must stand there in
whole words, as the one thing that is named. A word test still cannot read ("not a gull"): where a verifier
can judge the answers, `binary` with the same weights is the safer reward.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rlfg.taxonomy import normalize
from rlfg.types import Verdict

MAX_EXTRA_WORDS = 6
"""Words around the truth ("this is a photo of a …"); more is a text or a list."""
_LIST_MARKS = re.compile(r"[,;/|&\n]")
_LIST_WORDS = {"or", "and"}


def fine_r1_accuracy(verdicts: Sequence[Verdict]) -> list[float | None]:
    """1 where the answer names the truth, else 0, also for UNPARSED; None without a verdict.

    Looks at the texts of the verdicts, not at their relations.
    """
    return [float(_is_accurate(verdict)) if verdict.decided else None for verdict in verdicts]


def names_truth(answer: str, truth: str) -> bool:
    """Whether `answer` names `truth` in whole words, after normalisation, and is not a list.

    Separators and "or", "and" make a list unless they belong to the truth ("black-and-white warbler").
    """
    before, found, after = f" {normalize(answer)} ".partition(f" {normalize(truth)} ")
    extra = [*before.split(), *after.split()]
    marks = set(_LIST_MARKS.findall(answer.strip())) - set(_LIST_MARKS.findall(truth))
    return bool(found) and not marks and not _LIST_WORDS & set(extra) and len(extra) <= MAX_EXTRA_WORDS


def _is_accurate(verdict: Verdict) -> bool:
    if verdict.unparsed or verdict.answer is None or verdict.truth is None:
        return False
    return names_truth(verdict.answer, verdict.truth)

"""The taxonomy decides what it can, a judge the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from rewards.verifier import Pair, Verifier, is_open
from rlfg.types import Verdict


@final
class Cascade:
    """Asks `judge` about the pairs that `taxonomy` could not resolve, and about no others.

    Those are answers that name nothing in the tree (which the taxonomy alone calls WRONG) and truths that are
    not in it (of which it says nothing). Where the judge says nothing either there is NO_VERDICT: what could
    not be judged is not called wrong.
    """

    def __init__(self, taxonomy: Verifier, judge: Verifier) -> None:
        self.taxonomy = taxonomy
        self.judge = judge

    def verify(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict for each pair, in order; `source` says whose it is."""
        verdicts = self.taxonomy.verify(pairs)
        open_ = [i for i, verdict in enumerate(verdicts) if is_open(verdict)]
        for i, judged in zip(open_, self.judge.verify([pairs[i] for i in open_]) if open_ else [], strict=True):
            verdicts[i] = _beside(verdicts[i], judged)
        return verdicts


def _beside(verdict: Verdict, judged: Verdict) -> Verdict:
    """The judge's verdict, with what the taxonomy knows of the pair."""
    return Verdict(
        relation=judged.relation,
        answer=verdict.answer,
        truth=verdict.truth,
        truth_node=verdict.truth_node,
        status=verdict.status,
        truth_status=verdict.truth_status,
        source=judged.source,
        reason=f"{judged.reason} (the taxonomy: {verdict.reason})",
    )

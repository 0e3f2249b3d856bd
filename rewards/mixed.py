"""Closed questions beside open ones: each pair goes to the verifier that its truth is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from rewards.text_verifier import TextVerifier
from rewards.verifier import Pair, Verifier
from rlfg.types import Verdict


@final
class Mixed:
    """Judges by `closed` where the truth is a closed question's ("B"), and by `open_` elsewhere ("Herring Gull").

    A closed question knows SPECIFIC and WRONG alone, for which `binary`, `dynamic` and `hedged` pay what `mcq_letter`
    pays. So one reward serves both kinds.
    """

    def __init__(self, closed: TextVerifier, open_: Verifier) -> None:
        self.closed = closed
        self.open = open_

    def verify(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict for each pair, in order."""
        kinds = [self.closed.takes(truth) for _, truth in pairs]
        verdicts = {
            kind: iter(verifier.verify([pair for pair, its in zip(pairs, kinds, strict=True) if its == kind]))
            for kind, verifier in ((True, self.closed), (False, self.open))
            if kind in kinds
        }
        return [next(verdicts[kind]) for kind in kinds]

"""A verifier for closed questions, whose answers are letters, yes or no, or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, final

from rewards.checks import require_choice
from rewards.choices import READERS
from rewards.verifier import Pair, unparsed
from rlfg.errors import RlfgError
from rlfg.taxonomy import normalize
from rlfg.types import Relation, Verdict

TextKind = Literal["letter", "yes_no", "count"]


@final
class TextVerifier:
    """SPECIFIC where answer and truth say the same, else WRONG; UNPARSED without an answer."""

    def __init__(self, kind: TextKind) -> None:
        """`kind` is what answers are: "letter", "yes_no" or "count" (`rewards.choices`)."""
        require_choice("text", kind, READERS)
        self.kind = kind

    def takes(self, truth: str) -> bool:
        """Whether a truth says something of the kind."""
        return READERS[self.kind](truth) is not None

    def verify(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict for each pair, in order.

        Raises:
            RlfgError: A truth says nothing of the kind.
        """
        return [self._decide(answer, truth) for answer, truth in pairs]

    def _decide(self, answer: str | None, truth: str) -> Verdict:
        read = READERS[self.kind]
        expected = read(truth)
        if expected is None:
            raise RlfgError(f'the truth "{truth}" is no {self.kind}; verifier.text says that all are')
        if answer is None or not normalize(answer):
            return unparsed(answer, truth)
        said = read(answer)
        relation = Relation.SPECIFIC if said == expected else Relation.WRONG
        reason = f"says {said or 'nothing clear'}, the truth is {expected}"
        return Verdict(relation=relation, answer=answer, truth=truth, source="text", reason=reason)

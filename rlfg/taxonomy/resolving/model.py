"""What the resolver says of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rlfg.taxonomy.tree import NameKind

Status = Literal[
    "exact", "synonym", "vernacular", "parsed", "fuzzy", "ambiguous", "several", "abstain", "unresolved"
]  # fmt: skip
STATUSES: tuple[Status, ...] = (
    "exact", "synonym", "vernacular", "parsed", "fuzzy", "ambiguous", "several", "abstain", "unresolved",
)  # fmt: skip
"""All of them; the rows of every status table."""
STATUS_OF_KIND: dict[NameKind, Status] = {"name": "exact", "synonym": "synonym", "vernacular": "vernacular"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """What a text names, and how that was found."""

    status: Status
    candidates: tuple[int, ...] = ()
    """One node if "exact", "synonym", "vernacular" (by the kind of its name), "parsed" (the name stands among other
    words or is written otherwise) or "fuzzy" (misspelt), unless it is a `group`; all namesakes if "ambiguous"; the
    nodes of all options that resolve if "several"; none otherwise."""
    group: bool = False
    """The text is a group noun ("sparrow") and means all of `candidates` together, each a clade or a taxon: it is
    broader than any one of them, and never the name of a leaf."""
    span: str | None = None
    """The part of the text that names the candidates; None if "several" or none was found."""
    trace: tuple[str, ...] = ()
    """The steps, for a person to check."""

    @property
    def named(self) -> bool:
        """Whether the text names a taxon, a group, or one of several namesakes."""
        return bool(self.candidates) and self.status != "several"

    def after(self, *steps: str) -> Resolution:
        """The same, with steps put before its own."""
        return self._but(self.status, (*steps, *self.trace))

    def then(self, *steps: str, status: Status | None = None) -> Resolution:
        """The same, with steps added, and another status if one is given."""
        return self._but(status or self.status, (*self.trace, *steps))

    def _but(self, status: Status, trace: tuple[str, ...]) -> Resolution:
        return Resolution(status=status, candidates=self.candidates, group=self.group, span=self.span, trace=trace)


def unresolved(*steps: str) -> Resolution:
    """No taxon, and why."""
    return Resolution(status="unresolved", trace=steps)

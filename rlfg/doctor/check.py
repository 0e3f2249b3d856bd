"""One line of the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of the diagnosis."""

    status: Literal["ok", "missing", "broken"]
    """broken: it is installed and does not work. missing: it is not there, and may not be needed."""
    what: str
    fix: str | None = None
    """A command, as a rule."""

    def __str__(self) -> str:
        """Status, what was found, and the fix."""
        return f"{self.status:<9}{self.what}" + (f"  → {self.fix}" if self.fix else "")

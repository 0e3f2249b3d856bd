"""The account of a source: what became of each of its entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rlfg.errors import RlfgError


@dataclass(frozen=True, kw_only=True)
class Problem:
    """An entry that a reader could not use."""

    code: str
    message: str
    """Starts with the file and line, or the label."""


@dataclass(kw_only=True)
class Ledger:
    """Counts entries as a reader meets them; every one that was read is then used or skipped.

    An entry is what a format has one of a line: a row, a lineage, a synset, a labelled node of a tree.
    """

    collect: bool = False
    """Keep bad entries as `problems` and read on; otherwise the first one raises."""
    entries: Counter[str] = field(default_factory=Counter)
    """File or kind of entry → how many were read."""
    used: Counter[str] = field(default_factory=Counter)
    """What they became ("taxon", "lineage", "synonym", …) → how many."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason → how many were left out."""
    notes: Counter[str] = field(default_factory=Counter)
    """What was noticed beside that, such as a taxon with a second parent; not part of the sum."""
    problems: list[Problem] = field(default_factory=list)

    def bad(self, problem: RlfgError | str) -> None:
        """An entry that does not hold to the format, and is skipped.

        Raises:
            RlfgError: unless the ledger collects problems.
        """
        self._problem("bad-entry", problem)
        self.skipped["does not hold to the format"] += 1

    def contradiction(self, message: str) -> None:
        """Entries that cannot all be true.

        Raises:
            RlfgError: unless the ledger collects problems.
        """
        self._problem("cycle", message)

    def _problem(self, code: str, problem: RlfgError | str) -> None:
        if not self.collect:
            raise problem if isinstance(problem, RlfgError) else RlfgError(problem)
        self.problems.append(Problem(code=code, message=str(problem)))

    def drop_zeros(self) -> None:
        """Forget what never happened."""
        for counts in (self.used, self.skipped, self.notes):
            for key in [key for key, count in counts.items() if not count]:
                del counts[key]

    def balance(self) -> int:
        """Entries read but neither used nor skipped; 0 once a source was read to its end."""
        return self.entries.total() - self.used.total() - self.skipped.total()


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a taxonomy came from, and what of the source is in it."""

    format: str
    """One of the names in `rlfg.taxonomy.formats.FORMATS`."""
    source: str
    """Path as it was given."""
    sha256: str
    """Of the file; of a folder, over the names and hashes of its files; "" where there is no file."""
    entries: Mapping[str, int]
    used: Mapping[str, int]
    skipped: Mapping[str, int]
    notes: Mapping[str, int] = field(default_factory=dict)
    """These four as in `Ledger`."""

    def lines(self) -> list[str]:
        """For a person: format, hash and the counts."""
        found = [f"format {self.format}", f"sha256 {self.sha256 or '-'}"]
        for title in ("entries", "used", "skipped", "notes"):
            counts: Mapping[str, int] = getattr(self, title)
            if counts:
                found.append(f"{title} " + ", ".join(f"{n} {what}" for what, n in counts.items()))
        return found

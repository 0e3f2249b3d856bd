"""Records as columns, in the order they are read: no Python object of a record is kept but its id."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from rlfg.errors import RlfgError
from rlfg.taxonomy.names import fold
from rlfg.taxonomy.packed import Labels
from rlfg.taxonomy.packing import ListWriter, TextWriter

if TYPE_CHECKING:
    from rlfg.taxonomy.build import TaxonRecord

TOP = -1
"""The parent of a top taxon."""
_UNKNOWN = -2


@final
class Rows:
    """Names, ranks, other names and parents by row; `add` puts a taxon of one's own behind them."""

    def __init__(self) -> None:
        """Starts without rows."""
        self.row_of: dict[Hashable, int] = {}
        """The row of each id, in order; rows that `add` made have none."""
        self.names = TextWriter()
        self.vernaculars, self.synonyms, self.ids = ListWriter(), ListWriter(), ListWriter()
        self.keys = ListWriter()
        """Each row's names, normalised and distinct; first that it stands under, which may be empty."""
        self._parent = array("i")
        self._unknown: dict[int, Hashable] = {}
        """Parents that had not been read yet."""
        self._codes = array("i")
        self._labels: list[str] = []
        self._code_of: dict[str | None, int] = {None: -1}
        self._where = TextWriter()

    def read(self, records: Iterable[TaxonRecord]) -> None:
        """Take in records.

        Raises:
            RlfgError: an id is used twice; a parent is not among the records.
        """
        for record in records:
            row = len(self.names)
            first = self.row_of.setdefault(record.id, row)
            if first != row:
                raise RlfgError(f'{record.where}: id "{record.id}" was already used at {self._where[first]}')
            self.add(record.name, record.rank, record.vernaculars, record.synonyms, record.ids)
            self._where.append(record.where)
            above = TOP if record.parent is None else self.row_of.get(record.parent, _UNKNOWN)
            self._parent.append(above)
            if above == _UNKNOWN:
                self._unknown[row] = record.parent
        for row, parent in self._unknown.items():
            self._parent[row] = self.row_of.get(parent, _UNKNOWN)

    def add(
        self,
        name: str,
        rank: str | None,
        vernaculars: Iterable[str],
        synonyms: Iterable[str] = (),
        ids: Iterable[str] = (),
    ) -> int:
        """A further row, without those of its other names that say nothing new.

        Returns:
            Its number.
        """
        row = len(self.names)
        keys = {fold(name): None}
        self.names.append(name)
        self._codes.append(self._code(rank))
        self.vernaculars.append(_new(vernaculars, keys) if vernaculars else ())
        self.synonyms.append(_new(synonyms, keys) if synonyms else ())
        self.ids.append(dict.fromkeys(ids))
        self.keys.append(keys)
        return row

    def parents(self) -> NDArray[np.int32]:
        """(rows read,) the row of each one's parent, or `TOP`; anything else where it is unknown."""
        return np.array(self._parent, dtype=np.int32)

    def orphan(self) -> int | None:
        """The first row whose parent is unknown."""
        return next((row for row in self._unknown if self._parent[row] == _UNKNOWN), None)

    def ranks(self) -> Labels:
        """The rank of each row."""
        return Labels(np.array(self._codes, dtype=np.int32), self._labels)

    def rank(self, row: int) -> str | None:
        """The rank of one row."""
        code = self._codes[row]
        return None if code < 0 else self._labels[code]

    def order(self, row: int) -> tuple[bytes, str]:
        """Sorts siblings by name, then rank."""
        return self.names.raw(row), self.rank(row) or ""

    def key(self, row: int) -> bytes:
        """The normalised name of one row, as bytes."""
        return self.keys.first(row)

    def unnamed(self) -> list[int]:
        """The rows read whose name normalises to nothing."""
        return [row for row in range(len(self._parent)) if not self.key(row)]

    def place(self, row: int) -> tuple[Hashable, Hashable, str, str]:
        """Id, parent's id, name and where of a row that was read, for a message."""
        above = self._parent[row]
        parent = self._unknown[row] if above == _UNKNOWN else None if above == TOP else self._id(above)
        return self._id(row), parent, self.names[row], self._where[row]

    def _code(self, rank: str | None) -> int:
        code = self._code_of.setdefault(rank, len(self._labels))
        if rank is not None and code == len(self._labels):
            self._labels.append(rank)
        return code

    def _id(self, row: int) -> Hashable:
        return next(islice(self.row_of, row, None))


def _new(texts: Iterable[str], taken: dict[str, None]) -> list[str]:
    """Those that normalise to something that is not taken, which then is."""
    found = []
    for text in texts:
        key = fold(text)
        if key and key not in taken:
            taken[key] = None
            found.append(text.strip())
    return found

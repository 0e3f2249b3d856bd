"""Compact many-to-many tables: sorted 32-bit checksums of texts, each with the integers that belong to it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import final
from zlib import crc32

import numpy as np

from rlfg.taxonomy.keytable import bucket_shift, first_of_buckets
from rlfg.taxonomy.packed import Array, offsets


@final
class Table:
    """K texts, known by their checksums, and V values; two texts may share a checksum, so users check what they get.

    Twelve to sixteen bytes a text and four a value, in memory or mapped from a file.
    """

    PARTS = ("sums", "buckets", "starts", "values")
    __slots__ = ("_bucket_at", "_none", "_shift", "_starts", "_sums", "buckets", "starts", "sums", "values")

    def __init__(self, sums: Array, buckets: Array, starts: Array, values: Array) -> None:
        """Reads what `build_table` makes.

        Args:
            sums: (K,) uint32, ascending.
            buckets: (2^b + 1,) the first sum of each bucket, as `KeyTable` has them.
            starts: (K + 1,) where each text's values start.
            values: (V,) int32, ascending and distinct for each text.
        """
        self.sums, self.buckets, self.starts, self.values = sums, buckets, starts, values
        self._shift, self._none = bucket_shift(buckets), values[:0]
        self._sums, self._bucket_at, self._starts = sums.data, buckets.data, starts.data

    def arrays(self) -> dict[str, Array]:
        """All of it, by `PARTS`."""
        return {part: getattr(self, part) for part in self.PARTS}

    def get(self, text: str) -> Array:
        """The values of a text; empty if it is unknown."""
        wanted = checksum(text)
        bucket = wanted >> self._shift
        at, stop = self._bucket_at[bucket], self._bucket_at[bucket + 1]
        while at < stop:
            if self._sums[at] == wanted:
                return self.values[self._starts[at] : self._starts[at + 1]]
            at += 1
        return self._none


def checksum(text: str) -> int:
    """CRC-32 of the text: the same in every process, unlike `hash`."""
    return crc32(text.encode("utf-8", "surrogatepass"))


def build_table(pairs: Iterable[tuple[str, int]]) -> Table:
    """A table of (text, value) pairs, in any order and with repeats; values are 0 or more."""
    both = array("Q", (checksum(text) << 32 | value for text, value in pairs))
    known = distinct(np.frombuffer(both, dtype=np.uint64) if both else np.empty(0, dtype=np.uint64))
    sums = (known >> np.uint64(32)).astype(np.uint32)
    first = np.flatnonzero(np.diff(sums, prepend=sums[:1] + 1 if len(sums) else 0))
    counts = np.diff(first, append=len(sums))
    sums = sums[first]
    return Table(sums, first_of_buckets(sums), offsets(counts), (known & np.uint64(0xFFFFFFFF)).astype(np.int32))


def distinct(values: Array) -> Array:
    """Sorted and without repeats; several times as fast as `numpy.unique`."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered

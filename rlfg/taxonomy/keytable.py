"""A hash table from texts to taxa that can be saved and mapped: what a name or an identifier is looked up in.

Distinct keys stand in the order of their CRC-32. Its leading bits number the buckets, of which there are as many as
keys or up to twice that; `buckets` says where each begins. Every key in a bucket is compared with the text itself, so
that texts of equal CRC are never taken for one another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rlfg.taxonomy.packed import Array, Texts, offsets

_HASH_BITS = 32
Keep = Callable[[list[int]], list[bool]]
"""Which of the taxa of one key stay."""


@final
class KeyTable:
    """Text → taxa, or other numbers, in ascending order; exact, without normalisation. K is the number of keys."""

    PARTS = ("text", "at", "buckets", "starts", "nodes")
    __slots__ = ("_at", "_bucket_at", "_nodes", "_shift", "_starts", "_text", "buckets", "keys", "nodes", "starts")

    def __init__(self, keys: Texts, buckets: Array, starts: Array, nodes: Array) -> None:
        """Reads what `key_table` makes.

        Args:
            keys: the K texts.
            buckets: (2^b + 1,) the first key of each bucket.
            starts: (K + 1,) where the taxa of each key begin in `nodes`.
            nodes: int32, the taxa.
        """
        self.keys, self.buckets, self.starts, self.nodes = keys, buckets, starts, nodes
        self._shift = bucket_shift(buckets)
        self._text, self._at = keys.text.data, keys.starts.data
        self._bucket_at, self._starts, self._nodes = buckets.data, starts.data, nodes.data

    def __reduce__(self) -> tuple[type[KeyTable], tuple[Texts, Array, Array, Array]]:
        return KeyTable, (self.keys, self.buckets, self.starts, self.nodes)

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> KeyTable:
        """The table that has these `arrays`."""
        texts = Texts(arrays["text"], arrays["at"])
        return cls(texts, arrays["buckets"], arrays["starts"], arrays["nodes"])

    def arrays(self) -> dict[str, Array]:
        """All of it, by `PARTS`."""
        every = self.keys.text, self.keys.starts, self.buckets, self.starts, self.nodes
        return dict(zip(self.PARTS, every, strict=True))

    def place(self, key: str) -> int | None:
        """The number of a key; None if it is none."""
        raw = key.encode("utf-8", "surrogatepass")
        bucket = crc32(raw) >> self._shift
        i, stop = self._bucket_at[bucket], self._bucket_at[bucket + 1]
        while i < stop:
            if self._text[self._at[i] : self._at[i + 1]] == raw:
                return i
            i += 1
        return None

    def find(self, key: str) -> tuple[int, ...]:
        """The taxa of a text; none if it is no key."""
        i = self.place(key)
        if i is None:
            return ()
        start, stop = self._starts[i], self._starts[i + 1]
        return (self._nodes[start],) if stop == start + 1 else tuple(self._nodes[start:stop])

    def array(self, key: str) -> Array:
        """The same as an array, which may be long."""
        i = self.place(key)
        return self.nodes[:0] if i is None else self.nodes[self._starts[i] : self._starts[i + 1]]


def key_table(keys: Texts, nodes: Array, keep: Keep) -> KeyTable:
    """A table of keys and taxa.

    Args:
        keys: (P,) with repeats.
        nodes: (P,) int32, ascending: the taxon of each.
        keep: which of the taxa of one key stay: `every`, `first`, or `lowest` ones.
    """
    hashes = np.fromiter(map(crc32, keys.raws()), dtype=np.uint32, count=len(keys))
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    heads, kept = _grouped(keys, nodes, order, hashes, keep)
    places = np.flatnonzero(heads)
    counts = np.add.reduceat(kept, places, dtype=np.int64) if len(places) else places
    return KeyTable(keys.take(order[places]), first_of_buckets(hashes[places]), offsets(counts), nodes[order[kept]])


def every(nodes: list[int]) -> list[bool]:
    """All of them."""
    return [True] * len(nodes)


def first(nodes: list[int]) -> list[bool]:
    """Only the first."""
    return [i == 0 for i in range(len(nodes))]


def lowest(ends: Array) -> Keep:
    """Those that have no other of them below, which in depth-first order is the next one.

    Args:
        ends: (N,) one past the last node below each.
    """
    return lambda nodes: [i + 1 == len(nodes) or nodes[i + 1] >= ends[node] for i, node in enumerate(nodes)]


def _grouped(
    keys: Texts, nodes: Array, order: Array, hashes: Array, keep: Keep
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Brings equal keys together in `order`, which is sorted by hash.

    Returns:
        Which entries begin a key, and which of the taxa stay.
    """
    heads, kept = np.ones(len(order), dtype=np.bool_), np.ones(len(order), dtype=np.bool_)
    alike = np.concatenate([[False], hashes[1:] == hashes[:-1], [False]])
    starts, lasts = np.flatnonzero(~alike[:-1] & alike[1:]), np.flatnonzero(alike[:-1] & ~alike[1:])
    for low, last in zip(starts.tolist(), lasts.tolist(), strict=True):
        groups: dict[bytes, list[int]] = {}
        for entry in order[low : last + 1].tolist():
            groups.setdefault(bytes(keys.raw(entry)), []).append(entry)
        for entries in groups.values():
            stop = low + len(entries)
            order[low:stop] = entries
            heads[low + 1 : stop] = False
            kept[low:stop] = keep([int(nodes[entry]) for entry in entries])
            low = stop
    return heads, kept


def first_of_buckets(hashes: Array) -> Array:
    """(2^b + 1,) the first of some sorted hashes in each bucket, and their number at the end."""
    bits = min(_HASH_BITS, max(len(hashes) - 1, 0).bit_length())
    borders = np.arange((1 << bits) + 1, dtype=np.int64) << (_HASH_BITS - bits)
    return np.searchsorted(hashes.astype(np.int64), borders).astype(np.uint32)


def bucket_shift(buckets: Array) -> int:
    """How far to shift a hash to get the number of its bucket."""
    return _HASH_BITS - (len(buckets) - 1).bit_length() + 1

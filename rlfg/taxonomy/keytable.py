"""A hash table from texts to taxa that can be saved and mapped: what a name or an identifier is looked up in.

Distinct keys stand in the order of their CRC-32. Its leading bits number the buckets, of which there are as many as
keys or up to twice that; `buckets` says where each begins. Every key in a bucket is compared with the text itself, so
that texts of equal CRC are never taken for one another.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rlfg.taxonomy.packed import Array, Texts, TextWriter, offsets, utf8

_HASH_BITS = 32


@final
class KeyTable:
    """Text → taxa in ascending order; exact, without normalisation. K is the number of keys."""

    __slots__ = ("_at", "_bucket_at", "_nodes", "_shift", "_starts", "_text", "buckets", "keys", "nodes", "starts")

    def __init__(self, keys: Texts, buckets: Array, starts: Array, nodes: Array) -> None:
        """Reads what `KeyWriter` makes.

        Args:
            keys: the K texts.
            buckets: (2^b + 1,) the first key of each bucket.
            starts: (K + 1,) where the taxa of each key begin in `nodes`.
            nodes: int32, the taxa.
        """
        self.keys, self.buckets, self.starts, self.nodes = keys, buckets, starts, nodes
        self._shift = _HASH_BITS - (len(buckets) - 1).bit_length() + 1
        self._text, self._at = keys.text.data, keys.starts.data
        self._bucket_at, self._starts, self._nodes = buckets.data, starts.data, nodes.data

    def __reduce__(self) -> tuple[type[KeyTable], tuple[Texts, Array, Array, Array]]:
        return KeyTable, (self.keys, self.buckets, self.starts, self.nodes)

    def find(self, key: str) -> tuple[int, ...]:
        """The taxa of a text; none if it is no key."""
        raw = utf8(key)
        bucket = crc32(raw) >> self._shift
        at = self._at
        for i in range(self._bucket_at[bucket], self._bucket_at[bucket + 1]):
            if self._text[at[i] : at[i + 1]] == raw:
                return tuple(self._nodes[self._starts[i] : self._starts[i + 1]])
        return ()


@final
class KeyWriter:
    """Keys of taxa, which come in ascending order."""

    def __init__(self) -> None:
        """Starts with none."""
        self._keys = TextWriter()
        self._nodes = array("i")
        self._hashes = array("I")

    def add(self, node: int, keys: Iterable[str]) -> None:
        """The distinct keys of one taxon."""
        for key in keys:
            raw = utf8(key)
            self._keys.append_raw(raw)
            self._hashes.append(crc32(raw))
            self._nodes.append(node)

    def done(self, ends: Array | None) -> KeyTable:
        """The table; nothing can be added any more.

        Args:
            ends: (N,) one past the last node below each. Of the taxa of one key those with another of them
                below are left out. None keeps only the first taxon of each key.
        """
        keys = self._keys.done()
        nodes, hashes = np.array(self._nodes, dtype=np.int32), np.array(self._hashes, dtype=np.uint32)
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        first, kept = _grouped(keys, nodes, order, hashes, ends)
        heads = np.flatnonzero(first)
        counts = np.add.reduceat(kept, heads, dtype=np.int64) if len(heads) else heads
        return KeyTable(keys.take(order[heads]), _buckets(hashes[heads]), offsets(counts), nodes[order[kept]])


def _grouped(
    keys: Texts, nodes: Array, order: Array, hashes: Array, ends: Array | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Brings equal keys together in `order`, which is sorted by hash.

    Returns:
        Which entries begin a key, and which of the taxa stay.
    """
    first, kept = np.ones(len(order), dtype=np.bool_), np.ones(len(order), dtype=np.bool_)
    alike = np.concatenate([[False], hashes[1:] == hashes[:-1], [False]])
    starts, lasts = np.flatnonzero(~alike[:-1] & alike[1:]), np.flatnonzero(alike[:-1] & ~alike[1:])
    for low, last in zip(starts.tolist(), lasts.tolist(), strict=True):
        groups: dict[bytes, list[int]] = {}
        for entry in order[low : last + 1].tolist():
            groups.setdefault(bytes(keys.raw(entry)), []).append(entry)
        for entries in groups.values():
            stop = low + len(entries)
            order[low:stop] = entries
            first[low + 1 : stop] = False
            kept[low:stop] = _kept([int(nodes[entry]) for entry in entries], ends)
            low = stop
    return first, kept


def _kept(nodes: list[int], ends: Array | None) -> list[bool]:
    """Which of the taxa of a key have no other of them below; in depth-first order that is the next one."""
    if ends is None:
        return [i == 0 for i in range(len(nodes))]
    return [i + 1 == len(nodes) or nodes[i + 1] >= ends[node] for i, node in enumerate(nodes)]


def _buckets(hashes: Array) -> Array:
    """The first key of each bucket, of sorted hashes."""
    bits = min(_HASH_BITS, max(len(hashes) - 1, 0).bit_length())
    borders = np.arange((1 << bits) + 1, dtype=np.int64) << (_HASH_BITS - bits)
    return np.searchsorted(hashes.astype(np.int64), borders).astype(np.uint32)

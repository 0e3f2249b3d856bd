"""Texts in one run of UTF-8 bytes, read as the sequences they stand for; the bytes are in memory or in a mapped file.

Offsets are uint32, or int64 where the bytes are more than four billion; `starts` has one more entry than there are
items, so that item i is what stands from `starts[i]` up to `starts[i + 1]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any, SupportsIndex, final, overload

import numpy as np
from numpy.typing import NDArray

from rlfg.errors import RlfgError

Array = NDArray[Any]
_CHUNK = 1 << 16
"""Texts handled at a time: a few megabytes."""


def utf8(text: str) -> bytes:
    """Bytes that `Texts` reads back, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")


def offsets(lengths: Array) -> Array:
    """(N,) lengths to (N + 1,) starts, in the smallest type."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts.astype(np.uint32) if starts[-1] < 1 << 32 else starts


def _spread(starts: Array, lengths: Array) -> NDArray[np.int64]:
    """Runs of consecutive numbers, one after the other, by their starts and lengths."""
    ends = np.cumsum(lengths, dtype=np.int64)
    shifts: NDArray[np.int64] = starts.astype(np.int64) - ends + lengths
    shifts = np.repeat(shifts, lengths)
    shifts += np.arange(len(shifts))
    return shifts


@final
class Texts(Sequence[str]):
    """N texts; a slice of them is a tuple."""

    __slots__ = ("_at", "_view", "starts", "text")

    def __init__(self, text: Array, starts: Array) -> None:
        """Reads uint8 `text`, cut at (N + 1,) `starts`."""
        self.text = text
        self.starts = starts
        self._view = text.data
        self._at = starts.data

    def __reduce__(self) -> tuple[type[Texts], tuple[Array, Array]]:
        return Texts, (self.text, self.starts)

    def __len__(self) -> int:
        return len(self._at) - 1

    @overload
    def __getitem__(self, item: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, item: slice) -> tuple[str, ...]: ...
    def __getitem__(self, item: SupportsIndex | slice) -> str | tuple[str, ...]:
        if isinstance(item, slice):
            return tuple(self[i] for i in range(*item.indices(len(self))))
        i = _place(item, len(self))
        try:
            return str(self._view[self._at[i] : self._at[i + 1]], "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise not_text() from error

    def __iter__(self) -> Iterator[str]:
        try:
            for raw in self.raws():
                yield str(raw, "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise not_text() from error

    def __eq__(self, other: object) -> bool:
        return _same(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Texts({list(self[:3])}, n={len(self)})"

    def raw(self, item: int) -> memoryview:
        """The bytes of one text."""
        return self._view[self._at[item] : self._at[item + 1]]

    def pick(self, numbers: Iterable[int]) -> list[str]:
        """Some of the texts, at less cost than one by one."""
        view, at = self._view, self._at
        try:
            return [str(view[at[i] : at[i + 1]], "utf-8", "surrogatepass") for i in numbers]
        except UnicodeDecodeError as error:
            raise not_text() from error

    def of_length(self, numbers: Array, least: int, most: int) -> Array:
        """Those of the numbers whose texts have so many bytes."""
        lengths = self.starts[1:][numbers] - self.starts[numbers]
        return np.asarray(numbers[(lengths >= max(0, least)) & (lengths <= most)])

    def starting(self, numbers: Array, byte: int) -> Array:
        """Those of the numbers whose texts, none of them empty, begin with a byte."""
        return np.asarray(numbers[self.text[self.starts[numbers]] == byte])

    def raws(self) -> Iterator[memoryview]:
        """The bytes of each text, in order."""
        for low in range(0, len(self), _CHUNK):
            for start, end in pairwise(self._at[low : min(low + _CHUNK, len(self)) + 1].tolist()):
                yield self._view[start:end]

    def take(self, order: Array) -> Texts:
        """Some of the texts, in this order, copied."""
        lengths = np.diff(self.starts)[order]
        starts = offsets(lengths)
        text = np.empty(int(starts[-1]), dtype=np.uint8)
        for low in range(0, len(order), _CHUNK):
            part = slice(low, low + _CHUNK)
            places = _spread(self.starts[order[part]], lengths[part])
            text[starts[low] : int(starts[low]) + len(places)] = self.text[places]
        return Texts(text, starts)


@final
class Lists(Sequence[tuple[str, ...]]):
    """N tuples of texts."""

    __slots__ = ("_at", "starts", "texts")

    def __init__(self, texts: Texts, starts: Array) -> None:
        """Reads `texts`, cut at (N + 1,) `starts`."""
        self.texts = texts
        self.starts = starts
        self._at = starts.data

    def __reduce__(self) -> tuple[type[Lists], tuple[Texts, Array]]:
        return Lists, (self.texts, self.starts)

    def __len__(self) -> int:
        return len(self._at) - 1

    @overload
    def __getitem__(self, item: SupportsIndex) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, item: slice) -> tuple[tuple[str, ...], ...]: ...
    def __getitem__(self, item: SupportsIndex | slice) -> tuple[str, ...] | tuple[tuple[str, ...], ...]:
        if isinstance(item, slice):
            return tuple(self[i] for i in range(*item.indices(len(self))))
        i = _place(item, len(self))
        start, stop = self._at[i], self._at[i + 1]
        return () if start == stop else self.texts[start:stop]

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        texts = iter(self.texts)
        for start, stop in pairwise(self._at):
            yield () if start == stop else tuple(islice(texts, stop - start))

    def __eq__(self, other: object) -> bool:
        return _same(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Lists({list(self[:3])}, n={len(self)})"

    def take(self, order: Array) -> Lists:
        """Some of the tuples, in this order, copied; none at all where there are none."""
        if not len(self):
            return self
        lengths = np.diff(self.starts)[order]
        return Lists(self.texts.take(_spread(self.starts[order], lengths)), offsets(lengths))


@final
class Labels(Sequence[str | None]):
    """N times one of a few labels or None."""

    __slots__ = ("_at", "_labels", "codes", "labels")

    def __init__(self, codes: Array, labels: Sequence[str]) -> None:
        """Reads (N,) `codes`: places in `labels`, or -1 for None; each label occurs."""
        self.codes = codes
        self.labels = tuple(labels)
        self._at = codes.data
        self._labels = (*self.labels, None)

    def __reduce__(self) -> tuple[type[Labels], tuple[Array, tuple[str, ...]]]:
        return Labels, (self.codes, self.labels)

    def __len__(self) -> int:
        return len(self._at)

    @overload
    def __getitem__(self, item: SupportsIndex) -> str | None: ...
    @overload
    def __getitem__(self, item: slice) -> tuple[str | None, ...]: ...
    def __getitem__(self, item: SupportsIndex | slice) -> str | tuple[str | None, ...] | None:
        if isinstance(item, slice):
            return tuple(map(self._labels.__getitem__, self._at[item]))
        return self._labels[self._at[item]]

    def __iter__(self) -> Iterator[str | None]:
        return map(self._labels.__getitem__, self._at)

    def __contains__(self, label: object) -> bool:
        return label in self.labels or (label is None and bool((self.codes < 0).any()))

    def __eq__(self, other: object) -> bool:
        return _same(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Labels({list(self[:3])}, n={len(self)})"

    def take(self, order: Array) -> Labels:
        """Some of the items, in this order, copied."""
        present, codes = np.unique(np.append(self.codes[order], -1), return_inverse=True)
        return Labels((codes[:-1] - 1).astype(np.int32), [self.labels[code] for code in present[1:]])


def not_text() -> RlfgError:
    """What reading damaged bytes raises."""
    return RlfgError("a name of this built taxonomy is not UTF-8 text: the file is damaged; build it again")


def _place(item: SupportsIndex, length: int) -> int:
    """Counted from the start; one past the end is left to the array to refuse."""
    i = item.__index__()
    if i < -length:
        raise IndexError(f"{i} is out of range for {length} items")
    return i + length if i < 0 else i


def _same(items: Sequence[Any], other: object) -> bool:
    """Equal item by item to a tuple or another of these."""
    if not isinstance(other, (tuple, Texts, Lists, Labels)):
        return False
    return len(items) == len(other) and all(a == b for a, b in zip(items, other, strict=True))

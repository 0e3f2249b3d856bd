"""Writing the texts that `packed` reads."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import final

import numpy as np

from rlfg.taxonomy.packed import Lists, Texts, offsets


@final
class TextWriter:
    """Texts packed one by one."""

    def __init__(self) -> None:
        """Starts with none."""
        self._text = bytearray()
        self._starts = array("q", [0])

    def __len__(self) -> int:
        return len(self._starts) - 1

    def append(self, text: str) -> None:
        """Add one."""
        self._text += text.encode("utf-8", "surrogatepass")
        self._starts.append(len(self._text))

    def extend(self, texts: Iterable[str]) -> None:
        """Add several."""
        for text in texts:
            self._text += text.encode("utf-8", "surrogatepass")
            self._starts.append(len(self._text))

    def __getitem__(self, item: int) -> str:
        return self.raw(item).decode("utf-8", "surrogatepass")

    def raw(self, item: int) -> bytes:
        """The bytes of one, which sort as the texts do."""
        return bytes(self._text[self._starts[item] : self._starts[item + 1]])

    def done(self) -> Texts:
        """All of them; nothing can be added any more."""
        return Texts(np.frombuffer(self._text, dtype=np.uint8), offsets(np.diff(self._starts)))


@final
class ListWriter:
    """Tuples of texts packed one by one."""

    def __init__(self) -> None:
        """Starts with none."""
        self._texts = TextWriter()
        self._starts = array("q", [0])

    def append(self, texts: Iterable[str]) -> None:
        """Add one tuple."""
        if texts:
            self._texts.extend(texts)
        self._starts.append(len(self._texts))

    def __getitem__(self, item: int) -> tuple[str, ...]:
        return tuple(self._texts[i] for i in range(self._starts[item], self._starts[item + 1]))

    def first(self, item: int) -> bytes:
        """The bytes of the first text of one tuple."""
        return self._texts.raw(self._starts[item])

    def done(self) -> Lists:
        """All of them; nothing can be added any more."""
        return Lists(self._texts.done(), offsets(np.diff(self._starts)))


def pack(texts: Iterable[str]) -> Texts:
    """Texts as they stand, packed."""
    writer = TextWriter()
    writer.extend(texts)
    return writer.done()

r"""A taxonomy in one file that needs no parsing: a header, then arrays that can be memory-mapped.

    8 bytes   b"RLFGTAX\0"
    4 bytes   version, little-endian
    8 bytes   length H of the header, little-endian
    H bytes   JSON: n, hash, source, main_ranks, ranks, provenance, and each array's dtype, length and offset
    …         the arrays, each at a multiple of 64 bytes from the start of the file

With N taxa: `parent` int32 (N,), `rank` int16 (N,) an index into the header's ranks or -1. Each of `names`,
`vernaculars`, `synonyms` and `ids` is a `<name>_text` of UTF-8 bytes and a `<name>_ends` int64 with the end
of each text in it; the three that hold lists also have `<name>_counts` int64 (N,), texts up to each taxon.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlfg.errors import RlfgError
from rlfg.taxonomy.ledger import Provenance
from rlfg.taxonomy.tree import Taxonomy

MAGIC = b"RLFGTAX\0"
VERSION = 1
_ALIGN = 64
_START = struct.Struct("<8sIQ")
_LISTS = ("vernaculars", "synonyms", "ids")
_Array = NDArray[Any]


def save(taxonomy: Taxonomy, path: str | Path) -> None:
    """Write a taxonomy; a file that is there is replaced once the new one is whole.

    Raises:
        RlfgError: it cannot be written.
    """
    path = Path(path)
    arrays, ranks = _arrays(taxonomy)
    layout: dict[str, Any] = {}
    offset = 0
    for name, array in arrays.items():
        layout[name] = {"dtype": array.dtype.str, "length": len(array), "offset": offset}
        offset = _aligned(offset + array.nbytes)
    header = json.dumps(
        {
            "n": taxonomy.n,
            "hash": taxonomy.hash,
            "source": taxonomy.source,
            "main_ranks": taxonomy.main_ranks,
            "ranks": ranks,
            "provenance": None if taxonomy.provenance is None else asdict(taxonomy.provenance),
            "arrays": layout,
            "size": offset,
        },
        ensure_ascii=False,
    ).encode()
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(_START.pack(MAGIC, VERSION, len(header)) + header)
            for array in arrays.values():
                file.write(b"\0" * (_aligned(file.tell()) - file.tell()))
                file.write(array.tobytes())
            file.write(b"\0" * (_aligned(file.tell()) - file.tell()))
        os.replace(unfinished, path)
    except OSError as error:
        raise RlfgError(f"{path}: cannot write the taxonomy: {error.strerror}") from error


def open_saved(path: str | Path) -> Taxonomy:
    """Read what `save` wrote.

    Raises:
        RlfgError: not such a file, of another version, cut off, or with another content than its hash says.
    """
    path = Path(path)
    header, arrays = _open(path)
    try:
        lists = {name: _lists(arrays, name) for name in _LISTS}
        names = tuple(_texts(arrays, "names"))
        ranks = [*header["ranks"], None]
        provenance = header["provenance"]
        taxonomy = Taxonomy(
            parent=np.array(arrays["parent"]),
            names=names,
            ranks=tuple(ranks[rank] for rank in arrays["rank"]),
            vernaculars=lists["vernaculars"],
            synonyms=lists["synonyms"],
            main_ranks=tuple(header["main_ranks"]),
            source=header["source"],
            ids=lists["ids"] if any(lists["ids"]) else (),
            provenance=None if provenance is None else Provenance(**provenance),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    if taxonomy.hash != header["hash"]:
        raise _damaged(path)
    return taxonomy


def is_saved(path: Path) -> bool:
    """Whether a file begins as `save` begins them, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def _open(path: Path) -> tuple[dict[str, Any], dict[str, _Array]]:
    """Header and memory-mapped arrays."""
    try:
        with path.open("rb") as file:
            start = file.read(_START.size)
            if len(start) < _START.size or not start.startswith(MAGIC):
                raise RlfgError(f"{path}: not a built taxonomy; make one with rlfg taxonomy build")
            _, version, length = _START.unpack(start)
            if version != VERSION:
                raise RlfgError(f"{path}: version {version} of the format, this is {VERSION}; build it again")
            raw = file.read(length)
        header = json.loads(raw)
        first = _aligned(_START.size + length)
        if path.stat().st_size != first + header["size"]:
            raise _damaged(path)
        arrays = {name: _mapped(path, first, entry) for name, entry in header["arrays"].items()}
    except OSError as error:
        raise RlfgError(f"{path}: cannot read the taxonomy: {error.strerror}") from error
    except (LookupError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    return header, arrays


def _mapped(path: Path, first: int, entry: dict[str, Any]) -> _Array:
    dtype, length = np.dtype(entry["dtype"]), entry["length"]
    if not length:
        return np.zeros(0, dtype=dtype)
    return np.memmap(path, mode="r", dtype=dtype, shape=(length,), offset=first + entry["offset"])


def _arrays(taxonomy: Taxonomy) -> tuple[dict[str, _Array], list[str]]:
    """All arrays by name, and the ranks that `rank` counts."""
    ranks = list(dict.fromkeys(rank for rank in taxonomy.ranks if rank is not None))
    place = {rank: index for index, rank in enumerate(ranks)}
    arrays: dict[str, _Array] = {
        "parent": taxonomy.parent.astype("<i4"),
        "rank": np.array([-1 if rank is None else place[rank] for rank in taxonomy.ranks], dtype="<i2"),
    }
    arrays |= _packed("names", taxonomy.names)
    for name in _LISTS:
        lists: Sequence[Sequence[str]] = getattr(taxonomy, name) or ((),) * taxonomy.n
        arrays[f"{name}_counts"] = np.fromiter(accumulate(map(len, lists)), dtype="<i8", count=taxonomy.n)
        arrays |= _packed(name, chain.from_iterable(lists))
    return arrays, ranks


def _packed(name: str, texts: Iterable[str]) -> dict[str, _Array]:
    encoded = [text.encode() for text in texts]
    ends = np.fromiter(accumulate(map(len, encoded)), dtype="<i8", count=len(encoded))
    return {f"{name}_text": np.frombuffer(b"".join(encoded), dtype="u1"), f"{name}_ends": ends}


def _texts(arrays: dict[str, _Array], name: str) -> list[str]:
    blob = arrays[f"{name}_text"].tobytes()
    return [blob[start:end].decode() for start, end in pairwise((0, *arrays[f"{name}_ends"].tolist()))]


def _lists(arrays: dict[str, _Array], name: str) -> tuple[tuple[str, ...], ...]:
    texts = _texts(arrays, name)
    return tuple(tuple(texts[start:end]) for start, end in pairwise((0, *arrays[f"{name}_counts"].tolist())))


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGN) * _ALIGN


def _damaged(path: Path) -> RlfgError:
    return RlfgError(f"{path}: this built taxonomy is damaged; build it again from its source")

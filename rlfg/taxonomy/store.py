r"""A taxonomy in one file that is mapped into memory and not parsed: a header, then arrays.

    8 bytes   b"RLFGTAX\0"
    4 bytes   version, little-endian
    4 bytes   CRC-32 of the header
    8 bytes   length H of the header, little-endian
    H bytes   JSON: n, hash, source, main_ranks, ranks, provenance, rules of the index, size and CRC-32 of all that
              follows, and each array's dtype, length and offset
    …         the arrays, each at a multiple of 64 bytes from the start of the file

With N taxa, `parent`, `ends`, `depth` and `leaf_count` are those of `Taxonomy`, and `rank` holds places in the
header's ranks or -1: int32 (N,). Texts are a `<name>_text` of UTF-8 bytes and `<name>_starts` (texts + 1,), offsets in
it; so are `names`, `vernaculars`, `synonyms`, `ids`, of which the last three also have `<name>_lists` (N + 1,), the
first text of each taxon. `ids_lists` is (1,) where the source has none. The look-up tables `by_name` and `by_id` are
five arrays each, see `KeyTable`; those that begin with `index_` are the resolver's, see `NameIndex.arrays`.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np

from rlfg.errors import RlfgError
from rlfg.taxonomy.derive import content_hash
from rlfg.taxonomy.keytable import KeyTable
from rlfg.taxonomy.ledger import Provenance
from rlfg.taxonomy.packed import Array, Labels, Lists, Texts
from rlfg.taxonomy.resolving.csr import Table
from rlfg.taxonomy.resolving.index import RULES, index_of, stored_key_table, stored_table
from rlfg.taxonomy.tree import Taxonomy

MAGIC = b"RLFGTAX\0"
VERSION = 2
SMALL = 32 << 20
"""Files of up to so many bytes are read whole when they are opened, to find damage: a few hundredths of a second."""
_ALIGN = 64
_START = struct.Struct("<8sIIQ")
_NODES = ("parent", "ends", "depth", "leaf_count")
_LISTS = ("vernaculars", "synonyms", "ids")
_TABLES = ("by_name", "by_id")
_INDEX = "index_"


def save(taxonomy: Taxonomy, path: str | Path) -> None:
    """Write a taxonomy; a file that is there is replaced once the new one is whole.

    Raises:
        RlfgError: it cannot be written.
    """
    path = Path(path)
    arrays = _arrays(taxonomy)
    layout: dict[str, Any] = {}
    offset = check = 0
    for name, array in arrays.items():
        layout[name] = {"dtype": array.dtype.str, "length": len(array), "offset": offset}
        offset = _aligned(offset + array.nbytes)
        check = crc32(_padding(array), crc32(array.data, check))
    header = json.dumps(
        {
            "n": taxonomy.n,
            "hash": taxonomy.hash,
            "source": taxonomy.source,
            "main_ranks": taxonomy.main_ranks,
            "ranks": taxonomy.ranks.labels,
            "provenance": None if taxonomy.provenance is None else asdict(taxonomy.provenance),
            "index_rules": RULES,
            "arrays": layout,
            "size": offset,
            "crc32": check,
        },
    ).encode()
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(_START.pack(MAGIC, VERSION, crc32(header), len(header)) + header)
            file.write(b"\0" * (_aligned(file.tell()) - file.tell()))
            for array in arrays.values():
                file.write(array.data)
                file.write(_padding(array))
        os.replace(unfinished, path)
    except OSError as error:
        raise RlfgError(f"{path}: cannot write the taxonomy: {error.strerror}") from error


def open_saved(path: str | Path, *, check: bool = False) -> Taxonomy:
    """Map what `save` wrote.

    Every number in the file is checked to lie within bounds, so that damage cannot lead astray; names and look-up
    tables are compared with their check sum in small files, and with `check` in all, and then also with the hash.

    Raises:
        RlfgError: not such a file, of another version, cut off, or damaged.
    """
    path = Path(path)
    header, arrays = _open(path, check)
    try:
        taxonomy = _taxonomy(header, arrays)
        sound = taxonomy.n == header["n"] and _in_bounds(taxonomy) and (not check or _has_its_hash(taxonomy))
    except (LookupError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    if not sound:
        raise _damaged(path)
    return taxonomy


def is_saved(path: Path) -> bool:
    """Whether a file begins as `save` begins them, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def _open(path: Path, check: bool = False) -> tuple[dict[str, Any], dict[str, Array]]:
    """Header and memory-mapped arrays."""
    try:
        with path.open("rb") as file:
            start = file.read(_START.size)
            if len(start) < _START.size or not start.startswith(MAGIC):
                raise RlfgError(f"{path}: not a built taxonomy; make one with rlfg taxonomy build")
            _, version, header_crc, length = _START.unpack(start)
            if version != VERSION:
                raise RlfgError(f"{path}: version {version} of the format, this is {VERSION}; build it again")
            size = os.fstat(file.fileno()).st_size
            raw = file.read(min(length, size))
            if crc32(raw) != header_crc:
                raise _damaged(path)
            header = json.loads(raw)
            first = _aligned(_START.size + length)
            if size != first + header["size"]:
                raise _damaged(path)
            file.seek(first)
            if (check or size <= SMALL) and _crc_of_rest(file) != header["crc32"]:
                raise _damaged(path)
        arrays = {name: _mapped(path, first, entry) for name, entry in header["arrays"].items()}
    except OSError as error:
        raise RlfgError(f"{path}: cannot read the taxonomy: {error.strerror}") from error
    except (LookupError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    return header, arrays


def _crc_of_rest(file: BinaryIO) -> int:
    found = 0
    while part := file.read(1 << 20):
        found = crc32(part, found)
    return found


def _mapped(path: Path, first: int, entry: dict[str, Any]) -> Array:
    dtype, length = np.dtype(entry["dtype"]), entry["length"]
    if not length:
        return np.zeros(0, dtype=dtype)
    return np.memmap(path, mode="r", dtype=dtype, shape=(length,), offset=first + entry["offset"])


def _arrays(taxonomy: Taxonomy) -> dict[str, Array]:
    """All arrays by name."""
    arrays: dict[str, Array] = {name: getattr(taxonomy, name) for name in _NODES}
    arrays |= {"rank": taxonomy.ranks.codes} | _of_texts("names", taxonomy.names)
    for name in _LISTS:
        lists: Lists = getattr(taxonomy, name)
        arrays |= {f"{name}_lists": lists.starts} | _of_texts(name, lists.texts)
    for name in _TABLES:
        table: KeyTable = getattr(taxonomy, name)
        arrays |= {f"{name}_{part}": array for part, array in table.arrays().items()}
    arrays |= {f"{_INDEX}{name}": array for name, array in index_of(taxonomy).arrays().items()}
    return {name: np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")) for name, array in arrays.items()}


def _of_texts(name: str, texts: Texts) -> dict[str, Array]:
    return {f"{name}_text": texts.text, f"{name}_starts": texts.starts}


def _taxonomy(header: Mapping[str, Any], mapped: Mapping[str, Array]) -> Taxonomy:
    arrays = {name: np.asarray(array, dtype=array.dtype.newbyteorder("=")) for name, array in mapped.items()}
    texts = {name: Texts(arrays[f"{name}_text"], arrays[f"{name}_starts"]) for name in ("names", *_LISTS)}
    index = {name.removeprefix(_INDEX): array for name, array in arrays.items() if name.startswith(_INDEX)}
    provenance = header["provenance"]
    return Taxonomy(
        parent=arrays["parent"],
        ends=arrays["ends"],
        depth=arrays["depth"],
        leaf_count=arrays["leaf_count"],
        names=texts["names"],
        ranks=Labels(arrays["rank"], header["ranks"]),
        vernaculars=Lists(texts["vernaculars"], arrays["vernaculars_lists"]),
        synonyms=Lists(texts["synonyms"], arrays["synonyms_lists"]),
        ids=Lists(texts["ids"], arrays["ids_lists"]),
        by_name=stored_key_table(arrays, "by_name"),
        by_id=stored_key_table(arrays, "by_id"),
        main_ranks=tuple(header["main_ranks"]),
        source=header["source"],
        provenance=None if provenance is None else Provenance(**provenance),
        hash=header["hash"],
        index=index if header["index_rules"] == RULES else {},
    )


def _in_bounds(taxonomy: Taxonomy) -> bool:
    """Whether no walk and no look-up can leave the arrays or go round in circles; some milliseconds per million."""
    n, parent, ends = taxonomy.n, taxonomy.parent, taxonomy.ends
    own = np.arange(n, dtype=np.int32)
    lists = [getattr(taxonomy, name) for name in _LISTS]
    return (
        n > 0
        and all(len(array) == n for array in (parent, ends, taxonomy.depth, taxonomy.leaf_count, taxonomy.ranks))
        and parent[0] == -1
        and _between(parent[1:], 0, own[:-1])
        and ends[0] == n
        and _between(ends[1:], own[1:] + 1, ends[parent[1:]])
        and _between(taxonomy.ranks.codes, -1, len(taxonomy.ranks.labels) - 1)
        and all(_cuts(texts.starts, len(texts.text)) for texts in (taxonomy.names, *(x.texts for x in lists)))
        and all(len(x) in ((0, n) if x is taxonomy.ids else (n,)) and _cuts(x.starts, len(x.texts)) for x in lists)
        and all(_is_sound(table, n) for table in (taxonomy.by_name, taxonomy.by_id))
        and (not taxonomy.index or _is_sound_index(taxonomy))
    )


def _is_sound_index(taxonomy: Taxonomy) -> bool:
    names, words = len(taxonomy.by_name.keys), stored_key_table(taxonomy.index, "words")
    return (
        _is_sound(words, names)
        and _is_sound(stored_key_table(taxonomy.index, "groups"), taxonomy.n)
        and _is_sound_table(stored_table(taxonomy.index, "skeletons"), names)
        and all(_is_sound_table(stored_table(taxonomy.index, name), len(words.keys)) for name in ("cuts", "ends"))
        and len(taxonomy.index["letters"]) == len(words.keys)
    )


def _is_sound_table(table: Table, n: int) -> bool:
    return (
        _are_buckets(table.buckets, len(table.sums))
        and len(table.starts) == len(table.sums) + 1
        and _cuts(table.starts, len(table.values))
        and _between(table.values, 0, n - 1)
    )


def _is_sound(table: KeyTable, n: int) -> bool:
    """Whether a table's taxa, or other numbers, are below n."""
    return (
        _are_buckets(table.buckets, len(table.keys))
        and _cuts(table.keys.starts, len(table.keys.text))
        and len(table.starts) == len(table.keys) + 1
        and _cuts(table.starts, len(table.nodes))
        and _between(table.nodes, 0, n - 1)
    )


def _are_buckets(buckets: Array, length: int) -> bool:
    count = len(buckets) - 1
    return count > 0 and count.bit_count() == 1 and _cuts(buckets, length)


def _between(values: Array, low: Array | int, high: Array | int) -> bool:
    return bool((values >= low).all() and (values <= high).all())


def _cuts(starts: Array, length: int) -> bool:
    """Whether starts go from 0 to the length without a step back."""
    return len(starts) > 0 and starts[0] == 0 and starts[-1] == length and bool((starts[1:] >= starts[:-1]).all())


def _has_its_hash(taxonomy: Taxonomy) -> bool:
    t = taxonomy
    return t.hash == content_hash(t.parent, t.names, t.ranks, t.vernaculars, t.synonyms, t.main_ranks)


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGN) * _ALIGN


def _padding(array: Array) -> bytes:
    return bytes(-array.nbytes % _ALIGN)


def _damaged(path: Path) -> RlfgError:
    return RlfgError(f"{path}: this built taxonomy is damaged; build it again from its source")

"""Parquet tables, where pyarrow is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rlfg.errors import RlfgError

_BATCH = 4096


def open_parquet(path: str | Path) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    """Columns of text or numbers, and rows with their place ("file:row", from 1); an empty cell is "".

    Columns of other kinds, such as pictures, are left out, and rows are read a few thousand at a time.

    Raises:
        RlfgError: pyarrow is missing, or the file is not Parquet.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RlfgError(f"{path}: reading Parquet needs pyarrow; pip install 'rlfg[parquet]'") from error
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise RlfgError(f"{path}: not a readable Parquet file: {str(error).splitlines()[0]}") from error
    no_text = (pa.types.is_nested, pa.types.is_binary, pa.types.is_large_binary)
    columns = [field.name for field in file.schema_arrow if not any(test(field.type) for test in no_text)]

    def rows() -> Iterator[tuple[str, list[str]]]:
        row = 0
        try:
            for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
                for cells in zip(*batch.to_pydict().values(), strict=True):
                    row += 1
                    yield f"{path}:{row}", [_text(cell) for cell in cells]
        except (OSError, pa.ArrowException) as error:
            message = str(error).splitlines()[0]
            raise RlfgError(f"{path}:{row + 1}: not a readable Parquet file: {message}") from error

    return columns, rows()


def _text(cell: object) -> str:
    """Folded white space; "" for null and NaN."""
    return "" if cell is None or cell != cell else " ".join(str(cell).split())

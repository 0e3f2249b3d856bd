"""MATLAB files of the official archives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlfg.errors import RlfgError


def read_mat(path: Path, *variables: str) -> list[list[Any]]:
    """The variables of a .mat file, each as a flat list.

    Raises:
        RlfgError: SciPy is not installed, the file cannot be read, or it has no such variable.
    """
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise RlfgError(f"{path}: a MATLAB file needs SciPy; pip install 'rlfg[mat]'") from error
    try:
        found = loadmat(str(path), squeeze_me=True, struct_as_record=True)
    except (OSError, ValueError, NotImplementedError, MatReadError, TypeError) as error:
        raise RlfgError(f"{path}: cannot be read as a MATLAB file ({error}); download it again") from error
    absent = [name for name in variables if name not in found]
    if absent:
        known = ", ".join(sorted(name for name in found if not name.startswith("__")))
        raise RlfgError(f"{path}: has no variable {absent[0]!r}, only {known or 'none'}; is it the official file?")
    return [_flat(np.asarray(found[name])) for name in variables]


def _flat(array: NDArray[Any]) -> list[Any]:
    """The elements; those of a struct array as dicts."""
    names = array.dtype.names
    if names is None:
        return list(array.ravel().tolist())
    return [dict(zip(names, map(_scalar, one), strict=True)) for one in array.ravel().tolist()]


def _scalar(value: Any) -> Any:
    return value.item() if getattr(value, "size", 0) == 1 else value

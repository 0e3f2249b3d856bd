"""Predictions files: JSON Lines or a table, one picture a line, read strictly; JSON Lines are appended atomically."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from rlfg.errors import RlfgError
from rlfg.read_json import loads
from rlfg.taxonomy.text import DELIMITERS, read_table, suffix_of
from rlfg.types import Prediction

ANSWER_KEYS = ("answer", "answers", "completion", "completions")
"""Exactly one of these is on a line that did not fail: bare answers, or completions to be parsed."""
CLOSED = ("choice", "rank", "pairs", "count", "per_rank")
"""Protocols of closed questions."""
_SINGLE, _PLURAL = ("answer", "completion"), ("answers", "completions")
_KNOWN = {"id", "truth", "image", "error", *ANSWER_KEYS}


def read_predictions(path: str | Path) -> list[Prediction]:
    """Read a predictions file in its order.

    A line is `{"id", "truth", "answer" | "answers" | "completion" | "completions", "image"?, ...}`,
    or `{"id", "truth", "error"}` where the model failed. A failed line is replaced by a later line of
    the same id (a retry); otherwise an id may stand only once. Unknown keys are kept in `extra`.
    A .csv or .tsv has these keys as columns, one answer a line; an empty cell is an absent key, or an empty answer.

    Raises:
        RlfgError: naming the file and line of the first line that does not hold to this.
    """
    found: dict[str, tuple[int, Prediction]] = {}
    for where, number, record in _records(Path(path), loads):
        prediction = prediction_from_json(record, where=where)
        earlier = found.get(prediction.id)
        if earlier is not None and earlier[1].error is None:
            raise RlfgError(f'{where}: id "{prediction.id}" was already on line {earlier[0]}; ids must be unique')
        found[prediction.id] = (number, prediction)
    if not found:
        raise RlfgError(f"{path}: there are no predictions in this file")
    return [prediction for _, prediction in found.values()]


def write_predictions(path: str | Path, predictions: Iterable[Prediction]) -> None:
    """Append one line per prediction; a line is on disk whole or not at all.

    Raises:
        RlfgError: the file cannot be written (a full disk); complete lines before it are kept.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        drop_torn_line(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            for prediction in predictions:
                line = json.dumps(prediction_to_json(prediction), ensure_ascii=False) + "\n"
                _append(descriptor, line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RlfgError(f"{path}: cannot write predictions: {error.strerror}") from error


def drop_torn_line(path: str | Path) -> bool:
    """Make a file that a killed writer left end in a complete line, so that it can be read and appended to.

    A last line without its newline is completed if it is valid JSON and cut off if it is not.

    Returns:
        Whether something was cut off (the item is then simply not done yet).
    """
    path = Path(path)
    if not path.exists() or _ends_in_newline(path):
        return False
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    try:
        json.loads(content[end:])
    except ValueError:
        os.truncate(path, end)
        return True
    with path.open("ab") as file:
        file.write(b"\n")
    return False


def prediction_from_json(record: object, *, where: str) -> Prediction:
    """Check one decoded line; `where` ("file:line") starts every error message."""
    if not isinstance(record, dict):
        raise RlfgError(f"{where}: expected a JSON object, found {type(record).__name__}")
    error = record.get("error")
    key, texts = _answers(record, failed=error is not None, where=where)
    image = record.get("image")
    return Prediction(
        id=_identifier(record, where),
        truth=_text(record, "truth", where),
        completions=texts if key.startswith("completion") else (),
        answers=texts if key.startswith("answer") else (),
        image=None if image is None else str(image),
        error=None if error is None else str(error) or "unknown error",
        extra={name: value for name, value in record.items() if name not in _KNOWN},
    )


def prediction_to_json(prediction: Prediction) -> dict[str, Any]:
    """The line of a prediction; `prediction_from_json` gives it back."""
    record: dict[str, Any] = {"id": prediction.id, "truth": prediction.truth}
    if prediction.error is not None:
        record["error"] = prediction.error
    elif len(prediction.answers) == 1:
        record["answer"] = prediction.answers[0]
    elif prediction.answers:
        record["answers"] = list(prediction.answers)
    elif len(prediction.completions) == 1:
        record["completion"] = prediction.completions[0]
    else:
        record["completions"] = list(prediction.completions)
    if prediction.image is not None:
        record["image"] = prediction.image
    return record | dict(prediction.extra)


def require_names(predictions: Iterable[Prediction], *, sampled: bool = False) -> None:
    """Makes sure that the answers are names of what is shown, which a letter, a count or a "yes" is not.

    Args:
        predictions: to be judged.
        sampled: several answers of a line must be to one question, too.

    Raises:
        RlfgError: A line is of a closed protocol whose answers are none.
    """
    for line in predictions:
        protocol = line.extra.get("protocol", "open")
        named = protocol == "rank" or (protocol == "choice" and line.extra.get("answer_as") == "name")
        if protocol in CLOSED and (sampled or not named):
            raise RlfgError(f'prediction "{line.id}" answers closed questions ({protocol}), which `rlfg tally` scores')


def group_of(line: Prediction, key: str) -> str:
    """What a line is to be reported by: a key of its own, or one inside its `meta`.

    Raises:
        RlfgError: It has no such key.
    """
    meta = line.extra.get("meta")
    for place in (line.extra, meta if isinstance(meta, Mapping) else {}):
        if place.get(key) is not None:
            return str(place[key])
    raise RlfgError(f'prediction "{line.id}" has no "{key}" to group by, neither on its line nor in its "meta"')


def read_json_lines(path: str | Path, *, most: int | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Every object of a JSON Lines file (`most` of them) with its place ("file:line"), for files beside predictions."""
    lines = []
    for where, _, record in islice(_records(Path(path), json.loads), most):
        if not isinstance(record, dict):
            raise RlfgError(f"{where}: expected a JSON object, found {type(record).__name__}")
        lines.append((where, record))
    return lines


def _records(path: Path, read: Callable[[str], object]) -> Iterable[tuple[str, int, object]]:
    """Yield ("file:line", line number, decoded value) for every line that is not blank."""
    if suffix_of(path) in DELIMITERS:
        for number, row in read_table(path):
            yield f"{path}:{number}", number, {key: cell or None for key, cell in row.items() if cell or key in _SINGLE}
        return
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                where = f"{path}:{number}"
                try:
                    yield where, number, read(line.decode("utf-8-sig"))
                except UnicodeDecodeError as error:
                    raise RlfgError(f"{where}: not UTF-8 text: {error.reason}") from error
                except json.JSONDecodeError as error:
                    raise RlfgError(f"{where}: not valid JSON ({error.msg} at column {error.colno})") from error
    except OSError as error:
        raise RlfgError(f"{path}: cannot read: {error.strerror}") from error


def _answers(record: Mapping[str, Any], *, failed: bool, where: str) -> tuple[str, tuple[str, ...]]:
    """The one answer key of a line and its texts; ("", ()) for a failed line."""
    given = [key for key in ANSWER_KEYS if record.get(key) is not None]
    if failed:
        if given:
            raise RlfgError(f'{where}: has "error" and also "{given[0]}"; a failed line carries no answer')
        return "", ()
    if not given and (null := next((key for key in _SINGLE if key in record), None)):
        return null, ("",)  # `"answer": null`: the model answered nothing, which is unparsed, not absent
    if len(given) != 1:
        found = " and ".join(f'"{key}"' for key in given) or f"none of them, but {_keys(record)}"
        raise RlfgError(f"{where}: needs exactly one of {_keys(ANSWER_KEYS)}; found {found}")
    key = given[0]
    value = record[key]
    texts = value if key in _PLURAL else [value]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        expected = "a list of strings" if key in _PLURAL else "a string"
        raise RlfgError(f'{where}: "{key}" must be {expected}')
    if not texts:
        raise RlfgError(f'{where}: "{key}" is empty; write "error" with the reason where the model gave nothing')
    return key, tuple(texts)


def _identifier(record: Mapping[str, Any], where: str) -> str:
    value = record.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(record, "id", where)


def _text(record: Mapping[str, Any], key: str, where: str) -> str:
    if key not in record:
        raise RlfgError(f'{where}: no "{key}" on this line; found {_keys(record)}')
    value = record[key]
    if not isinstance(value, str) or not value.strip():
        raise RlfgError(f'{where}: "{key}" must be a non-empty string, found {json.dumps(value)}')
    return value


def _keys(keys: Iterable[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys) or "nothing"


def _ends_in_newline(path: Path) -> bool:
    """Whether the file is empty or ends as every written line does; reads one byte."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _append(descriptor: int, line: bytes) -> None:
    """Write a whole line or leave the file as it was."""
    size = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, line)
        while written < len(line):
            written += os.write(descriptor, line[written:])
    except OSError:
        os.ftruncate(descriptor, size)
        raise

"""`items.jsonl` of a tally: a line for each line of predictions, with what was asked and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.predictions import read_json_lines
from eval.tally.asked import pictures_of
from eval.tally.mark import OUTCOMES, Mark
from eval.tally.marked import Marked
from rlfg.errors import RlfgError


@dataclass(frozen=True, kw_only=True, slots=True)
class TalliedItem:
    """One line, read back."""

    id: str
    truth: str
    class_name: str | None = None
    """The cluster of every bootstrap; None where there is no mark."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What must be the same in two runs (`question_of`)."""
    images: tuple[str, ...] = ()
    """Files of the pictures that it is about."""
    group: str | None = None
    """By what the tally was grouped."""
    mark: Mark | None = None
    """Its outcomes, what was said, and values; None where it failed or is a copy."""
    copy_of: str | None = None
    error: str | None = None
    where: str
    """"file:line"."""


def write_marks(path: Path, marked: Sequence[Marked]) -> None:
    """A line for each line of predictions, in their order."""
    with path.open("w", encoding="utf-8") as file:
        for one in marked:
            file.write(json.dumps(_record(one), ensure_ascii=False) + "\n")


def read_tallied(path: str | Path) -> list[TalliedItem]:
    """Read it back.

    Raises:
        RlfgError: naming the file and line that `write_marks` cannot have written.
    """
    found: dict[str, TalliedItem] = {}
    for where, record in read_json_lines(path):
        item = _item(record, where)
        if item.id in found:
            raise RlfgError(
                f'{where}: id "{item.id}" stands on {found[item.id].where}, too; tally the predictions again'
            )
        found[item.id] = item
    return list(found.values())


def _record(one: Marked) -> dict[str, Any]:
    record: dict[str, Any] = {"id": one.line.id, "truth": one.line.truth}
    if one.group is not None:
        record["group"] = one.group
    if images := pictures_of(one.line):
        record["images"] = images
    if one.mark is None:
        return record | ({"error": one.line.error} if one.copy_of is None else {"copy_of": one.copy_of})
    return record | {
        "class": one.class_name,
        "asked": one.asked,
        "said": one.mark.said,
        **({"answers": one.mark.answers} if one.mark.answers else {}),
        **({"places": one.mark.places} if one.mark.places else {}),
        "outcomes": one.mark.outcomes,
        "values": dict(one.mark.values),
    }


def _item(record: Mapping[str, Any], where: str) -> TalliedItem:
    try:
        id_, truth = record["id"], record["truth"]
        about: dict[str, Any] = {"images": tuple(record.get("images", ())), "group": record.get("group")}
        if record.get("error") is not None or record.get("copy_of") is not None:
            return TalliedItem(
                id=id_, truth=truth, copy_of=record.get("copy_of"), error=record.get("error"), where=where, **about
            )
        outcomes = tuple(record["outcomes"])
        if unknown := set(outcomes) - set(OUTCOMES):
            raise RlfgError(f'{where}: "outcomes" has {sorted(unknown)[0]!r}; expected {", ".join(OUTCOMES)}')
        mark = Mark(
            outcomes=outcomes,
            said=tuple(record["said"]),
            answers=tuple(record.get("answers", ())),
            places=tuple((truth_at, chosen) for truth_at, chosen in record.get("places", ())),
            values=record["values"],
        )
        return TalliedItem(
            id=id_, truth=truth, class_name=record["class"], asked=record["asked"], mark=mark, where=where, **about
        )
    except KeyError as missing:
        raise RlfgError(f"{where}: has no {missing}; tally the predictions again") from missing

"""Every line of a predictions file, marked by its protocol; failures and repetitions stand apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.copies import condition_of, same_files
from eval.predictions import CLOSED
from eval.tally.choice import mark_choice
from eval.tally.mark import Mark, key_of
from eval.tally.path import mark_path
from eval.tally.ranking import mark_rank
from eval.tally.several import mark_count, mark_pair
from rlfg.data import ParseMode
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy
from rlfg.types import Prediction


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A line and what became of it."""

    line: Prediction
    mark: Mark | None
    """None where it failed, or says again what an earlier line says."""
    copy_of: str | None = None
    """Id of that earlier line."""


def protocol_of(predictions: Sequence[Prediction]) -> str:
    """The one protocol of all lines.

    Raises:
        RlfgError: There are several, or it is not one of closed questions.
    """
    found = {str(line.extra.get("protocol", "open")) for line in predictions}
    if len(found) != 1:
        raise RlfgError(f"the lines are of several protocols ({', '.join(sorted(found))}); tally each by itself")
    (protocol,) = found
    if protocol not in CLOSED:
        raise RlfgError(f"lines of protocol {protocol!r} hold free answers; `rlfg score` judges those")
    return protocol


def write_marks(path: Path, marked: Sequence[Marked]) -> None:
    """A line for each line of predictions, with what was read and what it is worth."""
    with path.open("w", encoding="utf-8") as file:
        for one in marked:
            record: dict[str, Any] = {"id": one.line.id, "truth": one.line.truth}
            if one.mark is not None:
                record |= {"said": list(one.mark.said), "outcomes": list(one.mark.outcomes), **one.mark.values}
            elif one.copy_of is not None:
                record["copy_of"] = one.copy_of
            else:
                record["error"] = one.line.error
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def mark_all(
    protocol: str, predictions: Sequence[Prediction], taxonomy: Taxonomy | None, mode: ParseMode
) -> list[Marked]:
    """The first line that did not fail stands for its copies."""
    first: dict[str, str] = {}
    found = []
    same = same_files(picture for line in predictions for picture in _pictures(line))
    for line in predictions:
        if line.error is not None:
            found.append(Marked(line=line, mark=None))
            continue
        earlier = first.setdefault(_asked(protocol, line, same), line.id)
        if earlier != line.id:
            found.append(Marked(line=line, mark=None, copy_of=earlier))
        else:
            found.append(Marked(line=line, mark=_mark(protocol, line, taxonomy, mode)))
    return found


def _mark(protocol: str, line: Prediction, taxonomy: Taxonomy | None, mode: ParseMode) -> Mark:
    if protocol == "choice":
        return mark_choice(line, mode)
    if protocol == "rank":
        return mark_rank(line)
    if protocol == "pairs":
        return mark_pair(line, mode)
    if protocol == "count":
        return mark_count(line, mode)
    if taxonomy is None:
        raise RlfgError("answers to one question a rank are read by a taxonomy; give --taxonomy")
    return mark_path(line, mode, taxonomy)


def _asked(protocol: str, line: Prediction, same: Mapping[str, str]) -> str:
    """The same for two lines about the same pictures, in whatever order they or the options stood.

    Options that were drawn make no other question of a picture; those that its line of the data gave do, and so does
    the condition of a robustness set, where a grey picture without its colours is the same file.
    """
    pictures = [same.get(picture, picture) for picture in _pictures(line) or [f"id {line.id}"]]
    reference = pictures[:1] if protocol == "count" else []
    given = line.extra.get("distractors") == "given"
    options = sorted(key_of(line, "options")[0]) if given else []
    return json.dumps([line.truth, reference, sorted(pictures), options, condition_of(line)])


def _pictures(line: Prediction) -> list[str]:
    return list(map(str, line.extra.get("images") or ([] if line.image is None else [line.image])))

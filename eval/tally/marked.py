"""Every line of a predictions file, marked by its protocol; failures and repetitions stand apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.copies import same_files
from eval.predictions import CLOSED
from eval.tally.asked import copy_key, pictures_of, question_of
from eval.tally.choice import mark_choice
from eval.tally.mark import Mark
from eval.tally.path import mark_path
from eval.tally.ranking import mark_rank
from eval.tally.several import mark_count, mark_pair
from rlfg.data import ParseMode
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, normalize
from rlfg.types import Prediction


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A line and what became of it."""

    line: Prediction
    mark: Mark | None
    """None where it failed, or says again what an earlier line says."""
    copy_of: str | None = None
    """Id of that earlier line."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """`question_of` the line, where it has a mark."""
    group: str | None = None
    """By what is reported, too."""

    @property
    def class_name(self) -> str:
        """The class whose lines are resampled together: the protocol's, else the truth."""
        return str(self.line.extra.get("class") or normalize(self.line.truth))


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


def mark_all(
    protocol: str, predictions: Sequence[Prediction], taxonomy: Taxonomy | None, mode: ParseMode
) -> list[Marked]:
    """The first line that did not fail stands for its copies."""
    first: dict[str, str] = {}
    found = []
    same = same_files(picture for line in predictions for picture in pictures_of(line))
    for line in predictions:
        if line.error is not None:
            found.append(Marked(line=line, mark=None))
            continue
        earlier = first.setdefault(copy_key(protocol, line, same), line.id)
        if earlier != line.id:
            found.append(Marked(line=line, mark=None, copy_of=earlier))
        else:
            mark = _mark(protocol, line, taxonomy, mode)
            found.append(Marked(line=line, mark=mark, asked=question_of(protocol, line, taxonomy)))
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

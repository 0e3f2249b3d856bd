"""Counts, denominators and intervals of a predictions file of closed questions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.intervals import SAMPLES, class_bootstrap
from eval.metrics.ratio import Ratio
from eval.summary import estimates, rounded
from eval.tally.choice import mark_choice
from eval.tally.mark import OUTCOMES, Mark
from eval.tally.path import mark_path
from eval.tally.ranking import mark_rank
from eval.tally.several import mark_count, mark_pair
from rlfg.data import ParseMode
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, normalize
from rlfg.types import Prediction

CLOSED = ("choice", "rank", "pairs", "count", "per_rank")


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A line and what became of it."""

    line: Prediction
    mark: Mark | None
    """None where it failed, or says again what an earlier line says."""
    copy_of: str | None = None
    """Id of that earlier line."""


def tally(
    predictions: Sequence[Prediction],
    taxonomy: Taxonomy | None = None,
    *,
    mode: ParseMode = "lenient",
    group_by: str | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> tuple[list[Marked], dict[str, Any]]:
    """Mark every line, and sum up.

    Args:
        predictions: of one protocol, as `read_predictions` gives them.
        taxonomy: for `per_rank`.
        mode: how completions are read.
        group_by: a key of the lines, or of their `meta`, to report by as well ("novelty", "condition").
        samples: bootstrap resamples, by class.
        seed: of the bootstrap.

    Returns:
        The marked lines in order, and: `lines` (all), of which `failed` got no answer and `duplicates` ask about the
        same pictures as an earlier line, so that `items` are left; their `questions`, which `counts` adds up to;
        `accuracy` and the protocol's further metrics, with `denominators` and 95 % `ci`; `chance` where there is one.
        A failed line is in no denominator: where there are any, the run is not done.

    Raises:
        RlfgError: The lines are not of one closed protocol, or not as it writes them.
    """
    protocol = protocol_of(predictions)
    marked = _mark_all(protocol, predictions, taxonomy, mode)
    metrics = _summary(protocol, marked, samples, seed)
    if group_by is not None:
        groups: dict[str, list[Marked]] = {}
        for one in marked:
            groups.setdefault(_group(one.line, group_by), []).append(one)
        metrics["groups"] = {name: _summary(protocol, found, samples, seed) for name, found in groups.items()}
    return marked, metrics


def _summary(protocol: str, marked: Sequence[Marked], samples: int, seed: int) -> dict[str, Any]:
    kept = [one for one in marked if one.mark is not None]
    marks = [one.mark for one in kept if one.mark is not None]
    classes = np.array([_class_of(one.line) for one in kept], dtype=np.str_)
    resamples = class_bootstrap(classes, samples=samples, seed=seed)
    ratios = _ratios(marks)
    values, draws = estimates(ratios, resamples)
    outcomes = Counter(outcome for mark in marks for outcome in mark.outcomes)
    chances = [mark.chance for mark in marks if mark.chance is not None]
    return {
        "protocol": protocol,
        "lines": len(marked),
        "failed": sum(one.line.error is not None for one in marked),
        "duplicates": sum(one.copy_of is not None for one in marked),
        "items": len(kept),
        "classes": len(set(classes.tolist())),
        "questions": outcomes.total(),
        "counts": {outcome: outcomes[outcome] for outcome in OUTCOMES},
        "chance": float(np.mean(chances)) if chances else None,
        **values,
        "denominators": {name: int(ratio.denominator) for name, ratio in ratios.items()},
        "ci": {name: rounded(interval) for name, interval in resamples.intervals(draws).items()},
        **_places(marks),
    }


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


def _mark_all(
    protocol: str, predictions: Sequence[Prediction], taxonomy: Taxonomy | None, mode: ParseMode
) -> list[Marked]:
    """The first line that did not fail stands for its copies."""
    first: dict[str, str] = {}
    found = []
    for line in predictions:
        if line.error is not None:
            found.append(Marked(line=line, mark=None))
            continue
        earlier = first.setdefault(_asked(protocol, line), line.id)
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


def _asked(protocol: str, line: Prediction) -> str:
    """The same for two lines about the same pictures, in whatever order they or the options stood."""
    pictures = list(map(str, line.extra.get("images") or [line.image if line.image is not None else f"id {line.id}"]))
    reference = pictures[:1] if protocol == "count" else []
    return json.dumps([line.truth, reference, sorted(pictures)])


def _group(line: Prediction, key: str) -> str:
    found = line.extra.get(key, (line.extra.get("meta") or {}).get(key))
    if found is None:
        raise RlfgError(f'prediction "{line.id}" has no "{key}" to group by, neither on its line nor in its "meta"')
    return str(found)


def _class_of(line: Prediction) -> str:
    return str(line.extra.get("class") or normalize(line.truth))


def _ratios(marks: Sequence[Mark]) -> dict[str, Ratio]:
    """The accuracy of all questions, and the mean of each further value over the lines that have it."""
    right = np.array([mark.outcomes.count("right") for mark in marks], dtype=np.float64)
    asked = np.array([len(mark.outcomes) - mark.outcomes.count("no_truth") for mark in marks], dtype=np.float64)
    found = {"accuracy": Ratio(numerator_N=right, denominator_N=asked)}
    for name in dict.fromkeys(name for mark in marks for name in mark.values):
        found[name] = Ratio(
            numerator_N=np.array([mark.values.get(name, 0.0) for mark in marks]),
            denominator_N=np.array([float(name in mark.values) for mark in marks]),
        )
    return found


def _places(marks: Sequence[Mark]) -> dict[str, Any]:
    """How often each place among the options was the truth's, and was chosen: a bias shows at once."""
    places = [place for mark in marks for place in mark.places]
    if not places:
        return {}
    most = max(max(truth, chosen or 0) for truth, chosen in places) + 1
    truths, chosen = Counter(truth for truth, _ in places), Counter(said for _, said in places)
    return {"places": {"truth": [truths[k] for k in range(most)], "chosen": [chosen[k] for k in range(most)]}}

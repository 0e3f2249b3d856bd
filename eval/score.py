"""Scoring: predictions and a verifier in, one `ScoredItem` per completion out, with its trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.predictions import group_of, read_json_lines, require_names
from eval.reading import Reading, answers_in
from rewards.verifier import Verifier
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, normalize, resolve
from rlfg.types import NO_VERDICT, UNPARSED, VERDICT_LABELS, Prediction, Relation, Verdict

FAILED = "FAILED"
"""Label of a prediction whose model failed: counted on its own, never as an answer."""
BATCH = 1 << 14
"""Completions that are judged together: no more texts than the resolver remembers, so that traces find them there."""
_Draft = tuple[Prediction, int, str | None]
"""A completion still to be judged: its prediction, sample index and answer (None: unparsed)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredItem:
    """One completion of one item, judged."""

    id: str
    sample: int
    """Position among the item's completions, from 0."""
    truth: str
    answer: str | None
    """The answer's text; None where the completion had none, or the model failed."""
    verdict: Verdict
    truth_class: str
    """The class an item belongs to, the cluster of every bootstrap: its truth's taxon ("#17") where that is
    one, else the normalised text."""
    truth_taxon: str | None = None
    """What the texts resolved to, in words ("genus Larus"); None where they did not."""
    trace: tuple[str, ...] = ()
    """How the answer was resolved and judged, step by step."""
    group: str | None = None
    image: str | None = None
    error: str | None = None
    """Why the model gave nothing; such an item is in no metric."""
    scores: Mapping[str, float | None] = field(default_factory=dict)
    """What this answer adds to each metric that is a mean over answers; None where it is not counted."""

    @property
    def label(self) -> str:
        """One of `VERDICT_LABELS`, or `FAILED`."""
        return FAILED if self.error is not None else self.verdict.label

    @property
    def class_node(self) -> int | None:
        """The taxon of its class, which an item that failed has, too; None where the truth is no single one."""
        return int(self.truth_class[1:]) if self.truth_class.startswith("#") else None


def score(
    predictions: Sequence[Prediction],
    verifier: Verifier,
    taxonomy: Taxonomy | None = None,
    *,
    parse_mode: Reading = "lenient",
    group_by: str | None = None,
    profile: str | None = None,
) -> list[ScoredItem]:
    """Judge every completion of every prediction.

    Args:
        predictions: as `read_predictions` gives them.
        verifier: judges `BATCH` pairs in one call, so that it may deduplicate and batch.
        taxonomy: puts the nodes into words and traces how answers resolve, where there is one.
        parse_mode: how completions are read; bare answers are taken as they are.
        profile: how texts are resolved for the traces and classes; the verifier's own.
        group_by: a key of the lines ("group", or one inside their `meta`) to report by.

    Returns:
        One item per completion, in order; one per failed prediction, with its `error`.

    Raises:
        RlfgError: A line answers closed questions.
    """
    require_names(predictions)
    drafts = [draft for prediction in predictions for draft in _drafts(prediction, parse_mode)]
    trace, truth_class = _tracer(taxonomy, profile), _classifier(taxonomy, profile)
    groups = {} if group_by is None else {prediction.id: group_of(prediction, group_by) for prediction in predictions}
    batches = (drafts[start : start + BATCH] for start in range(0, len(drafts), BATCH))
    return [
        ScoredItem(
            id=prediction.id,
            sample=sample,
            truth=prediction.truth,
            answer=answer,
            verdict=verdict,
            truth_class=truth_class(prediction.truth),
            truth_taxon=_describe(taxonomy, verdict.truth_node),
            trace=trace(answer, verdict),
            group=groups.get(prediction.id),
            image=prediction.image,
            error=prediction.error,
            scores=_lengths(prediction, sample),
        )
        for batch in batches
        for (prediction, sample, answer), verdict in zip(batch, _judge(batch, verifier), strict=True)
    ]


def write_items(
    path: str | Path, items: Iterable[ScoredItem], columns: Mapping[str, NDArray[np.float64]] | None = None
) -> None:
    """Write `items.jsonl`: one line per item, with its verdict, taxa, trace and scores.

    Args:
        path: of the file.
        items: in the order of the lines.
        columns: further scores by name, with a row for each item that did not fail; NaN is "not counted".
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    names, rows = tuple(columns or ()), zip(*map(_numbers, (columns or {}).values()), strict=True)
    with path.open("w", encoding="utf-8") as file:
        for item in items:
            record = _to_json(item)
            if names and item.error is None:
                record["scores"] = {**item.scores, **dict(zip(names, next(rows), strict=True))}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _numbers(column: NDArray[np.float64]) -> list[float | int | None]:
    """As JSON has them: None for NaN, and whole numbers without a point."""
    values = column.tolist()
    if not np.isnan(column).any():
        return [int(v) for v in values] if (column == np.floor(column)).all() else values
    return [None if v != v else v for v in values]


def read_items(path: str | Path) -> list[ScoredItem]:
    """Read `items.jsonl` back.

    Raises:
        RlfgError: naming the file and line that `write_items` cannot have written.
    """
    return [_from_json(record, where) for where, record in read_json_lines(path)]


def _drafts(prediction: Prediction, mode: Reading) -> list[_Draft]:
    """One draft per completion; one without an answer for a failed line."""
    if prediction.error is not None:
        return [(prediction, 0, None)]
    answers = answers_in(prediction, mode)
    if not answers:
        raise RlfgError(f'prediction "{prediction.id}" has no answer, no completion and no error')
    return [(prediction, index, answer) for index, answer in enumerate(answers)]


def _lengths(prediction: Prediction, sample: int) -> dict[str, float | None]:
    """Words of the completion, and tokens where the line's `usage` tells; a total is shared among its answers."""
    found: dict[str, float | None] = {}
    if prediction.completions:
        found["completion_words"] = len(prediction.completions[sample].split())
    usage = prediction.extra.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, Mapping) else None
    if isinstance(tokens, int | float):
        found["completion_tokens"] = tokens / len(prediction.completions or prediction.answers or (None,))
    return found


def _judge(drafts: Sequence[_Draft], verifier: Verifier) -> list[Verdict]:
    """One verdict per draft; failed predictions are not shown to the verifier."""
    verdicts = iter(verifier.verify([(answer, p.truth) for p, _, answer in drafts if p.error is None]))
    return [_failure(p) if p.error is not None else next(verdicts) for p, _, _ in drafts]


def _failure(prediction: Prediction) -> Verdict:
    return Verdict(relation=None, truth=prediction.truth, source="model", reason=f"failed: {prediction.error}")


def _describe(taxonomy: Taxonomy | None, node: int | None) -> str | None:
    return None if taxonomy is None or node is None else taxonomy.describe(node)


def _tracer(taxonomy: Taxonomy | None, profile: str | None) -> Callable[[str | None, Verdict], tuple[str, ...]]:
    """Gives the resolver's steps, then the verifier's reason; equal traces are one."""

    @lru_cache(BATCH)
    def steps(answer: str | None, reason: str) -> tuple[str, ...]:
        found = () if taxonomy is None or answer is None else resolve(taxonomy, answer, profile).trace
        return (*found, reason) if reason else found

    return lambda answer, verdict: steps(answer, verdict.reason)


def _classifier(taxonomy: Taxonomy | None, profile: str | None) -> Callable[[str], str]:
    """Gives the class of a truth: two spellings of one taxon are one class, namesakes are told apart by neither."""

    @lru_cache(None)
    def truth_class(truth: str) -> str:
        if taxonomy is None:
            return normalize(truth)
        found = resolve(taxonomy, truth, profile)
        return f"#{found.candidates[0]}" if found.named and len(found.candidates) == 1 else normalize(truth)

    return truth_class


def _to_json(item: ScoredItem) -> dict[str, Any]:
    verdict = item.verdict
    record: dict[str, Any] = {
        "id": item.id,
        "sample": item.sample,
        "truth": item.truth,
        "class": item.truth_class,
        "answer": item.answer,
        "verdict": item.label,
        "specificity": verdict.specificity,
        "claim": verdict.claim,
        "truth_taxon": item.truth_taxon,
        "answer_taxon": verdict.answer_taxon,
        "truth_node": verdict.truth_node,
        "answer_node": verdict.answer_node,
        "status": verdict.status,
        "truth_status": verdict.truth_status,
        "truth_assisted": verdict.truth_assisted,
        "source": verdict.source,
        "reason": verdict.reason,
        "trace": list(item.trace),
    }
    optional = {"group": item.group, "image": item.image, "error": item.error, "scores": item.scores or None}
    return record | {key: value for key, value in optional.items() if value is not None}


def _from_json(record: Mapping[str, Any], where: str) -> ScoredItem:
    label = record.get("verdict")
    if label != FAILED and label not in VERDICT_LABELS:
        raise RlfgError(f'{where}: "verdict" is {json.dumps(label)}; expected one of {", ".join(VERDICT_LABELS)}')
    try:
        verdict = Verdict(
            relation=None if label in (UNPARSED, NO_VERDICT, FAILED) else Relation(label),
            unparsed=label == UNPARSED,
            specificity=record["specificity"],
            claim=record.get("claim"),
            answer=record["answer"],
            truth=record["truth"],
            truth_node=record["truth_node"],
            answer_node=record["answer_node"],
            answer_taxon=record["answer_taxon"],
            status=record.get("status"),
            truth_status=record.get("truth_status"),
            truth_assisted=record.get("truth_assisted", False),
            source=record["source"],
            reason=record["reason"],
        )
        return ScoredItem(
            id=record["id"],
            sample=record["sample"],
            truth=record["truth"],
            answer=record["answer"],
            verdict=verdict,
            truth_class=record["class"],
            truth_taxon=record["truth_taxon"],
            trace=tuple(record["trace"]),
            group=record.get("group"),
            image=record.get("image"),
            error=record.get("error"),
            scores=record.get("scores", {}),
        )
    except KeyError as missing:
        raise RlfgError(f"{where}: has no {missing}; score the predictions again") from missing

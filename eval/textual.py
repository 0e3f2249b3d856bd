"""The text metrics of a run: those that compare answer and truth as texts, without a taxonomy.

They are over every answer that did not fail: UNPARSED is an empty text, which names nothing. What is compared is the
answer alone: thoughts and all else around it are no part of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.chunkers import Chunker, RuleChunker
from eval.describe import describe_columns
from eval.encoders import Embeddings
from eval.intervals import ClassBootstrap
from eval.metrics.clusters import cluster_hits
from eval.metrics.concept import concept_similarity
from eval.metrics.llm_inclusion import LlmInclusionSpec, ask_inclusion
from eval.metrics.semantic import relative_similarity, share_above, similarities
from eval.metrics.sentence_iou import sentence_iou
from eval.metrics.text_inclusion import raw_inclusion, sole_inclusion, text_inclusion, word_inclusion
from eval.pairs import Pairs
from eval.score import ScoredItem
from eval.table import FloatArray
from rlfg.taxonomy import normalize


@dataclass(frozen=True, kw_only=True)
class TextMetrics:
    """What the text metrics need; those for which there is nothing are left out."""

    embeddings: Embeddings | None = None
    """For the similarities."""
    encoder: str | None = None
    """What they are of, for the record."""
    chunker: Chunker = field(default_factory=RuleChunker)
    """For concept similarity."""
    super_category: str | None = None
    """For relative similarity: what every picture is known to show ("bird")."""
    llm: LlmInclusionSpec | None = None
    """For LLM inclusion."""


@dataclass(kw_only=True)
class TextColumns:
    """One value for each answer and metric, and what is said beside them."""

    columns: dict[str, FloatArray] = field(default_factory=dict)
    """(N,) each; NaN where an answer is not counted."""
    published: dict[str, FloatArray] = field(default_factory=dict)
    """What the authors' own rules give each answer, of metrics that have others."""
    notes: dict[str, Any] = field(default_factory=dict)


def text_columns(items: Sequence[ScoredItem], metrics: TextMetrics) -> TextColumns:
    """Every metric that `metrics` has the means for; N answers that did not fail, in order.

    Raises:
        RlfgError: A text has no embedding.
    """
    pairs, found = Pairs.of(items), TextColumns()
    for measure in (text_inclusion, word_inclusion, sole_inclusion, sentence_iou):
        found.columns[measure.__name__] = pairs.each(measure)
    found.published["text_inclusion"] = pairs.each(raw_inclusion)
    _add_clusters(found, [item for item in items if item.error is None])
    if metrics.embeddings is not None:
        _add_similarities(found, pairs, metrics, metrics.embeddings)
    if metrics.llm is not None:
        _add_llm_inclusion(found, pairs, metrics.llm)
    return found


def text_summary(found: TextColumns, resamples: ClassBootstrap) -> dict[str, Any]:
    """The section "text" of `metrics.json`: for each metric value, denominator, 95 % interval, and `published`."""
    section: dict[str, Any] = describe_columns(found.columns, resamples, found.published)
    return section | ({"notes": found.notes} if found.notes else {})


def needed_texts(items: Sequence[ScoredItem], metrics: TextMetrics) -> list[str]:
    """Every text whose embedding the metrics look up."""
    pairs = Pairs.of(items)
    chunks = _concepts(pairs, metrics.chunker).values()
    base = [metrics.super_category] if metrics.super_category else []
    return list(dict.fromkeys([*pairs.answers_P, *pairs.truths_P, *base, *(c for found in chunks for c in found)]))


def _add_clusters(found: TextColumns, items: Sequence[ScoredItem]) -> None:
    texts, truths = [item.answer for item in items], [item.truth for item in items]
    found.columns["semantic_cluster_accuracy"] = cluster_hits(texts, truths)
    found.columns["cluster_accuracy"] = cluster_hits(_named(items), [item.truth_class for item in items])
    if None in texts:
        found.published["semantic_cluster_accuracy"] = cluster_hits([text or "" for text in texts], truths)


def _named(items: Sequence[ScoredItem]) -> list[int | str | None]:
    """What each answer calls the picture: a taxon, else its normalised text; None where it says nothing.

    A text that counts as one taxon or another by the truth beside it (a group noun, namesakes) stays a text.
    """
    texts = [normalize(item.answer or "") or None for item in items]
    nodes: dict[str, set[int]] = defaultdict(set)
    for text, item in zip(texts, items, strict=True):
        if text is not None and item.verdict.answer_node is not None:
            nodes[text].add(item.verdict.answer_node)
    taxon = {text: found.pop() for text, found in nodes.items() if len(found) == 1}
    return [text if text is None else taxon.get(text, text) for text in texts]


def _add_similarities(found: TextColumns, pairs: Pairs, metrics: TextMetrics, store: Embeddings) -> None:
    answers, truths, answered = pairs.answers_P, pairs.truths_P, pairs.answered_P
    base = metrics.super_category
    concepts = _concepts(pairs, metrics.chunker)
    store.add([*(a for a in answers if a), *truths, *([base] if base else ())])
    store.add(chunk for chunks in concepts.values() for chunk in chunks)
    similarity_P = similarities(store, answers, truths, answered)
    columns = {"semantic_similarity": similarity_P}
    columns |= {f"semantic_similarity{at}": above for at, above in share_above(similarity_P).items()}
    if base:
        base_P = store.cosines([base] * len(truths), truths)
        # No answer is worth nothing, also where the super-category is unlike the truth (s₀ < 0).
        columns["relative_similarity"] = relative_similarity(similarity_P, base_P) * answered
    best_P, _ = concept_similarity(store, [concepts[a] for a in answers], truths)
    columns["concept_similarity"] = best_P
    found.columns |= {name: pairs.spread(values_P) for name, values_P in columns.items()}
    found.notes |= {"encoder": metrics.encoder, "chunker": metrics.chunker.name, "super_category": base}
    found.notes["embedded_texts"] = len(store)
    _publish_empty(found, pairs, store)


def _publish_empty(found: TextColumns, pairs: Pairs, store: Embeddings) -> None:
    """What becomes of the similarities where the empty text is embedded like any other, if its embedding is known."""
    if pairs.answered_P.all() or ("" not in store and store.encoder is None):
        return
    store.add([""])
    empty_P = similarities(store, pairs.answers_P, pairs.truths_P, ~pairs.answered_P)
    empty_N = pairs.spread(empty_P)
    for name in ("semantic_similarity", "concept_similarity"):
        found.published[name] = found.columns[name] + empty_N
    for at, above_N in share_above(found.published["semantic_similarity"]).items():
        found.published[f"semantic_similarity{at}"] = above_N


def _concepts(pairs: Pairs, chunker: Chunker) -> Mapping[str, list[str]]:
    """The concepts of each distinct answer: its chunks and itself; none of the empty one."""
    answers = [answer for answer in dict.fromkeys(pairs.answers_P) if answer]
    found = {a: [*chunks, a] for a, chunks in zip(answers, chunker.chunks(answers), strict=True)}
    return {"": [], **found}


def _add_llm_inclusion(found: TextColumns, pairs: Pairs, spec: LlmInclusionSpec) -> None:
    """As published the empty answer is asked about, too; here it is 0 whatever is said of it."""
    asked = np.flatnonzero(pairs.answered_P | spec.verbatim)
    said = ask_inclusion(spec, [(pairs.answers_P[row], pairs.truths_P[row]) for row in asked])
    verdict_P, published_P = np.zeros(len(pairs.answers_P)), np.zeros(len(pairs.answers_P))
    verdict_P[asked] = [np.nan if one.verdict is None else float(one.verdict) for one in said]
    verdict_P[~pairs.answered_P] = 0
    published_P[asked] = [one.as_published for one in said]
    verdict_N = found.columns["llm_inclusion"] = pairs.spread(verdict_P)
    found.published["llm_inclusion"] = pairs.spread(published_P)
    if np.isnan(verdict_N).any():
        reasons = Counter(
            one.reason for row, one in zip(asked, said, strict=True) if one.verdict is None and pairs.answered_P[row]
        )
        found.notes["llm_inclusion_without_verdict"] = {
            "answers": int(np.isnan(verdict_N).sum()),
            "pairs": dict(reasons.most_common()),
        }
    found.notes["llm_inclusion_model"] = spec.endpoint.model

"""Where two sources contradict each other about the taxa that both have."""

from __future__ import annotations

from collections.abc import Iterator

from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.forest import Forest
from rlfg.taxonomy.lint import Finding
from rlfg.taxonomy.names import normalize


def disagreements(here: Forest, there: Forest) -> Iterator[Finding]:
    """Compare taxa by name, where each source has one of that name.

    A taxon is reported if its nearest ancestor that the other source knows too is not above it there.
    So one source may be finer than the other, and a family that moved is reported once, not with all
    that is in it.

    Returns:
        Findings about `here`: `placement` and `status` are warnings, `rank` is for information.
    """
    for key, taxa in here.named.items():
        record = _only(here, taxa)
        other = _only(there, there.named.get(key, []))
        if record is None:
            continue
        if other is None:
            yield from _status(record, there.synonyms.get(key, []))
            continue
        yield from _ranks(record, other)
        yield from _placement(here, record, there, other)


def _only(forest: Forest, taxa: list[TaxonRecord]) -> TaxonRecord | None:
    found = forest.deepest(taxa)
    return found[0] if len(found) == 1 else None


def _status(record: TaxonRecord, accepted: list[TaxonRecord]) -> Iterator[Finding]:
    if accepted and normalize(accepted[0].name) != normalize(record.name):
        message = f'"{record.name}" is a synonym of "{accepted[0].name}" at {accepted[0].where}'
        yield Finding(code="disagreement-status", severity="warning", where=record.where, message=message)


def _ranks(record: TaxonRecord, other: TaxonRecord) -> Iterator[Finding]:
    if record.rank and other.rank and record.rank != other.rank:
        message = f'"{record.name}" is a {record.rank} here and a {other.rank} at {other.where}'
        yield Finding(code="disagreement-rank", severity="info", where=record.where, message=message)


def _placement(here: Forest, record: TaxonRecord, there: Forest, other: TaxonRecord) -> Iterator[Finding]:
    above, above_other = _nearest(here, record, there), _nearest(there, other, here)
    if above is None or above_other is None:
        return
    if _among(above, there.ancestors(other)) and _among(above_other, here.ancestors(record)):
        return
    message = (
        f'"{record.name}" stands below "{above.name}" ({above.where}) here, and below "{above_other.name}"'
        f" at {other.where}"
    )
    yield Finding(code="disagreement-placement", severity="warning", where=record.where, message=message)


def _nearest(forest: Forest, record: TaxonRecord, other: Forest) -> TaxonRecord | None:
    """The nearest ancestor that the other source has a taxon of the same name for."""
    own = normalize(record.name)
    known = (r for r in forest.ancestors(record) if (key := normalize(r.name)) != own and key in other.named)
    return next(known, None)


def _among(record: TaxonRecord, ancestors: Iterator[TaxonRecord]) -> bool:
    key = normalize(record.name)
    return any(key in map(normalize, (r.name, *r.synonyms, *r.vernaculars)) for r in ancestors)

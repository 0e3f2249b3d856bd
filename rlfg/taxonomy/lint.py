"""What is wrong or doubtful in a taxonomy: all of it in one run, on the records, before they are built."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from rlfg.taxonomy.build import (
    TaxonRecord,
    cycle_message,
    orphan_message,
    rank_inversions,
    twin_message,
    unnamed_message,
)
from rlfg.taxonomy.forest import Forest, places
from rlfg.taxonomy.ledger import Problem
from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.ranks import main_ranks_among
from rlfg.taxonomy.reading import Reading

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""An error keeps the source from loading or a label from being scored; a warning makes some answer ambiguous or
is mended on loading; the rest is for information."""
LEAST_LONE = 3
"""So many taxa, each alone below its parent, make a rank suspicious."""
MAX_WITH_SUGGESTIONS = 20
"""Close names are looked for so many times; each costs a pass over all names."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that lint found."""

    code: str
    severity: Severity
    where: str
    """File and line, or label."""
    message: str

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def lint(
    reading: Reading,
    records: Sequence[TaxonRecord],
    problems: Iterable[Problem] = (),
    *,
    rooted: bool = False,
) -> tuple[Forest, list[Finding]]:
    """Look at one source.

    Args:
        reading: how the source is meant to be joined.
        records: all of its records.
        problems: entries that the reader could not use.
        rooted: whether a name of the whole was declared, so that several top taxa are meant.

    Returns:
        The forest, for labels and comparisons; and the findings, those of one kind together.
    """
    forest = Forest(records)
    found = [*(_problem(p) for p in problems), *_structure(forest, reading, rooted), *_names(forest)]
    return forest, found


def lint_labels(forest: Forest, labels: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Labels that do not name exactly one taxon.

    Args:
        forest: the taxonomy.
        labels: place and text of each.
    """
    spelled: dict[str, str] = {}
    missing = 0
    for where, label in labels:
        taxa = forest.lookup(label)
        if len(taxa) > 1:
            message = f'label "{label}" names {len(taxa)} taxa, at {places(taxa)}'
            yield Finding(code="label-ambiguous", severity="error", where=where, message=message)
        elif not taxa:
            spelled = spelled or {normalize(text): text for r in forest.taxa for text in _texts(r)}
            missing += 1
            hint = _hint(label, spelled) if missing <= MAX_WITH_SUGGESTIONS else ""
            message = f'label "{label}" is not in the taxonomy{hint}'
            yield Finding(code="label-missing", severity="error", where=where, message=message)


def _problem(problem: Problem) -> Finding:
    where, _, message = problem.message.partition(": ")
    return Finding(code=problem.code, severity="error", where=where, message=message)


def _at(record: TaxonRecord, code: str, severity: Severity, message: str) -> Finding:
    return Finding(code=code, severity=severity, where=record.where, message=message.removeprefix(f"{record.where}: "))


def _structure(forest: Forest, reading: Reading, rooted: bool) -> Iterator[Finding]:
    """Ids, parents, ranks and siblings."""
    mended: Severity = "warning" if reading.siblings == "merge" else "error"
    for record in forest.repeated:
        first = forest.records[record.id].where
        yield _at(record, "duplicate-id", "error", f'id "{record.id}" was already used at {first}')
    for cycle in forest.cycles:
        yield _at(cycle[0], "cycle", "error", cycle_message(cycle))
    for record in forest.orphans:
        yield _at(record, "orphan", "error", orphan_message(record))
    top = [record for record in forest.records.values() if record.parent is None]
    if len(top) > 1 and not rooted and not reading.root_names:
        names = ", ".join(record.name for record in top[:4]) + (", …" if len(top) > 4 else "")
        yield _at(top[1], "several-roots", "warning", f"{len(top)} top taxa ({names}); say what the whole is called")
    for record in forest.records.values():
        if not normalize(record.name):
            yield _at(record, "unfindable-name", mended, unnamed_message(record))
    for record, twin in forest.twins:
        yield _at(record, "duplicate-name", mended, twin_message(record, twin))
    yield from _ranks(forest, reading, mended)


def _ranks(forest: Forest, reading: Reading, mended: Severity) -> Iterator[Finding]:
    main_ranks = reading.main_ranks
    if main_ranks is None:
        main_ranks = main_ranks_among({record.rank for record in forest.taxa})
    broken = {record.id for cycle in forest.cycles for record in cycle}
    sound = {key: record for key, record in forest.records.items() if key not in broken}
    for message in rank_inversions(sound, main_ranks):
        where, _, text = message.partition(": ")
        yield Finding(code="rank-inversion", severity=mended, where=where, message=text)
    yield from _lone_ranks(sound, reading.main_ranks or ())


def _lone_ranks(records: Mapping[Hashable, TaxonRecord], main_ranks: Sequence[str]) -> Iterator[Finding]:
    """Ranks that part nothing: a column of other names, read as a rank, makes one."""
    for above, rank in pairwise(main_ranks):
        taxa = [record for record in records.values() if record.rank == rank]
        parents = {record.parent: records.get(record.parent) for record in taxa}
        alone = len(parents) == len(taxa) and all(p is not None and p.rank == above for p in parents.values())
        if alone and len(taxa) >= LEAST_LONE:
            message = (
                f"each {rank} of {len(taxa)} is the only one of its {above}; if these are other names, call the column "
                f"{above}_common, or say which columns are ranks (--rank-columns)"
            )
            yield _at(taxa[0], "lone-rank", "info", message)


def _names(forest: Forest) -> Iterator[Finding]:
    """Names that more than one taxon bears."""
    for taxa in forest.named.values():
        if len(distinct := forest.deepest(taxa)) > 1:
            paths = "; ".join(f"{forest.path(r)} ({r.where})" for r in distinct[:3])
            message = f'"{distinct[0].name}" is the name of {len(distinct)} taxa: {paths}'
            yield _at(distinct[0], "homonym", "warning", message)
        for record in taxa if len(taxa) > len(distinct) else ():
            if record not in distinct:
                title = f'{record.rank or "taxon"} "{record.name}"'
                message = f"the name of {title} is also that of a taxon below it; a text means the lowest of them"
                yield _at(record, "name-of-ancestor", "info", message)
    for key, taxa in forest.synonyms.items():
        accepted = [r for r in forest.named.get(key, ()) if r not in taxa]
        for record in taxa if accepted else ():
            other = accepted[0]
            message = f'"{other.name}" is a synonym of "{record.name}" here and a name of its own at {other.where}'
            yield _at(record, "accepted-and-synonym", "warning", message)
    yield from _shared(forest)


def _shared(forest: Forest) -> Iterator[Finding]:
    """Synonyms and common names that a look-up finds several taxa by; names alone are homonyms."""
    for key in dict.fromkeys((*forest.synonyms, *forest.vernaculars)):
        others = [*forest.synonyms.get(key, ()), *forest.vernaculars.get(key, ())]
        taxa = forest.deepest([*forest.named.get(key, ()), *others])
        if len(taxa) > 1 and any(record in others for record in taxa):
            code = "shared-common-name" if key in forest.vernaculars else "shared-synonym"
            names = ", ".join(f'"{record.name}"' for record in taxa[:4])
            message = f'"{key}" means {len(taxa)} taxa ({names}), at {places(taxa)}'
            yield _at(taxa[0], code, "info", message)


def _texts(record: TaxonRecord) -> tuple[str, ...]:
    return (record.name, *record.vernaculars, *record.synonyms)


def _hint(label: str, spelled: dict[str, str]) -> str:
    close = difflib.get_close_matches(normalize(label), spelled, n=3, cutoff=0.7)
    return "; did you mean " + ", ".join(f'"{spelled[key]}"' for key in close) + "?" if close else ""

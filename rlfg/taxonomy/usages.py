"""Name usages, as checklists publish them: accepted taxa with parents, and synonyms that point at a taxon.

What Darwin Core and ColDP share. A synonym's names and identifier go to the accepted taxon, over chains of
synonyms if need be, and a parent that is itself a synonym stands for its accepted taxon. Misapplied and bare
names are skipped. Siblings with one name and rank become one taxon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rlfg.taxonomy.build import TaxonRecord
from rlfg.taxonomy.ledger import Ledger

_NOT_NAMES_OF_A_TAXON = {"misapplied", "misapplied name", "bare name"}
_SYNONYM = "synonym"
_NO_RANK = {"", "unranked", "no rank"}


@dataclass(frozen=True, slots=True)
class Usage:
    """One name as a checklist uses it."""

    id: str
    parent: str
    accepted: str
    """Id of the taxon that this is a synonym of; empty, or its own id, for an accepted name."""
    name: str
    """Without author."""
    other_names: tuple[str, ...]
    """With author, for example."""
    rank: str
    status: str
    where: str
    key: str
    """By which the common names refer to it, most often the id."""


@dataclass(slots=True)
class _Synonyms:
    """All synonyms of one source, or of one taxon."""

    names: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def usage_records(
    usages: Callable[[Ledger], Iterator[Usage]], vernaculars: dict[str, list[str]], ledger: Ledger
) -> Iterator[TaxonRecord]:
    """The accepted taxa with all their names.

    Args:
        usages: starts a pass over the rows, which reports to the ledger that it gets. Two are made, so
            that only synonyms are held in memory.
        vernaculars: key → common names; emptied as they are used.
        ledger: what becomes of each usage and common name is counted in it here.
    """
    held = [usage for usage in usages(ledger) if _is_synonym(usage)]
    accepted_of = {usage.id: usage.accepted for usage in held}
    synonyms = _by_taxon(held, accepted_of)
    del held
    for usage in usages(Ledger(collect=True)):
        if _is_synonym(usage):
            continue
        if reason := _skipped(usage):
            ledger.skipped[reason] += 1
            continue
        of_taxon = synonyms.pop(usage.id, _Synonyms())
        common = vernaculars.pop(usage.key, [])
        parent = _follow(usage.parent, accepted_of)
        ledger.used["taxon"] += 1
        ledger.used[_SYNONYM] += len(of_taxon.ids)
        ledger.used["vernacular"] += len(common)
        ledger.notes["parent that is a synonym"] += parent != usage.parent
        yield TaxonRecord(
            id=usage.id,
            parent=parent if parent and parent != usage.id else None,
            name=usage.name,
            rank=None if usage.rank in _NO_RANK else usage.rank,
            vernaculars=tuple(common),
            synonyms=(*usage.other_names, *of_taxon.names),
            ids=(usage.id, *of_taxon.ids),
            where=usage.where,
        )
    ledger.skipped["synonym of no taxon in the source"] += sum(len(rest.ids) for rest in synonyms.values())
    ledger.skipped["common name of no taxon in the source"] += sum(map(len, vernaculars.values()))
    ledger.drop_zeros()


def _is_synonym(usage: Usage) -> bool:
    return bool(usage.accepted) and usage.accepted != usage.id and not _skipped(usage)


def _skipped(usage: Usage) -> str:
    """Why a usage names no taxon; "" if it does."""
    if usage.status in _NOT_NAMES_OF_A_TAXON:
        return usage.status if usage.status.endswith("name") else f"{usage.status} name"
    if _SYNONYM in usage.status and not usage.accepted:
        return "synonym without an accepted taxon"
    if not usage.id:
        return "row without an identifier"
    return "" if usage.name else "row without a name"


def _by_taxon(held: Iterable[Usage], accepted_of: Mapping[str, str]) -> dict[str, _Synonyms]:
    """Accepted id → its synonyms; those of closed chains under ""."""
    synonyms: dict[str, _Synonyms] = {}
    for usage in held:
        of_taxon = synonyms.setdefault(_follow(usage.id, accepted_of), _Synonyms())
        of_taxon.names += [usage.name, *usage.other_names]
        of_taxon.ids.append(usage.id)
    return synonyms


def _follow(key: str, accepted_of: Mapping[str, str]) -> str:
    """The accepted taxon at the end of a chain of synonyms; "" if the chain is closed."""
    seen = set()
    while key in accepted_of:
        if key in seen:
            return ""
        seen.add(key)
        key = accepted_of[key]
    return key


def without_author(name: str, author: str) -> str:
    """A scientific name without its author, which stands at the end or before an infraspecific epithet."""
    if not author:
        return name
    if name.endswith(f" {author}"):
        return name.removesuffix(f" {author}").strip()
    return " ".join(name.replace(f" {author} ", " ", 1).split())

"""Several readings of one text: when they agree on a taxon, and when they are a list."""

from __future__ import annotations

from collections.abc import Sequence

from rlfg.taxonomy.resolving.model import Resolution
from rlfg.taxonomy.tree import Taxonomy


def agreement(taxonomy: Taxonomy, readings: Sequence[Resolution]) -> Resolution | None:
    """The most specific of readings that all lie on one path from the root; None where two part.

    Namesakes are told apart by the other readings: "Prunella (Lamiaceae)" is the plant.
    """
    chosen = readings[0]
    for reading in readings[1:]:
        pairs = [(a, b) for a in chosen.candidates for b in reading.candidates if _on_one_path(taxonomy, a, b)]
        if not pairs:
            return None
        lower = tuple(sorted({max(pair) for pair in pairs}))  # what stands below has the higher number
        base = reading if set(lower) <= set(reading.candidates) and lower != chosen.candidates else chosen
        group = base.group and len(lower) > 1
        chosen = Resolution(
            status="parsed" if group or len(lower) == 1 else "ambiguous",
            candidates=lower,
            group=group,
            span=base.span,
            trace=base.trace,
        )
    return chosen


def same_taxon(readings: Sequence[Resolution]) -> Resolution | None:
    """The first of readings that all name one and the same taxon."""
    first = readings[0]
    alike = all(r.named and r.candidates == first.candidates and r.group == first.group for r in readings)
    return first if alike and (len(first.candidates) == 1 or first.group) else None


def several(taxonomy: Taxonomy, readings: Sequence[Resolution]) -> Resolution:
    """A list: the taxa of all options that name any."""
    nodes = tuple(dict.fromkeys(node for reading in readings for node in reading.candidates))
    known = "; ".join(taxonomy.describe(node) for node in nodes) or "none of them in the taxonomy"
    return Resolution(status="several", candidates=nodes, trace=(f"{len(readings)} options: {known}",))


def _on_one_path(taxonomy: Taxonomy, a: int, b: int) -> bool:
    return a == b or taxonomy.is_ancestor(a, b) or taxonomy.is_ancestor(b, a)

"""Static rewards: a fixed price for each verdict, whatever the group does (SpeciaRL's ablations)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rewards.group import pay_relations
from rlfg.types import Relation, Verdict

_COLUMNS = (
    Relation.MORE_SPECIFIC,
    Relation.SPECIFIC,
    Relation.LESS_SPECIFIC,
    Relation.GENERIC,
    Relation.ABSTAIN,
    Relation.WRONG,
)
STATIC_TABLES: Mapping[str, Mapping[Relation, float]] = {
    name: dict(zip(_COLUMNS, prices, strict=True))
    for name, prices in {
        "binary": (1.0, 1.0, 0.0, 0.0, 0.0, 0.0),
        "scala1": (1.0, 1.0, 0.75, 0.5, 0.25, 0.0),
        "scala2": (1.0, 1.0, 0.75, 0.5, 0.0, 0.0),
        "scala3": (1.0, 1.0, 0.75, 0.0, 0.0, 0.0),
    }.items()
}
"""The paper's tables, by name."""


def static(verdicts: Sequence[Verdict], *, table: Mapping[Relation, float]) -> list[float | None]:
    """The table's price of each verdict; UNPARSED earns -1, no verdict no reward (None)."""
    return pay_relations(verdicts, table.__getitem__)

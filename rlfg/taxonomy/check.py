"""Labels that a taxonomy does not know, with the names they may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.tree import Taxonomy

SUGGESTIONS = 3
MAX_WITH_SUGGESTIONS = 20
"""A label costs up to a fifth of a second among 20,000 names: after so many only the fact is given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelProblem:
    """A label that does not resolve to exactly one taxon."""

    label: str
    candidates: tuple[int, ...] = ()
    """The taxa that share the name; empty if there is none."""
    suggestions: tuple[str, ...] = ()
    """Close names in the taxonomy, best first."""
    message: str
    """One clause that says what is wrong and what may help."""


def check_labels(taxonomy: Taxonomy, labels: Iterable[str]) -> list[LabelProblem]:
    """The distinct labels that do not resolve to one taxon, in order of first appearance."""
    problems: list[LabelProblem] = []
    spellings: dict[str, str] | None = None
    for label in dict.fromkeys(labels):
        found = taxonomy.lookup(label)
        if len(found) > 1:
            problems.append(_shared(taxonomy, label, found))
        elif not found:
            if spellings is None:
                spellings = _spellings(taxonomy)
            wanted = len(problems) < MAX_WITH_SUGGESTIONS
            problems.append(_missing(label, _close(label, spellings) if wanted else ()))
    return problems


def _shared(taxonomy: Taxonomy, label: str, found: tuple[int, ...]) -> LabelProblem:
    paths = "; ".join(" > ".join(taxonomy.names[node] for node in taxonomy.lineage(node)) for node in found)
    message = f'label "{label}" names {len(found)} taxa ({paths}); use a name that only one of them has'
    return LabelProblem(label=label, candidates=found, message=message)


def _missing(label: str, suggestions: tuple[str, ...]) -> LabelProblem:
    hint = "".join(f', "{name}"' for name in suggestions)[2:]
    message = f'label "{label}" is not in the taxonomy' + (f"; did you mean {hint}?" if hint else "")
    return LabelProblem(label=label, suggestions=suggestions, message=message)


def _close(label: str, spellings: dict[str, str]) -> tuple[str, ...]:
    keys = difflib.get_close_matches(normalize(label), spellings, n=SUGGESTIONS, cutoff=0.7)
    return tuple(spellings[key] for key in keys)


def _spellings(taxonomy: Taxonomy) -> dict[str, str]:
    """Normalised name or alias → as the file spells it, for all that resolve."""
    texts = [text for node in range(taxonomy.n) for text in (taxonomy.names[node], *taxonomy.other_names(node))]
    return {normalize(text): text for text in texts if taxonomy.lookup(text)}

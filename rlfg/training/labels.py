"""Whether the taxonomy of a run knows the truths of its pictures."""

from __future__ import annotations

from rewards.setup import VerifierSpec
from rlfg.data import Examples
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, check_labels


def require_labels(verifier: VerifierSpec, taxonomy: Taxonomy, examples: Examples) -> int:
    """Refuses truths of open questions that are no taxon; of a judge's they need not be one.

    Returns:
        How many labels were looked at.

    Raises:
        RlfgError: Names the labels, the line of the first, and close names.
    """
    if verifier.judge is not None:
        return 0
    asked = examples.subset([i for i, example in enumerate(examples) if verifier.is_open(example.label)])
    problems = check_labels(taxonomy, (example.label for example in asked))
    if problems:
        first = next(w for w, e in zip(asked.where, asked, strict=True) if e.label == problems[0].label)
        more = f" (and {len(problems) - 1} more labels)" if len(problems) > 1 else ""
        raise RlfgError(f"{first}: {verifier.taxonomy}: {problems[0].message}{more}")
    return len({example.label for example in asked})

"""What a line asks: the same of two lines of a file makes the second a copy; of two runs it makes them comparable."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from eval.tally.mark import key_of
from rlfg.taxonomy import Taxonomy
from rlfg.types import Prediction


def copy_key(protocol: str, line: Prediction) -> str:
    """The same for two lines about the same pictures, in whatever order they or the options stood."""
    pictures = list(map(str, line.extra.get("images") or [line.image if line.image is not None else f"id {line.id}"]))
    reference = pictures[:1] if protocol == "count" else []
    return json.dumps([line.truth, reference, sorted(pictures)])


def question_of(protocol: str, line: Prediction, taxonomy: Taxonomy | None) -> dict[str, Any]:
    """What two runs must have been asked alike behind one id, besides its truth and class.

    The order of options and of candidates may differ, and so may folders of pictures: a run is moved, or asked with
    another seed. Options may be a thousand names, of which there is a digest.
    """
    if protocol == "per_rank":
        return {"ranks": key_of(line, "ranks"), "taxonomy": None if taxonomy is None else taxonomy.hash[:16]}
    if protocol in ("pairs", "count"):
        names = [Path(str(picture)).name for picture in line.extra.get("images") or ()]
        first = 1 if protocol == "count" else 0
        return {"pictures": names[:first] + sorted(names[first:])}
    lists = key_of(line, "options") if protocol == "choice" else [key_of(line, "options")]
    lists = [sorted(options) for options in lists]
    digest = hashlib.sha256(json.dumps(lists).encode()).hexdigest()[:16]
    return {"questions": len(lists), "options_digest": digest, "correct": key_of(line, "correct")}

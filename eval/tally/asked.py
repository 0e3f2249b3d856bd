"""What a line asks: the same of two lines of a file makes the second a copy; of two runs it makes them comparable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.copies import condition_of
from eval.tally.mark import key_of
from rlfg.taxonomy import Taxonomy
from rlfg.types import Prediction


def copy_key(protocol: str, line: Prediction, same: Mapping[str, str]) -> str:
    """The same for two lines about the same pictures, in whatever order they or the options stood.

    Options that were drawn make no other question of a picture; those that its line of the data gave do, and so does
    the condition of a robustness set, where a grey picture without its colours is the same file.

    Args:
        protocol: of the line.
        line: it.
        same: the first of the files with the same bytes, by file (`same_files`).
    """
    pictures = [same.get(picture, picture) for picture in pictures_of(line) or [f"id {line.id}"]]
    reference = pictures[:1] if protocol == "count" else []
    given = line.extra.get("distractors") == "given"
    options = sorted(key_of(line, "options")[0]) if given else []
    return json.dumps([line.truth, reference, sorted(pictures), options, condition_of(line)])


def pictures_of(line: Prediction) -> list[str]:
    """The files of the pictures that a line is about."""
    return list(map(str, line.extra.get("images") or ([] if line.image is None else [line.image])))


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
    asked = {"questions": len(lists), "options_digest": digest, "correct": key_of(line, "correct")}
    return asked | ({"also_true": sorted(line.extra["also_true"])} if line.extra.get("also_true") else {})

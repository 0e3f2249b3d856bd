"""Looks at every picture of a dataset once and reports what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from rlfg.data.examples import Examples, Picture
from rlfg.data.images import ImageError, inspect_image
from rlfg.errors import RlfgError

SHOWN = 20
"""Bad pictures that an error names one by one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BadImage:
    """A picture that cannot be read."""

    where: str
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageReport:
    """Counts by kind, of readable and unreadable pictures; they add up to the dataset."""

    counts: dict[str, int]
    bad: tuple[BadImage, ...]
    total: int

    def __str__(self) -> str:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self.counts.items(), key=lambda kv: -kv[1]))
        lines = [f"{self.total} pictures: {kinds}"]
        lines += [f"  {b.where}: {b.kind}: {b.reason}" for b in self.bad[:SHOWN]]
        if len(self.bad) > SHOWN:
            lines.append(f"  … and {len(self.bad) - SHOWN} more")
        return "\n".join(lines)


def check_images(
    examples: Examples, *, on_bad: Literal["stop", "skip"] = "stop", besides: Sequence[Picture] = (), workers: int = 8
) -> tuple[Examples, ImageReport]:
    """Opens every picture, and of each example those named in `besides`: one that is bad makes the example bad.

    Returns:
        The readable examples, and the report; readable and bad ones add up to the input.

    Raises:
        RlfgError: `on_bad` is "stop" and a picture cannot be read; names the first ones and their lines.
    """

    def look(index: int) -> str | BadImage:
        try:
            for picture in besides:
                inspect_image(examples.source(index, picture))
            return inspect_image(examples.source(index), name=examples[index].image)[1]
        except ImageError as error:
            return BadImage(where=examples.where[index], kind=error.kind, reason=str(error))

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(look, range(len(examples))))
    bad = tuple(f for f in found if isinstance(f, BadImage))
    counts = Counter(f if isinstance(f, str) else f.kind for f in found)
    report = ImageReport(counts=dict(counts), bad=bad, total=len(examples))
    good = [i for i, f in enumerate(found) if isinstance(f, str)]
    if bad and on_bad == "stop":
        raise RlfgError(f"{len(bad)} pictures cannot be read (set on_bad_image: skip to leave them out)\n{report}")
    if not good:
        raise RlfgError(f"no picture can be read\n{report}")
    return examples.subset(good), report

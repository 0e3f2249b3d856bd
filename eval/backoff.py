"""The back-off policy: what is said of a picture is the deepest taxon that can be vouched for, or nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.confidence import Confidence
from rlfg.errors import RlfgError


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One threshold tried on the validation pictures."""

    threshold: float
    answered: int
    wrong: int
    specificity: float | None
    """Mean depth(answer) / depth(truth) of those that are right."""
    p_value: float
    """Chance of so few wrong ones, were the risk above the one promised."""
    passed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """A threshold, and what it promises.

    With probability 1 − `delta` over the validation pictures, at most a share `risk` of what is said is wrong, for
    pictures like those. Without `risk` nothing is promised.
    """

    threshold: float | None
    """Share of the answers that must name a taxon or something below it; None: abstain always."""
    risk: float | None = None
    delta: float | None = None
    samples: int | None = None
    """Answers a picture; the promise holds for as many only."""
    taxonomy: str | None = None
    """Hash of the taxonomy."""
    profile: str | None = None
    parse: str = "lenient"
    prompt: str | None = None
    """Hash of what was asked; None here and in the next three: not recorded."""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    pictures: int = 0
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise RlfgError(f"threshold is {self.threshold}; it is a share: above 0, at most 1")

    def promises(self, samples: int) -> bool:
        """Whether the risk is promised of an answer made from so many samples."""
        return self.risk is not None and samples == self.samples

    def drawn_as(self, *, temperature: float, top_p: float, max_tokens: int) -> bool:
        """Whether samples drawn like this are as those it was fitted to, as far as these are on record."""
        now = {"temperature": temperature, "top_p": top_p, "max_tokens": max_tokens}
        return all(getattr(self, name) in (None, value) for name, value in now.items())


def vouched(found: Confidence, threshold: float | None) -> int | None:
    """The deepest taxon on the path with at least `threshold`; the root vouches for nothing."""
    if threshold is None:
        return None
    least = threshold * found.asked - 1e-9
    return next((node for node in reversed(found.path) if node and found.support[node] >= least), None)


def write_policy(path: Path, policy: Policy) -> None:
    """As JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(policy), indent=2) + "\n", encoding="utf-8")


def read_policy(path: Path) -> Policy:
    """What `write_policy` wrote.

    Raises:
        RlfgError: The file cannot be read, or is none.
    """
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Policy(**{**record, "steps": tuple(Step(**step) for step in record["steps"])})
    except OSError as error:
        raise RlfgError(f"{path}: cannot read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise RlfgError(f"{path}: not a policy of `rlfg calibrate` ({error})") from error

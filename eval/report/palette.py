"""What a reader sees of each verdict: its words and the CSS class that colours it (template/style.css)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rlfg.types import VERDICT_LABELS


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A verdict in words."""

    name: str
    meaning: str


LOOKS: Mapping[str, Look] = {
    "MORE_SPECIFIC": Look(name="More specific", meaning="a valid kind of the true taxon, finer than was asked"),
    "SPECIFIC": Look(name="Specific", meaning="the true taxon itself, by any of its names"),
    "LESS_SPECIFIC": Look(name="Less specific", meaning="a close group that holds the truth, such as its genus"),
    "GENERIC": Look(name="Generic", meaning="a much broader group that holds the truth"),
    "ABSTAIN": Look(name="Abstained", meaning="the model declined to name it"),
    "WRONG": Look(name="Wrong", meaning="something else, or several options at once"),
    "UNPARSED": Look(name="Unparsed", meaning="no readable answer in the completion"),
    "NO_VERDICT": Look(name="No verdict", meaning="could not be decided; in no metric"),
}


def css_class(label: str) -> str:
    """`v-more-specific` for MORE_SPECIFIC: fills, strokes and dots take their colour from it."""
    return "v-" + label.lower().replace("_", "-")


def legend() -> list[dict[str, str]]:
    """Every verdict, best first, for the template."""
    return [
        {"label": label, "css": css_class(label), "name": LOOKS[label].name, "meaning": LOOKS[label].meaning}
        for label in VERDICT_LABELS
    ]

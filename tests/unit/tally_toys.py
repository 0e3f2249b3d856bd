"""Closed questions about four birds, and the folders that `rlfg tally` makes of the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.predictions import write_predictions
from eval.tally import TalliedItem, read_tallied, tally, write_marks
from rlfg.cli import main
from rlfg.taxonomy import Taxonomy, load_taxonomy
from rlfg.types import Prediction

BIRDS = ["gull", "tern", "raven", "magpie"]


def chosen(id_: str, truth: str, *said: str, image: str | None = None, **told: Any) -> Prediction:
    """One of four names; with several answers each is to another rotation, without any the line failed."""
    orders = [BIRDS[k:] + BIRDS[:k] for k in range(max(len(said), 1))]
    asked = {"protocol": "choice", "options": orders, "correct": truth, "answer_as": "name", "class": truth}
    return _line(id_, truth, said, image or f"{id_}.png", asked | told)


def counted(id_: str, truth: str, *said: str, of: str = "gull") -> Prediction:
    """How many of three."""
    return _line(id_, truth, said, f"{id_}.png", {"protocol": "count", "class": of})


def ranked(id_: str, truth: str, *logps: float, prior: tuple[float, ...] = ()) -> Prediction:
    """The log-probability of each of four names, a token each."""
    scored = [{"sum": list(sums), "tokens": [1] * len(BIRDS)} for sums in (logps, prior) if sums]
    told = {"protocol": "rank", "options": BIRDS, "correct": truth, "class": truth, "logprobs": scored}
    return Prediction(id=id_, truth=truth, image=f"{id_}.png", answers=(BIRDS[logps.index(max(logps))],), extra=told)


def pathed(id_: str, truth: str, *said: str) -> Prediction:
    """A question a rank."""
    return _line(id_, truth, said, f"{id_}.png", {"protocol": "per_rank", "ranks": ["family", "genus", "species"]})


def ranks_of_birds(folder: Path) -> Taxonomy:
    """Three of them in a tree, which `tree.csv` holds."""
    rows = ("family,genus,species", "Laridae,Larus,gull", "Laridae,Sterna,tern", "Corvidae,Corvus,raven")
    (folder / "tree.csv").write_text("\n".join(rows) + "\n")
    return load_taxonomy(folder / "tree.csv", root="bird")


def tallied(folder: Path, lines: list[Prediction], taxonomy: Taxonomy | None = None) -> list[TalliedItem]:
    """Marked, written and read."""
    write_marks(folder / "items.jsonl", tally(lines, taxonomy, samples=10)[0])
    return read_tallied(folder / "items.jsonl")


def tally_folder(folder: Path, name: str, lines: list[Prediction], *options: str) -> str:
    """The folder of `rlfg tally` over a predictions file, both written as a user would."""
    write_predictions(folder / f"{name}.jsonl", lines)
    command("tally", "--predictions", str(folder / f"{name}.jsonl"), "--out", str(folder / name), *options)
    return str(folder / name)


def command(*arguments: str) -> int:
    """The exit status of `rlfg`."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def _line(id_: str, truth: str, said: tuple[str, ...], image: str, told: dict[str, Any]) -> Prediction:
    if not said:
        return Prediction(id=id_, truth=truth, image=image, error="HTTP 500", extra=told)
    texts = tuple(f"<think>Hm.</think><answer>{text}</answer>" for text in said)
    return Prediction(id=id_, truth=truth, image=image, completions=texts, extra=told)

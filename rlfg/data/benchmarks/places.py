"""Which manifest a picture goes to: the official split, with val trained on, or a val carved out."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rlfg.data.examples import Examples
from rlfg.data.splits import SplitSpec, split
from rlfg.errors import RlfgError
from rlfg.types import Example

TrainOn = Literal["train", "trainval"]


def check_val(examples: Examples, share: float, train_on: TrainOn) -> None:
    """Raises RlfgError where a val would be carved out beside the official one."""
    if share and train_on == "train" and any(example.split == "val" for example in examples):
        raise RlfgError("prepare: there is an official val, and --val would carve out another; leave it out")


def trained_on(examples: Examples, which: TrainOn) -> Examples:
    """With val moved to train, if that is trained on."""
    if which == "train":
        return examples
    return replace(examples, items=tuple(_moved(e, "train") if e.split == "val" else e for e in examples))


def carved(examples: Examples, share: float, *, seed: int) -> Examples:
    """With a share of each class's training pictures moved to val, drawn by seed and picture alone."""
    if not share:
        return examples
    training = [i for i, example in enumerate(examples) if example.split == "train"]
    drawn = split(examples.subset(training), SplitSpec(seed=seed, val=share, test=0.0, duplicates="ignore"))
    val = {i for i, place in zip(training, drawn.places, strict=True) if place == "val"}
    return replace(examples, items=tuple(_moved(e, "val") if i in val else e for i, e in enumerate(examples)))


def _moved(example: Example, to: str) -> Example:
    return replace(example, split=to, meta={**example.meta, "official_split": example.split})

"""Runs a model over a dataset: one line of predictions a picture, resumable, the same over N processes.

Each process answers its share and appends to its own file; the first one merges them in the order of the
dataset. What an interrupted run answered is kept; what failed is tried again. Random draws depend on
the seed, the picture's id and the sample's number, so neither sharding nor resuming changes an answer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.predictions import drop_torn_line, read_predictions, write_predictions
from rlfg.data import DataSpec, Examples, ImageError, load_examples, load_prompt, user_message
from rlfg.errors import RlfgError
from rlfg.models.load import ModelSpec
from rlfg.models.prompts import EncodedPrompt, encode_prompt
from rlfg.rollouts.local import LocalModel
from rlfg.rollouts.sampling import Sampling
from rlfg.types import Prediction


@dataclass(frozen=True, kw_only=True)
class PredictConfig:
    """Which model answers what, and how."""

    model: ModelSpec
    data: DataSpec
    out: str
    """The predictions file (JSON Lines)."""
    prompt: str = "think"
    sampling: Sampling = field(default_factory=lambda: Sampling(temperature=0))
    samples: int = 1
    """Answers a picture; more than one needs a temperature above 0."""
    seed: int = 0
    rows: int = 512
    """Answers made together."""
    use_cpu: bool = False

    def __post_init__(self) -> None:
        if self.samples < 1 or (self.samples > 1 and self.sampling.temperature == 0):
            raise RlfgError("samples must be 1, or more with sampling.temperature above 0")


def pending(config: PredictConfig, examples: Examples) -> tuple[dict[str, Prediction], list[int]]:
    """What earlier runs answered, by id, and the indices still to be answered.

    Raises:
        RlfgError: The file holds answers to pictures that are not in the dataset.
    """
    done: dict[str, Prediction] = {}
    for path in [Path(config.out), *parts(Path(config.out))]:
        if has_lines(path):
            done |= {p.id: p for p in read_predictions(path) if p.error is None}
    strange = done.keys() - {e.id for e in examples}
    if strange:
        raise RlfgError(f"{config.out}: holds answers to other pictures ({sorted(strange)[0]}); use another file")
    return done, [i for i, example in enumerate(examples) if example.id not in done]


def has_lines(path: Path) -> bool:
    """Whether a file holds whole lines; a torn last one, left by a killed run, is dropped."""
    if not path.is_file():
        return False
    drop_torn_line(path)
    return path.stat().st_size > 0


def parts(out: Path) -> list[Path]:
    """Files that processes have written and that are not merged yet."""
    return sorted(out.parent.glob(f"{out.name}.part*"))


def predict_share(config: PredictConfig, examples: Examples, share: Sequence[int], model: LocalModel, rank: int) -> int:
    """Answers the examples at `share`, appending line by line; returns how many failed."""
    out = Path(f"{config.out}.part{rank}")
    size = max(1, config.rows // config.samples)
    failed = 0
    for start in range(0, len(share), size):
        lines = _answer(config, examples, share[start : start + size], model)
        write_predictions(out, lines)
        failed += sum(line.error is not None for line in lines)
    return failed


def merge(config: PredictConfig, examples: Examples) -> Path:
    """Puts the parts into one file in the order of the dataset; written aside, then renamed.

    A picture that failed in every try keeps its line with the last error.
    """
    out = Path(config.out)
    found: dict[str, Prediction] = {}
    for path in [out, *parts(out)]:
        if has_lines(path):
            for line in read_predictions(path):
                if line.error is None or line.id not in found or found[line.id].error is not None:
                    found[line.id] = line
    aside = out.with_name(out.name + ".merging")
    aside.unlink(missing_ok=True)
    write_predictions(aside, [found[e.id] for e in examples if e.id in found])
    os.replace(aside, out)
    for path in parts(out):
        path.unlink()
    return out


def predict(config: PredictConfig, model: LocalModel | None = None, *, device: Any = None) -> Path:
    """The whole of it in one process."""
    examples = load_examples(config.data)
    _, todo = pending(config, examples)
    if todo:
        model = model or LocalModel(config.model, device=device, max_rows=config.rows)
        predict_share(config, examples, todo, model, 0)
    return merge(config, examples)


def _answer(config: PredictConfig, examples: Examples, share: Sequence[int], model: LocalModel) -> list[Prediction]:
    prompt = load_prompt(config.prompt)
    prompts: dict[int, EncodedPrompt] = {}
    errors: dict[int, str] = {}
    for index in share:
        message = user_message(prompt, examples[index].question)
        try:
            prompts[index] = encode_prompt(model.processor, [message], [examples.open_image(index)])
        except ImageError as error:
            errors[index] = str(error)
    keys = [[(config.seed, "predict", examples[i].id, k) for k in range(config.samples)] for i in prompts]
    answers = dict(zip(prompts, model.answer(list(prompts.values()), keys, config.sampling), strict=True))
    return [
        Prediction(
            id=examples[i].id,
            truth=examples[i].label,
            completions=tuple(answers.get(i, ())),
            image=examples[i].image,
            error=errors.get(i),
            extra={"meta": dict(examples[i].meta)} if examples[i].meta else {},
        )
        for i in share
    ]

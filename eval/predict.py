"""Asks a model about a dataset by a protocol: one line of predictions an item, resumable, the same over N processes.

Each process answers its share and appends to its own file; the first one merges them in the order of the items. What
an interrupted run answered is kept; what failed is tried again. Random draws depend on the seed, the item's id and
the sample's number, so neither sharding nor resuming changes an answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from glob import escape
from pathlib import Path
from typing import Any

from eval.backends import Asked, Backend, BackendSpec, Tell
from eval.predictions import drop_torn_line, read_predictions, write_predictions
from eval.protocols import Item, ProtocolSpec, Reply, line_of
from eval.protocols.generate import OpenSpec
from rlfg.data import DataSpec, Examples, ImageReport, check_images, load_examples
from rlfg.errors import RlfgError
from rlfg.one_writer import only_writer
from rlfg.rollouts.sampling import Sampling
from rlfg.taxonomy.spec import TaxonomySpec
from rlfg.types import Prediction


@dataclass(frozen=True, kw_only=True)
class PredictConfig:
    """Who answers what, and how it is asked."""

    backend: BackendSpec
    data: DataSpec
    out: str
    """The predictions file (JSON Lines)."""
    protocol: ProtocolSpec = field(default_factory=ProtocolSpec)
    taxonomy: TaxonomySpec | None = None
    """For protocols that need one: which names are one class, which classes are near, which ranks there are."""
    sampling: Sampling = field(default_factory=lambda: Sampling(temperature=0))
    seed: int = 0
    """Of what a protocol draws, and of the answers."""
    use_cpu: bool = False

    def __post_init__(self) -> None:
        if self.protocol.samples > 1 and self.sampling.temperature == 0:
            raise RlfgError("protocol.open.samples above 1 needs sampling.temperature above 0, or all are the same")

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the lines, but for the data."""
        chosen = self.protocol.chosen
        asked = {"name": type(chosen).__name__.removesuffix("Spec"), **asdict(chosen)}  # type: ignore[call-overload]
        if isinstance(chosen, OpenSpec):
            asked["texts"] = chosen.texts
        parts = {
            "backend": self.backend.settings,
            "protocol": asked,
            "taxonomy": None if self.taxonomy is None else asdict(self.taxonomy),
            "sampling": asdict(self.sampling),
            "seed": self.seed,
        }
        settings: dict[str, Any] = json.loads(json.dumps(parts))
        return settings


@dataclass(frozen=True, kw_only=True)
class Task:
    """A configuration with its data in hand."""

    config: PredictConfig
    examples: Examples
    items: tuple[Item, ...]
    images: ImageReport | None = None
    """Of the pictures, where those that cannot be read are left out."""

    @property
    def out(self) -> Path:
        """The predictions file."""
        return Path(self.config.out)


def load_task(config: PredictConfig) -> Task:
    """Reads the data and makes the protocol's items of it.

    Pictures are opened when they are asked about, and one that cannot be read makes its item fail; with `on_bad_image:
    skip` all are opened now, and those are left out.

    Raises:
        RlfgError: Two items have one id, or the protocol cannot be had with these data.
    """
    examples, images = load_examples(config.data), None
    if config.data.on_bad_image == "skip":
        examples, images = check_images(examples, on_bad="skip")
    taxonomy = None if config.taxonomy is None else config.taxonomy.load()
    items = config.protocol.chosen.items(examples, taxonomy, config.seed)
    if len({item.id for item in items}) < len(items):
        raise RlfgError(f"{config.data.path}: two items have one id; ids of pictures must not hold '@', '|' or '#'")
    return Task(config=config, examples=examples, items=tuple(items), images=images)


def pending(task: Task) -> tuple[dict[str, Prediction], list[int]]:
    """What earlier runs answered, by id, and the items still to be answered: new ones, and those that failed.

    Raises:
        RlfgError: The file holds answers to other items, or to these as the data had them before.
    """
    done: dict[str, Prediction] = {}
    for path in [task.out, *parts(task.out)]:
        if has_lines(path):
            done |= {p.id: p for p in read_predictions(path) if p.error is None}
    strange = done.keys() - {item.id for item in task.items}
    if strange:
        raise RlfgError(f"{task.out}: holds answers to other items ({sorted(strange)[0]}); use another file")
    for item in task.items:
        changed = _changed(item, done[item.id]) if item.id in done else []
        if changed:
            raise RlfgError(
                f"{task.out}: since {item.id!r} was answered, its {changed[0]} changed with the data; use another file"
            )
    return done, [i for i, item in enumerate(task.items) if item.id not in done]


def _changed(item: Item, line: Prediction) -> list[str]:
    """Keys that an answered line has otherwise than its item; not where its pictures lie, nor what is told besides."""
    now = {"truth": item.truth, **{key: value for key, value in item.told.items() if key not in ("images", "meta")}}
    then = {"truth": line.truth, **line.extra}
    return [key for key in now if key in then and json.loads(json.dumps(now[key])) != then[key]]


def keep_settings(task: Task) -> None:
    """Records beside the predictions how they are made.

    Raises:
        RlfgError: They were begun in another way: one file would hold answers to different questions. Or nothing can be
            written there.
    """
    if task.out.is_dir():
        raise RlfgError(
            f"{task.out}: is a folder; `out` is a file of predictions, such as {task.out / 'answers.jsonl'}"
        )
    path = _settings_file(task.out)
    settings = task.config.settings
    if path.is_file() and (has_lines(task.out) or parts(task.out)):
        begun = settings_of(task.out)
        other = [name for name in settings if settings[name] != begun.get(name)]
        if other:
            raise RlfgError(f"{task.out}: was begun with another {', '.join(other)} ({path.name}); use another file")
        return
    aside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(settings, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(aside, path)  # a run that is killed here leaves the whole file or none
    except OSError as error:
        raise RlfgError(f"{path}: cannot be written: {error.strerror}") from error


def settings_of(out: Path) -> dict[str, Any]:
    """How the answers of a predictions file were asked for; empty where that is not on record.

    Raises:
        RlfgError: The record is broken.
    """
    path = _settings_file(out)
    if not path.is_file():
        return {}
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RlfgError(
            f"{path}: not valid JSON ({error}); with it is lost how the answers beside it were made"
        ) from error
    return begun if isinstance(begun, dict) else {}


def _settings_file(out: Path) -> Path:
    return out.with_name(out.name + ".settings.json")


def has_lines(path: Path) -> bool:
    """Whether a file holds whole lines; a torn last one, left by a killed run, is dropped."""
    if not path.is_file():
        return False
    drop_torn_line(path)
    return path.stat().st_size > 0


def parts(out: Path) -> list[Path]:
    """Files that processes have written and that are not merged yet."""
    return sorted(out.parent.glob(f"{escape(out.name)}.part*"))


def predict_share(
    task: Task,
    share: Sequence[int],
    backend: Backend,
    rank: int,
    *,
    on_line: Callable[[Prediction], None] = lambda line: None,
) -> None:
    """Answers the items at `share`; each line is appended as soon as its item's replies are all there."""
    out = Path(f"{task.config.out}.part{rank}")
    for batch in _batches(task, share, backend):
        asked = [one for i in batch for one in _asked(task, task.items[i])]
        backend.answer(asked, _teller([task.items[i] for i in batch], asked, out, on_line))


def merge(task: Task) -> Path:
    """Puts the parts into one file in the order of the items; written aside, then renamed.

    An item that failed in every try keeps its line with the last error.
    """
    out = task.out
    found: dict[str, Prediction] = {}
    for path in [out, *parts(out)]:
        if has_lines(path):
            for line in read_predictions(path):
                if line.error is None or line.id not in found or found[line.id].error is not None:
                    found[line.id] = line
    aside = out.with_name(out.name + ".merging")
    aside.unlink(missing_ok=True)
    write_predictions(aside, [found[item.id] for item in task.items if item.id in found])
    os.replace(aside, out)
    for path in parts(out):
        path.unlink()
    return out


def predict(config: PredictConfig, backend: Backend) -> Path:
    """The whole of it in one process, answered by a backend that is there already."""
    task = load_task(config)
    with only_writer(task.out):
        keep_settings(task)
        predict_share(task, pending(task)[1], backend, 0)
        return merge(task)


def _teller(items: Sequence[Item], asked: Sequence[Asked], out: Path, on_line: Callable[[Prediction], None]) -> Tell:
    """Takes replies in any order, and writes an item's line with the last one of its own."""
    by_id = {item.id: item for item in items}
    replies: dict[str, dict[int, Reply]] = {item.id: {} for item in items}

    def tell(n: int, reply: Reply) -> None:
        item, there = by_id[asked[n].item], replies[asked[n].item]
        there[asked[n].number] = reply
        if len(there) == len(item.questions):
            line = line_of(item, [there[k] for k in range(len(there))])
            write_predictions(out, [line])
            on_line(line)

    return tell


def _asked(task: Task, item: Item) -> list[Asked]:
    def opener(numbers: Sequence[int]) -> Callable[[], list[Any]]:
        return lambda: [task.examples.open_image(i) for i in numbers]

    return [
        Asked(item=item.id, number=k, question=question, open=opener(question.pictures))
        for k, question in enumerate(item.questions)
    ]


def _batches(task: Task, share: Sequence[int], backend: Backend) -> list[list[int]]:
    """Consecutive items of about as many rows as the backend takes at once."""
    if backend.rows is None:
        return [list(share)]
    from rlfg.models.prompts import chunks

    sizes = [sum(map(backend.rows_of, task.items[i].questions)) for i in share]
    return [[share[n] for n in chunk] for chunk in chunks(sizes, backend.rows)]

"""Chain-of-thought samples in the three forms that are passed around.

sharegpt: LLaMA-Factory's JSON, a list of `messages` (`role`, `content`) or `conversations` (`from`, `value`) beside
`images`. trl: prompt-completion lines, each a text or a list of messages, beside `images`. manifest: lines of `image`,
`label`, `rationale`, as training reads them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlfg.data import Examples, format_answer, parse_answer
from rlfg.data.splits import record_of
from rlfg.errors import RlfgError
from rlfg.read_json import is_text

_ROLES = {"human": "user", "gpt": "assistant"}
_PLACE = "<image>"
"""Stands for a picture in LLaMA-Factory's text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A picture, a question and what a model is to answer."""

    where: str
    """file:number, from 1."""
    id: str
    images: tuple[str, ...]
    """Paths as they are written, relative to the file's folder where they are not absolute."""
    question: str
    """Of the user. Pictures come before it, unless it holds an `<image>` in the place of each."""
    completion: str
    """Of the assistant, tags and all."""
    system: str = ""
    label: str | None = None
    """The truth, where the record has one besides the answer."""
    problem: str | None = None
    """Why the record is no sample; nothing else is known of it then."""

    @property
    def answer(self) -> str | None:
        """What the completion says, read as training reads it."""
        return parse_answer(self.completion).answer

    @property
    def rationale(self) -> str:
        """What stands before the answer."""
        thoughts = parse_answer(self.completion).thoughts
        return self.completion.partition("<answer>")[0].strip() if thoughts is None else thoughts


def read_samples(path: Path, *, keep_broken: bool = False) -> list[Sample]:
    """All samples of a file; its form is seen from its records.

    Args:
        path: of JSON lines or of a JSON list.
        keep_broken: a record that is no sample becomes one with a `problem`, unless all are.

    Raises:
        RlfgError: It is none of the forms; names the record.
    """
    samples, first = [], None
    for number, record in _records(path):
        where, name = f"{path}:{number}", f"{path.stem}:{number}"
        try:
            samples.append(_read(record, where, name))
        except RlfgError as error:
            if not keep_broken:
                raise
            first = first or error
            why = str(error).removeprefix(f"{where}: ")
            samples.append(Sample(where=where, id=name, images=(), question="", completion="", problem=why))
    if not samples:
        raise RlfgError(f"{path}: no samples in it")
    if first is not None and all(sample.problem for sample in samples):
        raise first
    return samples


def _read(record: Any, where: str, name: str) -> Sample:
    if isinstance(record, json.JSONDecodeError):
        raise RlfgError(f"{where}: not valid JSON: {record}")
    if not isinstance(record, dict):
        raise RlfgError(f"{where}: a sample must be a JSON object")
    known = {key: value for key, value in record.items() if value is not None}
    form = next((form for form in _READERS if set(_MARKS[form]) <= known.keys()), None)
    if form is None:
        forms = "; ".join(f"{name}: {', '.join(marks)}" for name, marks in _MARKS.items())
        raise RlfgError(f"{where}: no chain-of-thought sample ({forms}); found {', '.join(known) or 'nothing'}")
    sample = _READERS[form](known, where, name)
    if not is_text("\n".join((sample.id, sample.system, sample.question, sample.completion, *sample.images))):
        raise RlfgError(f"{where}: half a character (a lone surrogate) is in its text")
    return sample


def write_samples(path: Path, samples: Iterable[Sample], form: str, *, images: Path) -> int:
    """Writes samples, with pictures' paths relative to the new file; returns how many.

    Args:
        path: of the new file; sharegpt is one JSON list, the others JSON lines.
        samples: whose completions are well formed, for a manifest.
        form: one of `FORMATS`.
        images: the folder that relative paths of pictures start from.
    """
    here = path.parent.resolve()
    records = [
        _WRITERS[form](s, [os.path.relpath(images.resolve() / image, here) for image in s.images]) for s in samples
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "sharegpt":
        text = json.dumps(records, ensure_ascii=False, indent=1) + "\n"
    else:
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text(text, encoding="utf-8")
    return len(records)


def write_lessons(path: Path, examples: Examples, completions: Mapping[int, str]) -> int:
    """Writes a manifest of some examples, all they had and their new rationales; returns how many.

    Args:
        path: of the new file, which appears when it is whole.
        examples: pictures in files.
        completions: by index, with tags.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps(record_of(examples[i], path.parent, rationale=parse_answer(completion).thoughts), ensure_ascii=False)
        for i, completion in sorted(completions.items())
    ]
    aside = path.with_name(f".{path.name}.partial")
    aside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    aside.replace(path)
    return len(lines)


def _records(path: Path) -> Iterator[tuple[int, Any]]:
    """Number and record; of a line that is no JSON the error."""
    if not path.is_file():
        raise RlfgError(f"{path}: no such file")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if text.lstrip().startswith("["):
            yield from enumerate(json.loads(text), 1)
            return
    except json.JSONDecodeError as error:
        raise RlfgError(f"{path}: not valid JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise RlfgError(f"{path}: not UTF-8: {error}") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                yield number, error


def _from_messages(record: Mapping[str, Any], where: str, name: str) -> Sample:
    turns = record["messages"] if "messages" in record else record["conversations"]
    return _sample(record, _texts(turns, where), where, name)


def _from_trl(record: Mapping[str, Any], where: str, name: str) -> Sample:
    said: list[tuple[str, str]] = []
    for key, role in (("prompt", "user"), ("completion", "assistant")):
        value = record[key]
        said += [(role, value)] if isinstance(value, str) else _texts(value, where)
    return _sample(record, said, where, name)


def _from_manifest(record: Mapping[str, Any], where: str, name: str) -> Sample:
    try:
        completion = format_answer(str(record["rationale"]), str(record["label"]))
    except RlfgError as error:
        raise RlfgError(f"{where}: {error}") from error
    return Sample(
        where=where,
        id=str(record.get("id", name)),
        images=(str(record["image"]),),
        question=str(record.get("question", "")),
        completion=completion,
        label=str(record["label"]),
    )


def _texts(turns: Any, where: str) -> list[tuple[str, str]]:
    """Role and text of each message; a content of parts is its texts, and place holders of its pictures."""
    found = []
    try:
        for turn in turns:
            role, content = (turn["role"], turn["content"]) if "role" in turn else (turn["from"], turn["value"])
            if not isinstance(content, str):
                content = "".join(_PLACE if part["type"].startswith("image") else part["text"] for part in content)
            found.append((_ROLES.get(role, role), content))
    except (TypeError, KeyError) as error:
        raise RlfgError(f"{where}: a message lacks {error}; it has role and content, or from and value") from error
    return found


def _sample(record: Mapping[str, Any], said: list[tuple[str, str]], where: str, name: str) -> Sample:
    by_role: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
    for role, text in said:
        if role not in by_role:
            raise RlfgError(f"{where}: a message of {role!r}; known are {', '.join(by_role)}")
        by_role[role].append(text)
    if len(by_role["assistant"]) != 1 or not by_role["user"]:
        raise RlfgError(
            f"{where}: a sample has one question and one answer; this one {len(by_role['assistant'])} answers"
        )
    images = record.get("images", record.get("image", ()))
    images = (images,) if isinstance(images, str) else tuple(map(str, images))
    label = record.get("label")
    system = [str(record["system"])] if record.get("system") else []
    return Sample(
        where=where,
        id=str(record.get("id", name)),
        images=images,
        question=_question("\n".join(by_role["user"]), len(images), where),
        completion=by_role["assistant"][0],
        system="\n".join([*system, *by_role["system"]]),
        label=None if label is None else str(label),
    )


def _question(text: str, pictures: int, where: str) -> str:
    """The text of a user; without place holders where they come first, or where there is one."""
    places = text.count(_PLACE)
    if places not in (0, pictures):
        raise RlfgError(f"{where}: {places} {_PLACE} in its question, and {pictures} pictures")
    first = text.replace(_PLACE, "").strip()
    return first if places < 2 or text.split(_PLACE)[-1].strip() == first else text.strip()


def _to_messages(sample: Sample, images: list[str]) -> dict[str, Any]:
    system = [{"role": "system", "content": sample.system}] if sample.system else []
    before = "" if _PLACE in sample.question else _PLACE * len(images)
    user = {"role": "user", "content": before + sample.question}
    said = [*system, user, {"role": "assistant", "content": sample.completion}]
    return {"id": sample.id, "messages": said, "images": images, **_label(sample)}


def _to_trl(sample: Sample, images: list[str]) -> dict[str, Any]:
    system = [{"role": "system", "content": sample.system}] if sample.system else []
    before = "" if _PLACE in sample.question else _PLACE * len(images)
    user = {"role": "user", "content": list(_parts(before + sample.question))}
    completion = [{"role": "assistant", "content": [{"type": "text", "text": sample.completion}]}]
    return {"id": sample.id, "prompt": [*system, user], "completion": completion, "images": images, **_label(sample)}


def _parts(text: str) -> Iterator[dict[str, str]]:
    """Texts, and a picture for each place holder between them."""
    for i, part in enumerate(text.split(_PLACE)):
        if i:
            yield {"type": "image"}
        if part:
            yield {"type": "text", "text": part}


def _to_manifest(sample: Sample, images: list[str]) -> dict[str, Any]:
    if len(images) != 1 or sample.answer is None:
        raise RlfgError(f"{sample.where}: a line of a manifest has one picture and one answer; write another form")
    asked = {"question": sample.question} if sample.question else {}
    rationale, label = sample.rationale, sample.label or sample.answer
    return {"id": sample.id, "image": images[0], "label": label, **asked, "rationale": rationale}


def _label(sample: Sample) -> dict[str, str]:
    return {} if sample.label is None else {"label": sample.label}


_MARKS = {
    "sharegpt": ("messages",),
    "sharegpt (conversations)": ("conversations",),
    "trl": ("prompt", "completion"),
    "manifest": ("image", "label", "rationale"),
}
_READERS: dict[str, Callable[[Mapping[str, Any], str, str], Sample]] = {
    "sharegpt": _from_messages,
    "sharegpt (conversations)": _from_messages,
    "trl": _from_trl,
    "manifest": _from_manifest,
}
_WRITERS: dict[str, Callable[[Sample, list[str]], dict[str, Any]]] = {
    "sharegpt": _to_messages,
    "trl": _to_trl,
    "manifest": _to_manifest,
}
FORMATS = tuple(_WRITERS)

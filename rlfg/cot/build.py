"""Builds chain-of-thought data: asks a teacher about a few pictures a class until its lesson passes every filter.

Every attempt is a line of a journal before the next is made. A run that is killed loses the requests in flight and no
more; the same command goes on, asks nothing twice, and tries again what failed at the endpoint.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eval.predictions import drop_torn_line
from rewards.setup import Verification, VerifierSpec, build_verifier
from rlfg.chat import ChatClient, ChatFailure, Endpoint
from rlfg.cot.check import FILTERS, Checked, Limits, check
from rlfg.cot.formats import Sample, write_lessons
from rlfg.cot.journal import JOURNAL, REPORT, SAMPLES, SETTINGS, Attempt, Attempts, read_journal, report_of
from rlfg.cot.teacher import PROMPT, completion_of, read_reply, request
from rlfg.data import DataSpec, Examples, load_examples, load_prompt
from rlfg.data.classes import classes_of
from rlfg.data.images import ImageError, png_url
from rlfg.errors import RlfgError
from rlfg.one_writer import only_writer
from rlfg.randomness import draw
from rlfg.taxonomy import Taxonomy

Judge = Callable[[int, int, str], Checked]
"""An example's place, the number of an attempt and its text → what the filters say of it."""


@dataclass(frozen=True, kw_only=True)
class BuildSpec:
    """What is asked of whom."""

    data: DataSpec
    verifier: VerifierSpec
    """The one of the reward."""
    teacher: Endpoint
    per_class: int = 1
    """Pictures of each class, drawn by the seed (1 in Fine-R1)."""
    attempts: int = 8
    """Lessons asked for a picture before it is given up."""
    attributes: str | None = None
    """Key of a line's `meta` with what is known of the picture or its class; the teacher is told."""
    domain: str = "things"
    """What the pictures are of, in the plural."""
    question: str = "think"
    """The student's prompt, which a lesson must not copy."""
    temperature: float = 0.7
    max_tokens: int = 2048
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    price: tuple[float, float] | None = None
    """Of a million tokens of prompts and of lessons, in any currency; None where tokens cost nothing."""

    def __post_init__(self) -> None:
        if self.per_class < 1 or self.attempts < 1:
            raise RlfgError("cot build: per_class and attempts are at least 1")
        if self.price is not None and min(self.price) < 0:
            raise RlfgError("cot build: prices are not negative")

    @property
    def settings(self) -> dict[str, Any]:
        """What attempts depend on; where, how patiently and at what price the teacher is asked is no part of it."""
        found = asdict(self) | {"teacher": self.teacher.model, "prompt": hashlib.sha256(PROMPT.encode()).hexdigest()}
        found["data"] = self.data.path
        del found["per_class"], found["attempts"], found["price"]
        settings: dict[str, Any] = json.loads(json.dumps(found))
        return settings


def build(
    spec: BuildSpec, out: Path, *, on_attempt: Callable[[Attempt], None] = lambda attempt: None
) -> dict[str, Any]:
    """Asks for what the folder lacks, and writes the accepted samples and a report.

    Args:
        spec: of the data.
        out: folder of the journal, `samples.jsonl` (a manifest) and `report.json`.
        on_attempt: told of each attempt that is made now.

    Returns:
        The report. Pictures accepted, given up and failed add up to those chosen.

    Raises:
        RlfgError: The folder was begun with other settings, or another run is at it; a label is no class.
    """
    verification = build_verifier(spec.verifier)
    examples = load_examples(spec.data)
    chosen = choose(examples, spec, verification.taxonomy)
    out.mkdir(parents=True, exist_ok=True)
    with only_writer(out / JOURNAL):
        return _complete(spec, out, examples, chosen, verification, on_attempt)


def _complete(
    spec: BuildSpec,
    out: Path,
    examples: Examples,
    chosen: list[int],
    verification: Verification,
    on_attempt: Callable[[Attempt], None],
) -> dict[str, Any]:
    """Goes on with the folder's journal, and writes what all of it came to."""
    _same_settings(out / SETTINGS, spec.settings)
    journal = out / JOURNAL
    if journal.is_file():
        drop_torn_line(journal)
    before = read_journal(journal)
    _same_labels(journal, before, examples)
    with journal.open("a", encoding="utf-8") as file:

        def keep(attempt: Attempt) -> None:
            file.write(json.dumps(asdict(attempt), ensure_ascii=False) + "\n")
            file.flush()
            before[attempt.id].append(attempt)
            on_attempt(attempt)

        asyncio.run(_ask_all(spec, examples, chosen, before, _judge(spec, examples, verification), keep))
    accepted = {a.id: str(a.completion) for made in before.values() for a in made if a.outcome == "accepted"}
    write_lessons(out / SAMPLES, examples, {i: accepted[examples[i].id] for i in chosen if examples[i].id in accepted})
    names, _ = classes_of(examples, verification.taxonomy)
    report = report_of(
        {examples[i].id: names[i] for i in chosen},
        before,
        teacher=spec.teacher.model,
        attempts=spec.attempts,
        price=spec.price,
    )
    (out / REPORT).write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return report


def _judge(spec: BuildSpec, examples: Examples, verification: Verification) -> Judge:
    """What the filters say of a lesson about an example."""
    question = load_prompt(spec.question).text

    def judge(i: int, number: int, completion: str) -> Checked:
        example = examples[i]
        sample = Sample(
            where=f"{example.id} attempt {number}",
            id=example.id,
            images=(example.image,),
            question=example.question or question,
            completion=completion,
            label=example.label,
        )
        report = check(
            [sample],
            verifier=verification.verifier,
            taxonomy=verification.taxonomy,
            limits=spec.limits,
            profile=spec.verifier.profile,
        )
        return report.checked[0]

    return judge


def choose(examples: Examples, spec: BuildSpec, taxonomy: Taxonomy | None) -> list[int]:
    """The pictures that are asked about, `per_class` of each class; fewer where a class has no more."""
    names, _ = classes_of(examples, taxonomy)
    members: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        members[name].append(i)
    drawn = (sorted(found, key=lambda i: draw(spec.seed, "cot", examples[i].id)) for found in members.values())
    return sorted(i for found in drawn for i in found[: spec.per_class])


async def _ask_all(
    spec: BuildSpec,
    examples: Examples,
    chosen: list[int],
    before: dict[str, list[Attempt]],
    judge: Judge,
    keep: Callable[[Attempt], None],
) -> None:
    gate, one_judge = asyncio.Semaphore(spec.teacher.max_concurrency), asyncio.Lock()
    async with ChatClient(spec.teacher) as client:

        async def one(i: int) -> None:
            example = examples[i]
            made = [a for a in before[example.id] if a.outcome != "failed"]
            if any(a.outcome == "accepted" for a in made):
                return
            for number in range(len(made), spec.attempts):
                async with gate:
                    attempt = await _attempt(spec, client, examples, i, number, judge, one_judge)
                keep(attempt)
                if attempt.outcome != "rejected":
                    return

        await asyncio.gather(*map(one, chosen))


async def _attempt(
    spec: BuildSpec,
    client: ChatClient,
    examples: Examples,
    i: int,
    number: int,
    judge: Judge,
    one_judge: asyncio.Lock,
) -> Attempt:
    example, began = examples[i], time.perf_counter()
    try:
        url = await asyncio.to_thread(lambda: png_url(examples.open_image(i)))
    except ImageError as error:
        return _failed(example.id, number, "picture", str(error), began)
    known = example.meta.get(spec.attributes) if spec.attributes else None
    body = {
        **request(url, example.label, known, domain=spec.domain, most=spec.limits.max_candidates),
        "temperature": spec.temperature,
        "max_tokens": spec.max_tokens,
        "seed": int(draw(spec.seed, "lesson", example.id, str(number)) * (1 << 31)),
    }
    try:
        reply = await client.reply(body, read_reply)
    except ChatFailure as failure:
        return _failed(example.id, number, "endpoint", failure.reason, began)
    try:
        completion = completion_of(reply)
        async with one_judge:  # a judge may have an event loop of its own
            checked = await asyncio.to_thread(judge, i, number, completion)
        reasons, unchecked = checked.reasons, checked.unchecked
        undecided = not reasons and "label" in unchecked
        if undecided:
            reasons = {"label": "no verdict, and what nobody vouches for is not taught"}
    except ValueError as error:
        completion, reasons, undecided = reply.content, {"format": str(error)}, False
        unchecked = tuple(name for name in FILTERS if name not in ("record", "format"))
    return Attempt(
        id=example.id,
        attempt=number,
        outcome="failed" if undecided else "rejected" if reasons else "accepted",
        reasons=reasons,
        completion=completion,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        seconds=round(time.perf_counter() - began, 3),
        unchecked=unchecked,
        label=example.label,
    )


def _failed(id_: str, number: int, what: str, why: str, began: float) -> Attempt:
    seconds = round(time.perf_counter() - began, 3)
    return Attempt(id=id_, attempt=number, outcome="failed", reasons={what: why}, completion=None, seconds=seconds)


def _same_labels(journal: Path, before: Attempts, examples: Examples) -> None:
    """Refuses to go on with lessons about labels that were changed since: they would be taught with the new ones."""
    labels = {example.id: example.label for example in examples}
    told = {a.id: a.label for made in before.values() for a in made if a.label is not None}
    other = [id_ for id_, label in told.items() if id_ in labels and label != labels[id_]]
    if other:
        raise RlfgError(
            f"{journal}: {other[0]!r} was {told[other[0]]!r} when the teacher was asked and is {labels[other[0]]!r} "
            f"now, and so are {len(other) - 1} more; remove their lines, or use a new folder"
        )


def _same_settings(path: Path, settings: dict[str, Any]) -> None:
    if not path.is_file():
        path.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        return
    begun = json.loads(path.read_text(encoding="utf-8"))
    other = [name for name in settings if settings[name] != begun.get(name)]
    if other:
        raise RlfgError(f"{path.parent} was begun with another {', '.join(other)}; use those settings, or a new folder")

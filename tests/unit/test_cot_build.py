"""`rlfg cot build` with a real HTTP teacher that leaks, errs, changes language, fails and is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("aiohttp")

from http_teacher import ANALYSIS, COMPARISON, HttpTeacher, lesson
from PIL import Image

from rewards.judge.spec import JudgeSpec
from rewards.setup import VerifierSpec
from rlfg.chat import Endpoint, Retry
from rlfg.cot import read_samples
from rlfg.cot.build import BuildSpec, build
from rlfg.cot.journal import Attempt, report_of
from rlfg.data import DataSpec, load_examples
from rlfg.errors import RlfgError
from rlfg.one_writer import only_writer

BASE = Path(__file__).parents[2] / "recipes" / "assets" / "world-base"

PAIRS = (
    ("Herring Gull", "California Gull"), ("Indigo Bunting", "Painted Bunting"), ("Blue Jay", "Florida Jay"),
    ("Barn Swallow", "Cliff Swallow"), ("House Wren", "Winter Wren"), ("American Crow", "Fish Crow"),
)  # fmt: skip
OTHERS = {name: other for a, b in PAIRS for name, other in ((a, b), (b, a))} | {"Cardinal": "Indigo Bunting"}
FIRST: dict[str, tuple[str, Any]] = {
    "Herring Gull": ("leakage", {"comparison": COMPARISON + " This agrees with the label that was provided."}),
    "California Gull": ("label", {"prediction": "Herring Gull"}),
    "Indigo Bunting": ("language", {"comparison": COMPARISON + " Эта птица синяя."}),
    "Painted Bunting": ("candidates", {"candidates": ["Painted Bunting"]}),
    "Blue Jay": ("taxonomy", {"candidates": ["Blue Jay", "Azure-tailed Snorkler"]}),
    "Florida Jay": ("near", {"candidates": ["Florida Jay", "Ruby-throated Hummingbird"]}),
    "Barn Swallow": ("length", {"visual_analysis": "It is blue.", "comparison": "It is the first of the two."}),
    "Cliff Swallow": ("format", "Here is the lesson you asked for."),
    "House Wren": ("format", "cut {"),
    "Winter Wren": ("prediction", {"candidates": ["House Wren", "Marsh Wren"]}),
}
"""The reason why a teacher's first lesson is rejected."""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of each bird."""
    folder = tmp_path_factory.mktemp("birds")
    lines = []
    for k, name in enumerate(OTHERS):
        for n in range(2):
            noise = np.random.default_rng(10 * k + n).integers(0, 256, (5, 5, 3), dtype=np.uint8)
            Image.fromarray(noise).resize((40, 40)).save(folder / f"{k}-{n}.png")
            meta = {"seen": {"bill": "yellow", "legs": "pink"}}
            lines.append({"id": f"{k}-{n}", "image": f"{k}-{n}.png", "label": name, "meta": meta})
    (folder / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "data.jsonl"


def spec(manifest: Path, teacher: HttpTeacher, timeout_s: float = 60.0, **changes: Any) -> BuildSpec:
    endpoint = Endpoint(
        model="teacher", base_url=teacher.url, timeout_s=timeout_s, retry=Retry(attempts=2, first_wait_s=0.01)
    )
    settings: dict[str, Any] = {"attempts": 3, "attributes": "seen", "domain": "birds", **changes}
    verifier = VerifierSpec(taxonomy="builtin:cub200")
    return BuildSpec(data=DataSpec(path=str(manifest)), verifier=verifier, teacher=endpoint, **settings)


def journal(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "attempts.jsonl").read_text().splitlines()]


def whole_lines(out: Path) -> int:
    return (out / "attempts.jsonl").read_text().count("\n")


def test_every_bad_lesson_is_rejected_for_its_reason_and_the_next_is_taken(manifest: Path, tmp_path: Path) -> None:
    def script(label: str, times: int) -> Any:
        if label == "American Crow":
            return lesson(label, OTHERS[label], prediction="Fish Crow")  # never learns
        if label == "Fish Crow" and times == 0:
            return "silence"  # asked again
        if times or label not in FIRST:
            return lesson(label, OTHERS[label])
        bad = FIRST[label][1]
        return bad if isinstance(bad, str) else lesson(label, OTHERS[label], **bad)

    with HttpTeacher(script) as teacher:
        report = build(spec(manifest, teacher, timeout_s=5.0), tmp_path)
        labels = {e.id: e.label for e in load_examples(DataSpec(path=str(manifest)))}
        rejected = {labels[a["id"]]: [*a["reasons"]] for a in journal(tmp_path) if a["outcome"] == "rejected"}
        assert rejected.pop("American Crow") == ["label"]
        assert rejected == {label: [name] for label, (name, _) in FIRST.items()}
        assert (report["pictures"], report["accepted"], report["given up"], report["failed"]) == (13, 12, 1, 0)
        assert report["attempts"] == {"accepted": 12, "rejected": 13} and report["completion tokens"] == 250
        filters = report["filters"]
        assert sum(found["rejected"] for found in filters.values()) == 13 and filters["label"]["rejected"] == 4
        assert all(sum(found.values()) == 25 for found in filters.values()), "every lesson, by every filter"
        assert filters["format"] == {"passed": 23, "rejected": 2, "unchecked": 0} and filters["near"]["unchecked"] == 4
        assert report["classes"]["Larus argentatus"] == {"pictures": 1, "accepted": 1, "lessons": 2}
        assert report["classes"]["Corvus brachyrhynchos"] == {"pictures": 1, "accepted": 0, "lessons": 3}
        assert "cost" not in report
        samples = read_samples(tmp_path / "samples.jsonl")
        assert {s.label for s in samples} == set(OTHERS) - {"American Crow"}
        trained = load_examples(DataSpec(path=str(tmp_path / "samples.jsonl")))
        assert all(Path(e.image).is_file() and ANALYSIS.split(".")[0] in str(e.rationale) for e in trained)
        assert all(e.meta == {"seen": {"bill": "yellow", "legs": "pink"}} for e in trained), "nothing is lost"
        assert all("bill: yellow; legs: pink" in text and "recognise birds" in text for text in teacher.texts)
        asked = teacher.asked.copy()
        assert build(spec(manifest, teacher), tmp_path) == report and teacher.asked == asked, "nothing is asked twice"
        paid = build(spec(manifest, teacher, price=(2.0, 10.0)), tmp_path)
        assert teacher.asked == asked and paid["cost"] == 0.0075, "2,500 tokens in at 2, 250 out at 10 a million"
        assert paid["cost of an accepted sample"] == 0.000625
        more = build(spec(manifest, teacher, per_class=2), tmp_path)
        assert (more["pictures"], more["accepted"]) == (26, 24)
        with pytest.raises(RlfgError, match="begun with another temperature, seed"):
            build(spec(manifest, teacher, seed=1, temperature=0.1), tmp_path)


def test_lessons_are_not_taught_under_a_label_that_was_changed_since(manifest: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in manifest.read_text().splitlines()[:4]]
    data = tmp_path / "data.jsonl"

    def write() -> None:
        data.write_text("".join(json.dumps(line) + "\n" for line in lines))

    for line in lines:
        line["image"] = str(manifest.parent / line["image"])
    write()
    with HttpTeacher(lambda label, _: lesson(label, OTHERS[label])) as teacher:
        assert build(spec(data, teacher, per_class=2), tmp_path / "cot")["accepted"] == 4
        lines[1]["label"] = "Cardinal"
        write()
        with pytest.raises(RlfgError, match="'0-1' was 'Herring Gull' when .* is 'Cardinal' now, and so are 0 more"):
            build(spec(data, teacher, per_class=2), tmp_path / "cot")


def test_a_report_is_the_same_in_whatever_order_its_attempts_came() -> None:
    took = {"a": 0.127, "b": 0.086, "c": 0.012, "d": 0.825}  # 1.05 in all, and as floats a hair more or less
    assert round(sum(took.values()), 1) != round(sum(reversed(took.values())), 1)
    lines = {
        id_: [Attempt(id=id_, attempt=0, outcome="rejected", reasons={"label": "no"}, completion="", seconds=seconds)]
        for id_, seconds in took.items()
    }
    chosen = dict.fromkeys(took, "Cardinal")
    one, other = (
        report_of(chosen, {id_: lines[id_] for id_ in order}, teacher="t", attempts=1, price=None)
        for order in (took, reversed(took))
    )
    assert one == other and one["given up"] == 4


FAILURES: dict[str, tuple[Any, str]] = {
    "Herring Gull": ("500", "2 attempts: HTTP 500"),
    "California Gull": ("400", "HTTP 400"),
    "Blue Jay": ("silence", "2 attempts: no reply within 5 s"),
    "Barn Swallow": ("no chat", "2 attempts: unusable reply: not a chat completion"),
    "House Wren": ("hang up", "2 attempts: Server"),
}
"""What an endpoint does, and how the journal says so."""


def test_what_failed_at_the_endpoint_is_asked_again(manifest: Path, tmp_path: Path) -> None:
    down = True

    def script(label: str, _: int) -> Any:
        return FAILURES[label][0] if down and label in FAILURES else lesson(label, OTHERS[label])

    with HttpTeacher(script) as teacher:
        report = build(spec(manifest, teacher, timeout_s=5.0), tmp_path)
        assert (report["accepted"], report["given up"], report["failed"]) == (8, 0, 5)
        labels = {e.id: e.label for e in load_examples(DataSpec(path=str(manifest)))}
        said = {labels[a["id"]]: a["reasons"]["endpoint"] for a in journal(tmp_path) if a["outcome"] == "failed"}
        assert {label: why.startswith(FAILURES[label][1]) for label, why in said.items()} == dict.fromkeys(
            FAILURES, True
        )
        down = False
        again = build(spec(manifest, teacher), tmp_path)
        assert (again["accepted"], again["failed"], again["attempts"]["failed"]) == (13, 0, 5)


def test_half_a_character_is_a_bad_lesson_and_stops_nobody(manifest: Path, tmp_path: Path) -> None:
    """JSON can write half of a surrogate pair, in a lesson or around it; no file can."""
    half = json.loads('"\\ud83d"')

    def script(label: str, times: int) -> Any:
        if times == 0 and label == "Blue Jay":
            return lesson(label, OTHERS[label], comparison=COMPARISON + half)
        return f"{half}?" if times == 0 and label == "Cardinal" else lesson(label, OTHERS[label])

    with HttpTeacher(script) as teacher:
        report = build(spec(manifest, teacher), tmp_path)
    assert (report["accepted"], report["attempts"]) == (13, {"accepted": 13, "rejected": 2})
    rejected = sorted(a["reasons"]["format"] for a in journal(tmp_path) if a["outcome"] == "rejected")
    assert "half a character" in rejected[0] and "not JSON" in rejected[1]


def test_one_build_at_a_time_writes_a_folder(manifest: Path, tmp_path: Path) -> None:
    with HttpTeacher(lambda label, _: lesson(label, OTHERS[label])) as teacher:
        with only_writer(tmp_path / "attempts.jsonl"), pytest.raises(RlfgError, match="another run is writing it"):
            build(spec(manifest, teacher), tmp_path)
        assert not teacher.asked
        assert build(spec(manifest, teacher), tmp_path)["accepted"] == 13


def test_a_damaged_picture_costs_no_other(manifest: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) | {"image": str(manifest.parent / f"{n // 2}-{n % 2}.png")} for n, line in enumerate(
        manifest.read_text().splitlines()
    )]  # fmt: skip
    lines[0]["image"] = lines[1]["image"] = str(tmp_path / "bad.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with HttpTeacher(lambda label, _: lesson(label, OTHERS[label])) as teacher:
        report = build(spec(tmp_path / "data.jsonl", teacher), tmp_path / "cot")
    assert (report["accepted"], report["failed"]) == (12, 1)
    [failed] = [a for a in journal(tmp_path / "cot") if a["outcome"] == "failed"]
    assert "bad.png" in failed["reasons"]["picture"]


def test_what_no_verifier_vouches_for_is_not_taught(manifest: Path, tmp_path: Path) -> None:
    """With a judge that is down there is no verdict, and a lesson without one is not accepted."""
    down = Endpoint(model="judge", base_url="http://127.0.0.1:9/v1", retry=Retry(attempts=1))
    judge = JudgeSpec(endpoint=down, cache=str(tmp_path / "verdicts.sqlite"))
    with HttpTeacher(lambda label, _: lesson(label, OTHERS[label])) as teacher:
        asked = spec(manifest, teacher, attempts=1)
        report = build(replace(asked, verifier=VerifierSpec(judge=judge)), tmp_path / "cot")
    assert (report["accepted"], report["given up"], report["failed"]) == (0, 0, 13), "to be tried again"
    assert all("no verdict" in a["reasons"]["label"] for a in journal(tmp_path / "cot"))


def command(manifest: Path, teacher: HttpTeacher, out: Path) -> list[str]:
    return [
        *(sys.executable, "-c", "from rlfg.cli import main; main()", "cot", "build", str(manifest), "--out", str(out)),
        *("--taxonomy", "builtin:cub200", "--teacher", "teacher", "--url", teacher.url),
        *("--concurrency", "3", "--per-class", "2", "--domain", "birds"),
    ]


def test_a_kill_loses_the_requests_in_flight_and_no_more(manifest: Path, tmp_path: Path) -> None:
    def script(label: str, _: int) -> Any:
        return lesson(label, OTHERS[label])

    with HttpTeacher(script, delay_s=0.15) as teacher:
        running = subprocess.Popen(command(manifest, teacher, tmp_path), stdout=subprocess.DEVNULL)
        while not (tmp_path / "attempts.jsonl").is_file() or whole_lines(tmp_path) < 7:
            assert running.poll() is None
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        kept = whole_lines(tmp_path)
        with (tmp_path / "attempts.jsonl").open("a") as file:
            file.write('{"id": "0-0", "att')  # as a kill in the middle of a line would leave it
        asked = sum(teacher.asked.values())
        assert asked - kept <= 3
        done = subprocess.run(command(manifest, teacher, tmp_path), capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        assert sum(teacher.asked.values()) <= 26 + 3
    made = Counter(a["id"] for a in journal(tmp_path))
    assert len(made) == 26 and set(made.values()) == {1}
    assert len(read_samples(tmp_path / "samples.jsonl")) == 26
    assert '"accepted": 26' in done.stdout


@pytest.mark.vllm
def test_a_stock_vllm_server_keeps_to_the_form_and_a_tiny_model_to_nothing_else(manifest: Path, tmp_path: Path) -> None:
    """Each of its lessons is rejected with a reason, and none is lost."""
    if find_spec("vllm") is None:
        pytest.skip("vLLM is not installed: make vllm")
    from rlfg.serving import ServerSpec, VllmServer

    server = ServerSpec(model=str(BASE), max_model_len=2048, dtype="float32")
    with VllmServer(server, log=tmp_path / "log", ready_within=300) as running:
        endpoint = Endpoint(model=str(BASE), base_url=running.url, timeout_s=120)
        asked = BuildSpec(
            data=DataSpec(path=str(manifest), limit=8), verifier=VerifierSpec(taxonomy="builtin:cub200"),
            teacher=endpoint, attempts=2, max_tokens=300, domain="birds",
        )  # fmt: skip
        report = build(asked, tmp_path / "cot")
    assert (report["pictures"], report["given up"], report["failed"]) == (4, 4, 0)
    assert report["attempts"] == {"rejected": 8} and report["completion tokens"] > 8
    assert all(a["reasons"] and a["completion"].lstrip().startswith("{") for a in journal(tmp_path / "cot"))

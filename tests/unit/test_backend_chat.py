"""A dataset asked of a real endpoint: what is sent, what fails and is asked again, what it costs."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from http_model import HttpModel
from launching import ROOT, environment, launch
from PIL import Image
from protocol_toys import SPECIES, chat, collection, config, stored

from eval.backends.chat import _read as read_reply
from eval.predictions import read_predictions
from eval.protocols import Usage
from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.one_writer import only_writer
from rlfg.training.evaluation import run_predict


def colours(url: str) -> tuple[int, int]:
    """What a scripted model sees: the colour of the corner, which says species and number."""
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")
    red, green, _ = picture.getpixel((63, 63))
    return round((red - 20) / 40), round((green - 20) / 30)


def right(text: str, urls: list[str], time: int) -> str:
    return f"<think>I see it.</think><answer>{SPECIES[colours(urls[0])[0]]}</answer>"


def test_every_picture_is_asked_about_and_its_cost_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = collection(tmp_path)
    with HttpModel(right) as model:
        prices = {"prices": {"prompt": 2.0, "completion": 10.0}}
        assert run_predict(config(manifest, backend=chat(model.url, **prices), protocol={})) == 0
    lines = read_predictions(tmp_path / "answers.jsonl")
    assert [line.id for line in lines] == [json.loads(x)["id"] for x in manifest.read_text().splitlines()]
    assert all(line.completions == (right("", [url_of(line.image)], 0),) for line in lines)
    assert all(line.extra["protocol"] == "open" and line.extra["prompt"] == "think" for line in lines)
    usage = lines[0].extra["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (100, 10) and usage["seconds"] > 0
    assert usage["cost"] == pytest.approx((2 * 100 + 10 * 10) / 1e6)
    body = model.bodies[0]
    assert (body["model"], body["temperature"], body["n"]) == ("toy", 0, 1)
    shown = capsys.readouterr()
    assert "10 answered, 0 failed" in shown.out and "10 of 10, 0 failed, 1,100 tokens, cost 0.0030" in shown.err


def url_of(path: str | None) -> str:
    return "data:image/png;base64," + base64.b64encode(Path(str(path)).read_bytes()).decode()


def test_what_failed_is_not_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A naive resume counts every line as done. Ours asks again about those that failed, and about no others."""
    manifest = collection(tmp_path)
    down = True

    def script(text: str, urls: list[str], time: int) -> str | int:
        return 500 if down and colours(urls[0])[0] == 3 else right(text, urls, time)

    with HttpModel(script) as model:
        asked = config(manifest, backend=chat(model.url), protocol={})
        assert run_predict(asked) == 1
        lines = read_predictions(tmp_path / "answers.jsonl")
        failed = [line for line in lines if line.error is not None]
        assert len(lines) == 10 and {line.truth for line in failed} == {"Raven"}
        assert "2 attempts: HTTP 500" in str(failed[0].error)
        assert "8 answered, 2 failed" in capsys.readouterr().out
        requests, down = len(model.bodies), False
        assert requests == 8 + 2 * 2
        assert run_predict(asked) == 0
        assert len(model.bodies) == requests + 2
    lines = read_predictions(tmp_path / "answers.jsonl")
    assert len(lines) == 10 and all(line.error is None for line in lines)
    assert "8 of 10 answered already, 2 to do" in capsys.readouterr().out


def test_pictures_that_cannot_be_read_fail_or_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = collection(tmp_path, each=1)
    (tmp_path / "Raven-0.png").write_bytes(b"no picture")
    with HttpModel(right) as model:
        assert run_predict(config(manifest, backend=chat(model.url), protocol={})) == 1
        data = {"path": str(manifest), "on_bad_image": "skip"}
        out = str(tmp_path / "skip.jsonl")
        assert run_predict(config(manifest, backend=chat(model.url), protocol={}, data=data, out=out)) == 0
    told = capsys.readouterr().out
    assert "4 answered, 1 failed" in told and "4 answered, 0 failed" in told and "data.jsonl:4" in told
    assert len(read_predictions(out)) == 4


def test_a_run_without_any_answer_ends(tmp_path: Path) -> None:
    """A wrong key fails for all pictures alike; nobody waits for 10,000 refusals."""
    manifest = collection(tmp_path, each=20)
    with HttpModel(lambda text, urls, time: 401) as model:
        backend = chat(model.url)
        backend["chat"]["endpoint"]["max_concurrency"] = 4
        with pytest.raises(RlfgError, match="the first 32 questions got no answer: HTTP 401"):
            run_predict(config(manifest, backend=backend, protocol={}))
        assert len(model.bodies) < 40
        model.script = right
        assert run_predict(config(manifest, backend=backend, protocol={})) == 0
    assert all(line.error is None for line in read_predictions(tmp_path / "answers.jsonl"))


def test_a_choice_without_text_is_an_empty_answer_and_no_failure(tmp_path: Path) -> None:
    """The model was asked and said nothing: that counts against it, and is not asked again."""
    manifest = collection(tmp_path, each=1)
    with HttpModel(lambda text, urls, time: None) as model:
        assert run_predict(config(manifest, backend=chat(model.url), protocol={})) == 0
    assert [line.completions for line in read_predictions(tmp_path / "answers.jsonl")] == [("",)] * 5


def test_a_reply_that_was_cut_within_an_emoji_is_kept(tmp_path: Path) -> None:
    """The endpoint sends half of a surrogate pair, which UTF-8 has no bytes for."""
    manifest = collection(tmp_path, each=1)
    with HttpModel(lambda text, urls, time: "Raven \ud83d") as model:
        assert run_predict(config(manifest, backend=chat(model.url), protocol={})) == 0
    assert {line.completions for line in read_predictions(tmp_path / "answers.jsonl")} == {("Raven \ufffd",)}


def test_attempts_that_failed_are_counted_where_they_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first question about each Raven fails once, one about a Magpie for good."""
    manifest = collection(tmp_path, each=2)

    def script(text: str, urls: list[str], time: int) -> str | int:
        species, number = colours(urls[0])
        refused = time == 0 if SPECIES[species] == "Raven" else (SPECIES[species], number) == ("Magpie", 1)
        return 503 if refused else right(text, urls, time)

    with HttpModel(script) as model:
        assert run_predict(config(manifest, backend=chat(model.url), protocol={})) == 1
    found = {
        line.id: line.extra["usage"].get("failed_attempts", 0) for line in read_predictions(tmp_path / "answers.jsonl")
    }
    assert {name: n for name, n in found.items() if n} == {"Raven-0": 1, "Raven-1": 1, "Magpie-1": 2}
    assert "10 of 10, 1 failed, 4 failed attempts" in capsys.readouterr().err


@pytest.mark.parametrize("most", [99, 2, 1])
def test_samples_come_in_as_many_requests_as_the_endpoint_makes_of_them(tmp_path: Path, most: int) -> None:
    manifest = collection(tmp_path, each=1)
    script = lambda text, urls, time: f"<answer>{time}</answer>"  # noqa: E731
    with HttpModel(script, most_choices=most) as model:
        sampling = {"temperature": 0.6, "top_p": 0.95}
        asked = config(
            manifest,
            backend=chat(model.url, extra={"n": 5 if most > 1 else None}),
            protocol={"open": {"samples": 5}},
            sampling=sampling,
        )
        assert run_predict(asked) == 0
    lines = read_predictions(tmp_path / "answers.jsonl")
    assert {line.completions for line in lines} == {tuple(f"<answer>{k}</answer>" for k in range(5))}
    assert len(model.bodies) == 5 * {99: 1, 2: 3, 1: 5}[most]
    assert len({body["seed"] for body in model.bodies}) == len(model.bodies)
    assert ("n" in model.bodies[0]) == (most > 1)


def test_pictures_can_be_made_smaller_and_fields_taken_away(tmp_path: Path) -> None:
    manifest = collection(tmp_path, each=1)
    with HttpModel(lambda text, urls, time: "x") as model:
        extra = {"max_tokens": None, "max_completion_tokens": 99, "seed": None}
        backend = chat(model.url, max_side=16, jpeg_quality=90, extra=extra)
        assert run_predict(config(manifest, backend=backend, protocol={})) == 0
    body = model.bodies[0]
    assert body["max_completion_tokens"] == 99 and not {"max_tokens", "seed"} & body.keys()
    url = body["messages"][0]["content"][0]["image_url"]["url"]
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    assert url.startswith("data:image/jpeg;") and picture.size == (16, 16)


def test_one_file_holds_answers_to_one_question_only(tmp_path: Path) -> None:
    manifest = collection(tmp_path, each=1)
    with HttpModel(right) as model:
        assert run_predict(config(manifest, backend=chat(model.url), protocol={})) == 0
        for change in (
            {"protocol": {"open": {"prompts": ["short"]}}},
            {"sampling": {"temperature": 1.0}},
            {"backend": chat(model.url, max_side=9), "protocol": {}},
        ):
            with pytest.raises(RlfgError, match="was begun with another"):
                run_predict(config(manifest, **{"backend": chat(model.url), "protocol": {}, **change}))
        patient = chat(model.url)
        patient["chat"]["endpoint"]["timeout_s"] = 9
        assert run_predict(config(manifest, backend=patient, protocol={})) == 0, "patience changes no answer"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Raven", "Raven"),
        (None, ""),
        ([{"type": "thinking", "thinking": "Magpie?"}, {"type": "text", "text": "Raven"}], "Raven"),
        ([{"type": "text", "text": "Ra"}, {"type": "text", "text": "ven"}], "Raven"),
        ([], ""),
    ],
)
def test_the_text_of_a_message_is_read_whole(content: Any, text: str) -> None:
    reply = {"choices": [{"message": {"content": content}}], "usage": None}
    assert read_reply(json.dumps(reply)) == ([text], Usage())


@pytest.mark.parametrize(
    "reply",
    ['{"error": {"message": "no such model"}}', '{"choices": []}', "<html>no such page", "[]",
     '{"choices": [{"message": {"content": 7}}]}', '{"choices": [{"message": {"content": [{"type": "text"}]}}]}'],
)  # fmt: skip
def test_a_reply_that_is_none_is_shown(reply: str) -> None:
    with pytest.raises(ValueError, match="chat completion") as error:
        read_reply(reply)
    assert reply[:20] in str(error.value)


def test_a_file_of_any_name_goes_on(tmp_path: Path) -> None:
    """A run that was killed left a part and its settings, which nothing writes again."""
    manifest = collection(tmp_path, each=1)
    out = tmp_path / "answers [1].jsonl"
    with HttpModel(right) as model:
        asked = config(manifest, backend=chat(model.url), protocol={}, out=str(out))
        assert run_predict(asked) == 0
        lines = out.read_text().splitlines(keepends=True)
        out.rename(f"{out}.part0")
        Path(f"{out}.part0").write_text("".join(lines[:3]) + lines[3][:20])
        settings = Path(f"{out}.settings.json")
        before = settings.stat()
        assert run_predict(asked) == 0 and len(model.bodies) == 5 + 2
        assert (settings.stat().st_ino, settings.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        settings.write_text('{"backend": {')
        with pytest.raises(RlfgError, match=r"settings\.json: not valid JSON"):
            run_predict(asked)
    assert [line.id for line in read_predictions(out)] == [json.loads(line)["id"] for line in lines]


def test_a_model_that_was_trained_again_is_another(tmp_path: Path) -> None:
    """Its folder has the same name, and its files the same sizes: the old answers must not pass for its own."""
    manifest = collection(tmp_path, each=1)
    answers = {f"{name.replace(' ', '-')}-0": ["<answer>Raven</answer>"] for name in SPECIES}
    asked = config(manifest, backend=stored(tmp_path, answers), protocol={})
    assert run_predict(asked) == run_predict(asked) == 0
    stored(tmp_path, answers | {"Magpie-0": ["<answer>Pica!</answer>"]})
    with pytest.raises(RlfgError, match="was begun with another backend"):
        run_predict(asked)
    model = {"path": "hub/id", "adapter": str(tmp_path)}
    for kind, section in (("transformers", model), ("vllm", {"model": model})):
        spec = config(manifest, backend={kind: section}, protocol={}).backend
        (tmp_path / "adapter_model.safetensors").write_bytes(bytes(3 << 20))
        before = spec.settings
        (tmp_path / "adapter_config.json").write_text("{}")
        assert spec.settings == before and before["is"][0] is None
        (tmp_path / "adapter_model.safetensors").write_bytes(bytes((3 << 20) - 1) + b"x")
        assert spec.settings != before


def test_a_prompt_that_changed_is_another(tmp_path: Path) -> None:
    manifest = collection(tmp_path, each=1)
    prompt = tmp_path / "mine.txt"
    prompt.write_text("What bird is it?")
    protocol = {"open": {"prompts": [str(prompt)]}}
    with HttpModel(right) as model:
        assert run_predict(config(manifest, backend=chat(model.url), protocol=protocol)) == 0
        prompt.write_text("Which bird is it?")
        with pytest.raises(RlfgError, match="was begun with another protocol"):
            run_predict(config(manifest, backend=chat(model.url), protocol=protocol))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("What is it?")
    for same in ([str(prompt), str(tmp_path / "other" / "mine.txt")], ["think", "think"]):
        with pytest.raises(RlfgError, match="two prompts have one name"):
            config(manifest, backend=chat(model.url), protocol={"open": {"prompts": same}})


def test_data_that_changed_are_not_what_was_asked(tmp_path: Path) -> None:
    """A label that is mended, or a class more to choose from: the old lines say another thing."""
    manifest = collection(tmp_path, each=1)
    before = manifest.read_text()
    with HttpModel(right) as model:
        plain = config(manifest, backend=chat(model.url), protocol={}, out=str(tmp_path / "open.jsonl"))
        choice = config(manifest, backend=chat(model.url), protocol={"choice": {"options": "all"}})
        assert run_predict(plain) == run_predict(choice) == 0
        manifest.write_text(before.replace('"label": "Raven"', '"label": "Magpie"'))
        with pytest.raises(
            RlfgError, match="since 'Raven-0' was answered, its truth changed with the data; use another file"
        ):
            run_predict(plain)
        with pytest.raises(RlfgError, match="since 'Herring-Gull-0' was answered, its options changed"):
            run_predict(choice)
        manifest.write_text(before.replace('"Raven"}', '"Raven", "site": "moor"}'))
        assert run_predict(plain) == 0, "what is told besides changes no answer"


@pytest.mark.parametrize(
    ("backend", "protocol", "says"),
    [
        ({}, {}, "backend: name one of transformers, vllm, chat, clip, answers; found none"),
        ({"answers": "a", "chat": {"endpoint": {"model": "m"}}}, {}, "found chat, answers"),
        ({"caht": {}}, {}, "unknown key backend.caht; did you mean chat?"),
        ({"answers": "a"}, {"choise": {}}, "unknown key protocol.choise; did you mean choice?"),
        ({"answers": "a"}, {"choice": {"optoins": 3}}, "unknown key protocol.choice.optoins; did you mean options?"),
        ({"answers": "a"}, {"choice": {}, "rank": {}}, "found choice and rank"),
        ({"answers": "a"}, {"choice": {"options": 27}}, "27 options have no letters; set answer: name"),
        ({"answers": "a"}, {"open": {"samples": 3}}, "needs sampling.temperature above 0"),
        ({"clip": {"templates": ["a bird"]}}, {}, "with {} once"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(
    tmp_path: Path, backend: dict[str, Any], protocol: dict[str, Any], says: str
) -> None:
    with pytest.raises(RlfgError) as error:
        config(tmp_path / "data.jsonl", backend=backend, protocol=protocol)
    assert says in str(error.value)


def test_rlfg_predict_asks_an_endpoint_without_torch(tmp_path: Path) -> None:
    """A laptop is enough; a run that is killed goes on where it stopped."""
    manifest = collection(tmp_path, each=4)
    turn, killed = count(), threading.Event()

    def script(text: str, urls: list[str], asked: int) -> str:
        """Three answers; whoever asks after them waits for the end of the first run."""
        if next(turn) >= 3:
            killed.wait()
        return right(text, urls, asked)

    with HttpModel(script) as model:
        path = tmp_path / "predict.yaml"
        path.write_text(f"""
backend: {{chat: {{endpoint: {{model: toy, base_url: "{model.url}", max_concurrency: 2}}}}}}
data: {{path: {manifest}}}
out: {tmp_path}/out/answers.jsonl
""")
        code = (
            "import sys; from rlfg.cli import main\n"
            f"try: main(['predict', '--config', {str(path)!r}])\n"
            "finally: assert not {'torch', 'transformers'} & set(sys.modules)"
        )
        command = [sys.executable, "-c", code]
        running = subprocess.Popen(command, env=environment(), cwd=ROOT, stdout=subprocess.DEVNULL)
        part = tmp_path / "out" / "answers.jsonl.part0"
        # Three lines are written, and both workers have asked again.
        while len(model.bodies) < 5 or not part.exists() or part.read_text().count("\n") < 3:
            assert running.poll() is None
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        killed.set()
        again = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert "3 of 20 answered already" in again.stdout
        assert len(model.bodies) == 5 + 17
    assert len(read_predictions(tmp_path / "out" / "answers.jsonl")) == 20


def test_a_place_that_takes_no_file_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    manifest = collection(tmp_path, each=1)
    (tmp_path / "file").touch()
    for out, says in ((tmp_path, "is a folder; `out` is a file"), (tmp_path / "file" / "x", "cannot be written")):
        with HttpModel(right) as model, pytest.raises(RlfgError, match=says):
            run_predict(config(manifest, backend=chat(model.url), protocol={}, out=str(out)))
        assert not model.bodies


def test_one_run_at_a_time_writes_a_file(tmp_path: Path) -> None:
    manifest, out = collection(tmp_path, each=1), tmp_path / "answers.jsonl"
    with HttpModel(right) as model:
        run = config(manifest, backend=chat(model.url), protocol={}, out=str(out))
        with only_writer(out), pytest.raises(RlfgError, match=r"answers\.jsonl: another run is writing it"):
            run_predict(run)
        assert not model.bodies
        assert run_predict(run) == 0
    assert not [path.name for path in tmp_path.iterdir() if "lock" in path.name]


def test_missing_keys_and_unknown_ids_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = collection(tmp_path, each=1)
    path = tmp_path / "predict.yaml"
    path.write_text(f"""
backend: {{chat: {{endpoint: {{model: toy, base_url: "http://127.0.0.1:1/v1", api_key_env: NO_SUCH_KEY_HERE}}}}}}
data: {{path: {manifest}}}
out: {tmp_path}/answers.jsonl
""")
    with pytest.raises(SystemExit) as ended:
        main(["predict", "--config", str(path)])
    assert ended.value.code == 2 and "NO_SUCH_KEY_HERE" in capsys.readouterr().err
    (tmp_path / "answers.jsonl").write_text('{"id": "other", "truth": "x", "answer": "y"}\n')
    with pytest.raises(SystemExit):
        main(["predict", "--config", str(path)])
    assert "answers to other items (other)" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_ask_as_one_and_nothing_twice(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    manifest = collection(tmp_path, each=3)
    path = tmp_path / "predict.yaml"
    found = []
    with HttpModel(right) as model:
        for launch_file, name in (("cpu.yaml", "one"), ("cpu2.yaml", "two")):
            path.write_text(f"""
backend: {{chat: {{endpoint: {{model: toy, base_url: "{model.url}"}}}}}}
data: {{path: {manifest}}}
taxonomy: {{path: {tmp_path}/tree.csv, root: bird}}
protocol: {{per_rank: {{ranks: [genus, species]}}}}
out: {tmp_path}/{name}.jsonl
use_cpu: true
""")
            before = len(model.bodies)
            done = launch("evaluate.py", launch_file, path)
            assert done.returncode == 0, done.stderr[-3000:]
            assert len(model.bodies) - before == 15 * 2
            assert ("15 to do on 2 processes" in done.stdout) == (name == "two")
            lines = read_predictions(tmp_path / f"{name}.jsonl")
            found.append([(line.id, line.completions, line.extra["ranks"]) for line in lines])
    assert found[0] == found[1] and len(found[0]) == 15

"""The client and `rlfg classify` against a real gateway over HTTP."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("prometheus_client")

from serving_toys import StubEngine, birds, listening, picture

from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.one_writer import only_writer
from rlfg.serving.classify_cli import find
from rlfg.serving.client import ApiRefusal, Client
from rlfg.serving.gateway import GatewaySpec
from rlfg.serving.gateway.app import build_app


class Gateway:
    """One in a thread of its own."""

    def __init__(self, **options: Any) -> None:
        self.engine, self.options, self.url = StubEngine(), options, ""
        self.loop, self.started = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._run()))
        self.thread.start()
        assert self.started.wait(120)

    async def _run(self) -> None:
        self.stop = asyncio.Event()
        async with listening(self.engine.app()) as engine:
            spec = GatewaySpec(engine_url=f"{engine}/v1", model="tuned", question="What is it?", **self.options)
            async with listening(build_app(spec, birds())) as self.url:
                self.started.set()
                await self.stop.wait()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    running = Gateway(api_key="secret")
    yield running
    running.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "deep/b.PNG", "deep/c.png"):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    return tmp_path / "pictures"


def test_the_client_asks_for_a_picture(gateway: Gateway, folder: Path) -> None:
    client = Client(url=gateway.url, api_key="secret")
    assert client.ready()
    found = client.classify(folder / "a.png")
    assert found["answer"] == "Herring Gull" and found["samples"]["asked"] == 10
    assert client.classify(picture(), samples=3, question="Which bird?")["samples"]["asked"] == 3
    assert gateway.engine.bodies[-1]["messages"][0]["content"][1]["text"] == "Which bird?"


def test_a_refusal_says_why(gateway: Gateway, tmp_path: Path) -> None:
    with pytest.raises(ApiRefusal, match="key") as refused:
        Client(url=gateway.url, api_key="wrong").classify(picture())
    assert refused.value.status == 401
    client = Client(url=gateway.url, api_key="secret")
    with pytest.raises(ApiRefusal, match="not a picture"):
        client.classify(b"hello")
    with pytest.raises(RlfgError, match="nothing.png: cannot be read"):
        client.classify(tmp_path / "nothing.png")
    with pytest.raises(RlfgError, match=r"http://127\.0\.0\.1:9: no answer \(ConnectionRefusedError"):
        Client(url="http://127.0.0.1:9", attempts=1).classify(picture())
    assert not Client(url="http://127.0.0.1:9").ready()
    with pytest.raises(RlfgError, match="no URL"):
        Client(url="http://127.0.0.1:port").classify(picture())


def test_the_address_of_something_else_is_noticed() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request).start()
        client = Client(url=f"http://127.0.0.1:{server.server_address[1]}")
        with pytest.raises(RlfgError, match="the answer is no JSON object; is it the address of `rlfg serve`"):
            client.classify(picture())


def test_a_busy_server_is_asked_again(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def back_in_time(seconds: float) -> None:
        waits.append(seconds)
        gateway.engine.status = 200

    monkeypatch.setattr("rlfg.serving.client.time.sleep", back_in_time)
    gateway.engine.status = 503
    assert Client(url=gateway.url, api_key="secret").classify(picture())["answer"] == "Herring Gull"
    assert waits == [5.0], "the server's Retry-After"


def classify(gateway: Gateway, *options: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["classify", *options, "--url", gateway.url, "--api-key-env", "RLFG_TEST_KEY"])
    return int(stopped.value.code or 0)


def test_a_folder_is_classified_and_gone_on_with(
    gateway: Gateway, folder: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLFG_TEST_KEY", "secret")
    out = tmp_path / "out" / "answers.jsonl"
    (folder / "deep" / "c.png").write_bytes(b"broken")
    assert classify(gateway, str(folder), "--out", str(out)) == 1
    assert "3 pictures: 2 named, 0 abstained, 1 failed" in capsys.readouterr().out
    # A killed run leaves half a line; what failed is mended.
    text = out.read_text().splitlines()
    kept = [line for line in text if "a.png" not in line]
    [torn] = [line for line in text if "a.png" in line]
    out.write_text("\n".join(kept) + "\n" + torn[:40])
    (folder / "deep" / "c.png").write_bytes(picture())
    before = len(gateway.engine.bodies)
    assert classify(gateway, str(folder), str(folder / "a.png"), "--out", str(out)) == 0
    assert len(gateway.engine.bodies) == before + 2, "only a.png and c.png"
    assert "3 pictures: 3 named, 0 abstained, 0 failed" in capsys.readouterr().out
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(Path(r["picture"]).name for r in records if not r.get("error")) == ["a.png", "b.PNG", "c.png"]


def test_names_and_answers_of_any_characters_are_gone_on_with(
    gateway: Gateway, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is no UTF-8; and line ends of Unicode, which end no line of JSON."""
    monkeypatch.setenv("RLFG_TEST_KEY", "secret")
    for name in (b"M\xf6we.png", "line\u2028end.png".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(picture())
    gateway.engine.texts = ["<think>one\u2028two\x85three</think><answer>Herring Gull</answer>"] * 10
    for out in (tmp_path / "answers.jsonl", tmp_path / "answers.csv"):
        before = len(gateway.engine.bodies)
        assert [classify(gateway, str(folder), "--out", str(out)) for _ in range(2)] == [0, 0]
        assert len(gateway.engine.bodies) == before + 5
    assert b"M\xf6we.png,Herring Gull" in (tmp_path / "answers.csv").read_bytes()
    records = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text("utf-8").split("\n") if line]
    assert {record["rationale"] for record in records} == {"one\u2028two\x85three"}


def test_folders_that_are_linked_to_are_looked_into(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.JPEG").write_bytes(b"")
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    (folder / "deep" / "round").symlink_to(folder)
    (folder / "a folder.png").mkdir()
    (folder / "gone.png").symlink_to(tmp_path / "nowhere")
    found = [str(Path(path).relative_to(folder)) for path in find([folder, folder / "a.png"])]
    assert found == ["a.png", "deep/b.PNG", "deep/c.png", "gone.png", "more/d.JPEG"]


def test_one_run_at_a_time_writes_a_file(
    gateway: Gateway, folder: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLFG_TEST_KEY", "secret")
    out = tmp_path / "answers.csv"
    with only_writer(tmp_path / "answers.csv.jsonl"):
        assert classify(gateway, str(folder), "--out", str(out)) == 2
    assert "answers.csv.jsonl: another run is writing it" in capsys.readouterr().err and not gateway.engine.bodies
    assert classify(gateway, str(folder), "--out", str(out)) == 0
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["answers.csv", "answers.csv.jsonl"]


def test_a_wrong_key_ends_the_run(
    gateway: Gateway, folder: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLFG_TEST_KEY", "wrong")
    assert classify(gateway, str(folder), "--out", str(tmp_path / "answers.jsonl")) == 2
    assert "the API key is wrong" in capsys.readouterr().err
    assert (tmp_path / "answers.jsonl").read_text() == ""


def test_a_place_that_takes_no_file_is_one_line(
    gateway: Gateway, folder: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLFG_TEST_KEY", "secret")
    (tmp_path / "answers.jsonl").mkdir()
    for out in (tmp_path / "answers.jsonl", folder / "a.png" / "answers.csv"):
        assert classify(gateway, str(folder), "--out", str(out)) == 2
        assert "cannot be written" in capsys.readouterr().err


def test_a_terminal_sees_how_far_it_is(
    gateway: Gateway, folder: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLFG_TEST_KEY", "secret")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert classify(gateway, str(folder), "--out", str(tmp_path / "answers.jsonl")) == 0
    first, *_, last = capsys.readouterr().err.strip("\r\n").split("\r")
    assert first == "[" + "█" * 10 + "·" * 20 + "] 1 of 3" and last == "[" + "█" * 30 + "] 3 of 3"


def test_a_csv_has_a_row_a_picture(
    gateway: Gateway, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLFG_TEST_KEY", "secret")
    (folder / "deep" / "c.png").write_bytes(b"broken")
    assert classify(gateway, str(folder), "--out", str(tmp_path / "answers.csv")) == 1
    with (tmp_path / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["picture"]).name for row in rows] == ["a.png", "b.PNG", "c.png"]
    assert (rows[0]["answer"], rows[0]["rank"], rows[0]["confidence"]) == ("Herring Gull", "species", "0.6")
    assert rows[0]["confidence_family"] == "0.8" and rows[0]["error"] == ""
    assert "not a picture" in rows[2]["error"] and rows[2]["answer"] == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("nowhere", "--out", "x.jsonl"), "nowhere: no such file or folder"),
        (("{folder}", "--out", "x.txt"), "ends with .jsonl or .csv"),
        (("{folder}", "--out", "{other}"), "answers.jsonl:1: not an answer of `rlfg classify`"),
        (("{empty}", "--out", "x.jsonl"), "no pictures in it"),
    ],
)
def test_bad_input_is_named(
    gateway: Gateway, folder: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...], said: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("RLFG_TEST_KEY", "secret")
    other, empty = tmp_path / "answers.jsonl", tmp_path / "empty"
    other.write_text('{"id": 1}\n')
    empty.mkdir()
    places = {"{folder}": str(folder), "{other}": str(other), "{empty}": str(empty)}
    assert classify(gateway, *(places.get(option, option) for option in options)) == 2
    assert said in capsys.readouterr().err

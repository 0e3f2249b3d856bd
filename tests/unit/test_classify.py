"""The client and `rlfg classify` against a real gateway over HTTP."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("prometheus_client")

from serving_toys import StubEngine, birds, listening, picture

from rlfg.cli import main
from rlfg.errors import RlfgError
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
        assert self.started.wait(20)

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

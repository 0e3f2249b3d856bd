"""The page to look through samples: what is on it, and what a reader can do with it in a real browser."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")

from browser import CHROMIUM, artefacts, tab, texts
from http_teacher import ANALYSIS, COMPARISON
from PIL import Image

from rlfg.cli import main
from rlfg.cot.page import build_page
from rlfg.cot.shown import Lesson, Shown, of_build, spread

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
BIRDS = ("Herring Gull", "California Gull", "Western Gull", "Blue Jay")


def completion(label: str, other: str, comparison: str = COMPARISON) -> str:
    return (
        f"<think>Visual analysis: {ANALYSIS}\n\nCandidates:\n- {label}\n- {other}\n\nComparison: {comparison}\n\n"
        f"Prediction: {label}</think><answer>{label}</answer>"
    )


LEAKING = COMPARISON + " This matches the provided description, <b>as it should</b>."
JOURNAL: tuple[tuple[str, str, dict[str, str], str | None], ...] = (
    ("0", "rejected", {"leakage": "speaks of what a student is not shown"}, completion(BIRDS[0], BIRDS[1], LEAKING)),
    ("0", "rejected", {"format": "not JSON"}, "Here is the lesson & more."),
    ("0", "accepted", {}, completion(BIRDS[0], BIRDS[1])),
    ("1", "accepted", {}, completion(BIRDS[1], BIRDS[0])),
    ("2", "rejected", {"label": "WRONG", "near": "far"}, completion(BIRDS[3], BIRDS[1])),
    ("3", "failed", {"endpoint": "HTTP 500"}, None),
)


@pytest.fixture
def cot(tmp_path: Path) -> Path:
    """A build's folder, and its pictures; that of the last one is missing."""
    for n in range(3):
        Image.new("RGB", (64, 48), (60 * n, 120, 90)).save(tmp_path / f"{n}.png")
    lines = [{"id": str(n), "image": f"{n}.png", "label": name} for n, name in enumerate(BIRDS)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    folder = tmp_path / "cot"
    folder.mkdir()
    (folder / "build.json").write_text(json.dumps({"data": str(tmp_path / "data.jsonl")}))
    attempts = [
        {"id": i, "attempt": n, "outcome": outcome, "reasons": reasons, "completion": said, "completion_tokens": 100}
        for n, (i, outcome, reasons, said) in enumerate(JOURNAL)
    ]
    under_way = '{"id": "1", "att'
    (folder / "attempts.jsonl").write_text("".join(json.dumps(a) + "\n" for a in attempts) + under_way)
    return folder


def page_of(*arguments: Any) -> str:
    out = Path(arguments[0]).parent / "page.html"
    with pytest.raises(SystemExit) as left:
        main(["cot", "page", *map(str, arguments), "--out", str(out)])
    assert left.value.code == 0
    return out.read_text(encoding="utf-8")


def test_every_attempt_is_on_the_page_and_nothing_is_fetched(cot: Path) -> None:
    shown = of_build(cot)
    assert [(one.id, one.outcome, len(one.lessons)) for one in shown] == [
        ("0", "accepted", 3), ("1", "accepted", 1), ("2", "rejected", 1), ("3", "failed", 1)
    ]  # fmt: skip
    page = page_of(cot)
    assert page.count('<article class="sample"') == 4 and page.count('<section class="try') == 2
    assert page.count("data:image/jpeg;base64,") == 3 and "no such picture file" in page
    assert "<mark>the provided description</mark>, &lt;b&gt;as it should&lt;/b&gt;" in page, "marked, and escaped"
    assert "Here is the lesson &amp; more." in page
    assert re.findall(r"(?:src|href)=\"(?!data:)", page) == [] and "http" not in re.sub(r"HTTP 500", "", page)
    assert (cot / "attempts.jsonl").read_text().endswith('"att'), "a build that is under way is left alone"


def test_files_of_check_are_shown_as_they_are_and_others_are_checked(tmp_path: Path) -> None:
    bad = {"image": "p.png", "label": BIRDS[0], "rationale": f"Analysis: {LEAKING}"}
    path, lost = tmp_path / "made.jsonl", tmp_path / "lost.jsonl"
    path.write_text(json.dumps(bad) + "\n" + '{"a": 1}\n')
    with pytest.raises(SystemExit):
        main(["cot", "check", str(path), "--rejected", str(lost)])
    for file in (path, lost):
        page = page_of(file)
        assert page.count('data-outcome="rejected"') == 2 and "<mark>the provided description</mark>" in page
        assert 'data-filters="record"' in page and "no chain-of-thought sample" in page
    with pytest.raises(SystemExit) as left:
        main(["cot", "page", str(tmp_path), "--out", str(tmp_path / "x.html")])
    assert left.value.code == 2, "no folder of a build"


def test_of_many_every_outcome_has_its_share() -> None:
    def one(n: int) -> Shown:
        lesson = Lesson(outcome="rejected" if n % 10 < 3 else "accepted", reasons={}, completion="")
        return Shown(id=str(n), label="a", image=None, lessons=(lesson,))

    everyone = [one(n) for n in range(10_000)]
    found = spread(everyone, 100)
    assert len({s.id for s in found}) == 100 and sum(s.outcome == "rejected" for s in found) == 30
    assert [int(s.id) for s in found] == sorted(int(s.id) for s in found) and int(found[-1].id) > 9_800
    page = build_page(everyone, title="Many", most=100)
    assert "100 of 10,000" in page and page.count("<article") == 100 and ">7,000<" in page


@needs_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_reader_filters_searches_and_walks_by_keys(cot: Path, tmp_path: Path, dark: bool) -> None:
    page_of(cot)

    async def run() -> None:
        async with tab((tmp_path / "page.html").as_uri(), tmp_path / "profile", dark=dark) as browser:

            async def ids() -> list[str]:
                return list(await texts(browser, ".sample:not([hidden]) .what .id:not(.id + .id)"))

            async def key(key: str) -> None:
                for kind in ("keyDown", "keyUp"):
                    text = {"text": key} if kind == "keyDown" and len(key) == 1 else {}
                    await browser.call("Input.dispatchKeyEvent", type=kind, key=key, **text)

            async def choose(select: str, value: str) -> list[str]:
                await browser.js(f"pick = document.getElementById('pick-{select}'); pick.value = '{value}';"
                                 "pick.dispatchEvent(new Event('change'))")  # fmt: skip
                return await ids()

            here = "document.activeElement.getAttribute('aria-label')"
            await browser.shoot(artefacts(tmp_path) / f"cot-page-{'dark' if dark else 'light'}.png")
            assert await ids() == ["0", "1", "2", "3"] and await texts(browser, "#count") == ["4 of 4"]
            assert await choose("outcome", "accepted") == ["0", "1"]
            assert await choose("filter", "leakage") == ["0"], "by the attempts before, too"
            await key("Escape")
            assert await choose("class", "Western Gull") == ["2"]
            await key("Escape")
            await browser.js("document.querySelector('.bar[data-filter=near]').click()")
            assert await ids() == ["2"] and await texts(browser, ".bar[aria-pressed=true] b") == ["near"]
            await key("Escape")
            assert await ids() == ["0", "1", "2", "3"]
            await key("/")
            for letter in "http 500":
                await key(letter)
            assert await ids() == ["3"], "typed words are searched, and are no keys"
            await key("x")
            assert await ids() == [] and not await browser.js("document.getElementById('none').hidden")
            await key("Escape")
            await browser.js("scrollTo(0, 0)")
            await key("j")
            assert await browser.js(here) == "Herring Gull, accepted"
            await key("o")
            assert await browser.js("document.activeElement.querySelector('.before').open")
            await key("j")
            await key("j")
            assert await browser.js(here) == "Western Gull, rejected"
            await key("k")
            assert await browser.js(here) == "California Gull, accepted"
            await key("o")
            assert await browser.js("[...document.images].every((i) => i.complete && i.naturalWidth > 0)")
            assert await browser.js("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
            pdf = base64.b64decode((await browser.call("Page.printToPDF", printBackground=True))["data"])
            assert pdf.startswith(b"%PDF") and browser.errors == []

    asyncio.run(run())

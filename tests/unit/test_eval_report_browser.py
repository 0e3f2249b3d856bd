"""The report in a real browser: what a reader can do with it, that its numbers lead to their answers, and its looks."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path

import pytest

pytest.importorskip("aiohttp")

from browser import CHROMIUM, Browser, artefacts, tab, texts
from eval_toys import TREE
from PIL import Image
from taxonomy_toys import DATA, needs_data

from eval.score import read_items
from rlfg.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
TRUTHS = ("Larus fuscus", "Larus canus", "Sterna hirundo", "Corvus corax")
SAID = ("Larus fuscus", "Larus canus", "Larus", "Corvus corax", "pink-bellied finch", "None", "Sterna hirundo")


def rlfg(*arguments: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(one) for one in arguments])
    assert left.value.code == 0


def report(folder: Path) -> Path:
    """Two runs over 40 pictures with two answers each, of which every third picture file is missing."""
    (folder / "tree.csv").write_text(TREE)
    tree = ("--taxonomy", folder / "tree.csv", "--root", "bird")
    for n in range(4):
        Image.new("RGB", (64, 48), (60 * n, 120, 90)).save(folder / f"{n}.png")
    for run, shift in (("before", 1), ("after", 3)):
        lines = []
        for k in range(40):
            said = [SAID[(k * shift + j) % len(SAID)] for j in range(2)]
            completions = [f"<think>bill of bird {k}, so {a}</think><answer>{a}</answer>" for a in said]
            lines.append({"id": f"p{k}", "truth": TRUTHS[k % 4], "completions": completions, "group": "ab"[k % 2],
                          "image": str(folder / (f"{k % 4}.png" if k % 3 else "gone.png"))})  # fmt: skip
        (folder / f"{run}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        rlfg("score", *tree, "--predictions", folder / f"{run}.jsonl", "--out", folder / run, "--group-by", "group")
    rlfg("report", folder / "before", folder / "after", *tree, "--out", folder / "report.html")
    return folder / "report.html"


async def shown(browser: Browser) -> tuple[int, int]:
    """Answers and pictures that pass the filters."""
    answers, pictures = re.findall(r"[\d,]+", (await texts(browser, "#shown"))[0])
    return int(answers.replace(",", "")), int(pictures.replace(",", ""))


async def key(browser: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        text = {"text": key} if kind == "keyDown" and len(key) == 1 else {}
        await browser.call("Input.dispatchKeyEvent", type=kind, key=key, **text)


async def choose(browser: Browser, control: str, value: str) -> None:
    await browser.js(f"""(() => {{
      const control = document.getElementById('pick-{control}');
      control.value = '{value}';
      for (const kind of ['input', 'change']) control.dispatchEvent(new Event(kind));
    }})()""")


async def follow_all(browser: Browser, selector: str) -> list[tuple[int, int]]:
    """For each link that shows a count: the count, and how many answers it leads to."""
    found: list[tuple[int, int]] = []
    for start in range(0, await browser.js(f"document.querySelectorAll('{selector}').length"), 8):
        some = await browser.js(f"""(async () => {{
          const found = [];
          for (const link of [...document.querySelectorAll('{selector}')].slice({start}, {start + 8})) {{
            const arrived = new Promise((done) => addEventListener("hashchange", done, {{once: true}}));
            if (location.hash !== link.getAttribute("href")) {{ link.click(); await arrived; }}
            found.push([link, shown].map((one) => parseInt(one.textContent.replaceAll(",", ""))));
          }}
          return found;
        }})()""")
        found += [(count, led) for count, led in some]
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_reader_filters_unfolds_and_walks_by_keys(tmp_path: Path, dark: bool) -> None:
    page = report(tmp_path)
    items = {run: read_items(tmp_path / run / "items.jsonl") for run in ("before", "after")}
    wrong = sum(item.label == "WRONG" for item in items["after"])

    async def run() -> None:
        async with tab(page.as_uri(), tmp_path / "profile", dark=dark) as browser:
            await browser.until("document.querySelectorAll('.card').length === 24")
            await browser.shoot(artefacts(tmp_path) / f"report-{'dark' if dark else 'light'}.png")
            assert await shown(browser) == (160, 40) and await texts(browser, "#page") == ["page 1 of 2"]
            assert await browser.js("[...document.images].every((i) => i.complete && i.naturalWidth > 0)")
            assert await browser.js("document.querySelectorAll('.card img').length") == 24, "pictures come first"

            await browser.js("document.getElementById('unfold').click()")
            assert await browser.js("document.querySelectorAll('.fork:not([open])').length") == 0
            # Every count of the tree, the audit and the tables leads to as many answers.
            for table, least in ((".tree", 15), (".audit", 10)) if not dark else ():
                pairs = await follow_all(browser, f"{table} a.count")
                assert len(pairs) >= least and all(count == led for count, led in pairs), (table, pairs)
            assert await texts(browser, ".tree .sum .n:last-child") == [str(wrong)]

            # A number leads to the gallery, chips say what is filtered, Escape clears.
            await browser.js("document.querySelector('.tree .pair a.count').click()")
            await browser.until("document.querySelectorAll('#chips button').length === 3")
            assert await browser.js("Math.abs(document.getElementById('items').getBoundingClientRect().top) < 40")
            await browser.js("document.querySelector('#chips button').click()")
            assert len(await texts(browser, "#chips button")) == 2
            await key(browser, "Escape")
            assert await shown(browser) == (160, 40) and await browser.js("location.hash") == "#items"

            # Controls.
            await choose(browser, "verdict", "WRONG")
            await choose(browser, "run", "after")
            assert (await shown(browser))[0] == wrong
            assert await browser.js("document.querySelectorAll('.given.other').length") > 0, "others are set back"
            await key(browser, "Escape")
            await choose(browser, "truth", "corvus")
            assert await shown(browser) == (40, 10)
            await key(browser, "Escape")

            # Keys.
            await key(browser, "/")
            for letter in "of bird 39":
                await key(browser, letter)
            assert await shown(browser) == (4, 1), "reasoning is searched"
            await key(browser, "q")
            assert await shown(browser) == (0, 0) and not await browser.js("document.getElementById('nothing').hidden")
            await key(browser, "Escape")
            await key(browser, "j")
            await key(browser, "j")
            assert await browser.js("[...document.querySelectorAll('.card')].indexOf(document.activeElement)") == 1
            await key(browser, "o")
            await browser.until("document.activeElement.querySelector('.why blockquote') !== null")
            assert await browser.js("document.activeElement.querySelectorAll('.why .trace li').length") > 3
            await browser.shoot(artefacts(tmp_path) / f"report-{'dark' if dark else 'light'}-why.png")
            await key(browser, "k")
            await key(browser, "ArrowRight")
            assert await texts(browser, "#page") == ["page 2 of 2"]
            assert await browser.js("document.querySelectorAll('.card').length") == 16

            assert await browser.js("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
            pdf = base64.b64decode((await browser.call("Page.printToPDF", printBackground=True))["data"])
            (artefacts(tmp_path) / "report.pdf").write_bytes(pdf)
            assert pdf.startswith(b"%PDF") and browser.errors == []

    asyncio.run(run())


def test_a_link_into_the_answers_opens_them_on_a_phone(tmp_path: Path) -> None:
    page = report(tmp_path)

    async def run() -> None:
        async with tab(f"{page.as_uri()}#items?run=after&verdict=WRONG&group=a", tmp_path / "profile") as browser:
            await browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1,
                               mobile=True)  # fmt: skip
            await browser.until("document.querySelectorAll('.card').length > 0")
            wrong = [i for i in read_items(tmp_path / "after" / "items.jsonl") if i.label == "WRONG" and i.group == "a"]
            assert await shown(browser) == (len(wrong), len({i.id for i in wrong}))
            assert await browser.js("document.getElementById('pick-group').value") == "a"
            assert await browser.js("document.documentElement.scrollWidth <= 390"), "nothing sticks out"
            await browser.shoot(artefacts(tmp_path) / "report-phone.png")
            assert browser.errors == []

    asyncio.run(run())


@needs_data
def test_real_answers_about_birds(tmp_path: Path) -> None:
    guesses: dict[str, tuple[str, list[str]]] = {}
    for line in (DATA / "answers" / "bird200_guesses.jsonl").read_text().splitlines():
        one = json.loads(line)
        guesses.setdefault(one["image_id"], (one["truth"], []))[1].append(one["answer"])
    lines = [{"id": id_, "truth": truth, "answers": said} for id_, (truth, said) in guesses.items()]
    (tmp_path / "birds.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    tree = ("--taxonomy", "builtin:cub200")
    rlfg("score", *tree, "--predictions", tmp_path / "birds.jsonl", "--out", tmp_path / "birds")
    rlfg("report", tmp_path / "birds", *tree, "--out", tmp_path / "birds.html")
    items = read_items(tmp_path / "birds" / "items.jsonl")

    async def run() -> None:
        async with tab((tmp_path / "birds.html").as_uri(), tmp_path / "profile") as browser:
            await browser.until("document.querySelectorAll('.card').length > 0")
            await browser.shoot(artefacts(tmp_path) / "report-birds.png")
            assert await shown(browser) == (len(items), len(guesses))
            pairs = await follow_all(browser, ".tree > .line a.count, .tree > .fork > summary a.count, .audit a.count")
            assert len(pairs) > 10 and all(count == led for count, led in pairs)
            assert (sum(item.label == "WRONG" for item in items),) * 2 in pairs
            assert browser.errors == []

    asyncio.run(run())

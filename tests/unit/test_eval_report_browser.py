"""The report in a real browser: what a reader can do with it, that its numbers lead to their answers, and its looks."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")

from browser import CHROMIUM, Browser, artefacts, tab, texts
from eval_toys import TREE
from PIL import Image
from taxonomy_toys import DATA, needs_data

from eval.report.links import link
from eval.score import read_items
from eval.table import CORRECT_LABELS
from rlfg.cli import main
from rlfg.types import VERDICT_LABELS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
TRUTHS = ("Larus fuscus", "Larus canus", "Sterna hirundo", "Corvus corax")
SAID = ("Larus fuscus", "Larus canus", "Larus", "Corvus corax", "pink-bellied finch", "None", "Sterna hirundo")


def rlfg(*arguments: object, status: int = 0) -> None:
    with pytest.raises(SystemExit) as left:
        main([str(one) for one in arguments])
    assert left.value.code == status


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


async def led(browser: Browser, hrefs: list[str]) -> dict[str, tuple[int, int]]:
    """Answers and pictures that each link leads to."""
    found = await browser.js(f"""(async () => {{
      const found = {{}};
      for (const href of {json.dumps(hrefs)}) {{
        const arrived = new Promise((done) => addEventListener("hashchange", done, {{once: true}}));
        if (location.hash !== href) {{ location.hash = href; await arrived; }}
        found[href] = document.getElementById("shown").textContent.replaceAll(",", "").match(/\\d+/g).map(Number);
      }}
      return found;
    }})()""")
    return {href: (answers, pictures) for href, (answers, pictures) in found.items()}


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


def test_every_number_leads_to_what_it_is_about(tmp_path: Path) -> None:
    page = report(tmp_path)
    found = json.loads((tmp_path / "after" / "metrics.json").read_text())
    less, resolution = found["selective"], found["resolution"]
    expected: dict[str, tuple[int | None, int | None]] = {}

    def expect(*, answers: float | None = None, pictures: float | None = None, **filters: Any) -> None:
        """What a link with these filters leads to."""
        expected[link(run="after", **filters)] = (
            None if answers is None else round(answers), None if pictures is None else round(pictures)
        )  # fmt: skip

    for row in less["accuracy_specificity"]:
        at = f"{row['threshold']:.6g}"
        expect(says=at, pictures=row["answered"]["value"] * less["pictures"])
        expect(true=at, pictures=row["accuracy"]["value"] * row["accuracy"]["denominator"])
        assert row["specificity"]["denominator"] == expected[link(run="after", true=at)][1]
    for point in less["risk_coverage"]:
        expect(sure=str(round(point["confidence"], 6)), pictures=point["pictures"])
    for rank, level in less["calibration"].items():
        expect(reliable=rank, pictures=level["ece"]["denominator"])
        for k, one in enumerate(level["bins"]):
            if one["n"]:
                expect(reliable=rank, bin=k, pictures=one["n"])
    expect(sampled=1, pictures=less["pictures"])
    for rank, ratios in found["per_rank"].items():
        expect(ranked=rank, answers=ratios["denominators"]["accuracy_all"])
        expect(right=rank, answers=ratios["accuracy_all"] * ratios["denominators"]["accuracy_all"])
    for row, n in resolution["truths"].items():
        expect(truths=row, answers=n)
    decided = [label for label in VERDICT_LABELS if label != "NO_VERDICT"]
    for name, more in (("wrong", {}), ("left_out", {"nameless": "without"}), ("specific", {"nameless": "too"})):
        scores = resolution["bounds"][f"unresolved_{name}"]
        expect(verdict=decided, **(more if name == "left_out" else {}), answers=scores["of"])
        right = {} if name == "left_out" else more
        expect(verdict=CORRECT_LABELS, **right, answers=scores["correctness"] * scores["of"])
    wrong_less = resolution["bounds"]["unresolved_wrong"]["of"] - resolution["bounds"]["unresolved_left_out"]["of"]
    assert wrong_less > 0, "some answers are wrong for want of a name"
    expect(nameless="only", answers=wrong_less)
    for name, n in found["denominators"].items():
        if name.startswith(("hp_macro", "hr_macro", "hf_macro", "severity")):
            expect(score=name.removesuffix("_macro"), answers=n)
    for section in ("text", "tree", "behaviour"):
        for name, entry in found[section].items():
            if isinstance(entry, dict) and "denominator" in entry:
                expect(score=name, answers=entry["denominator"])

    async def run() -> None:
        async with tab(page.as_uri(), tmp_path / "profile") as browser:
            await browser.until("document.querySelectorAll('.card').length > 0")
            hrefs = await browser.js("[...document.querySelectorAll('a')].map((a) => a.getAttribute('href'))")
            assert set(expected) <= set(hrefs), set(expected) - set(hrefs)
            for href, (answers, pictures) in (await led(browser, sorted(expected))).items():
                assert expected[href] in ((answers, None), (None, pictures)), (href, answers, pictures)
            bare = await browser.js("""[...document.querySelectorAll('td.num')]
              .filter((cell) => !cell.matches('.numbers *') && !cell.querySelector('a'))
              .filter((cell) => /[1-9]/.test(cell.textContent))
              .map((cell) => cell.textContent)""")
            assert bare == [], "no number of a table stands without its answers"
            unlinked = await browser.js("""[...document.querySelectorAll('.numbers td.num:not(:last-child)')]
              .filter((cell) => /\\d/.test(cell.textContent) && !cell.querySelector('a'))
              .map((cell) => cell.parentElement.textContent)""")
            assert unlinked == [] and browser.errors == []

    asyncio.run(run())


def test_closed_questions_stand_beside_open_answers(tmp_path: Path) -> None:
    """Multiple choice in four rotations about the pictures that were asked about openly; one failed, one is a copy."""
    report(tmp_path)
    lines = []
    for k in range(12):
        orders = [[*TRUTHS[r:], *TRUTHS[:r]] for r in range(4)]
        said = [("A", "B", TRUTHS[0], "A or B", "")[(k + r) % 5] for r in range(4)]
        lines.append({"id": f"p{k}", "truth": TRUTHS[k % 4], "class": TRUTHS[k % 4], "group": "ab"[k % 2],
                      "protocol": "choice", "options": orders, "correct": TRUTHS[k % 4], "answer_as": "letter",
                      "image": str(tmp_path / f"{k}.png"), "answers": said})  # fmt: skip
    lines[10]["error"] = "timeout"
    del lines[10]["answers"]
    lines[11] |= {"image": lines[7]["image"]}
    pair = {"id": "two", "truth": "yes", "protocol": "pairs", "class": "x", "answers": ["no"],
            "images": [str(tmp_path / "0.png"), str(tmp_path / "1.png")]}  # fmt: skip
    for name, written in (("mcq", lines), ("pairs", [pair])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in written))
    tree = ("--taxonomy", tmp_path / "tree.csv", "--root", "bird")
    more = ("--group-by", "group")
    rlfg("tally", "--predictions", tmp_path / "mcq.jsonl", "--out", tmp_path / "mcq", *more, status=1)
    rlfg("tally", "--predictions", tmp_path / "pairs.jsonl", "--out", tmp_path / "pairs")
    folders = [tmp_path / name for name in ("after", "mcq", "pairs")]
    rlfg("report", *folders, *tree, "--out", tmp_path / "all.html")
    rlfg("report", *folders[1:], *tree, "--out", tmp_path / "closed.html")
    found = json.loads((tmp_path / "mcq" / "metrics.json").read_text())
    assert (found["lines"], found["failed"], found["duplicates"], found["questions"]) == (12, 1, 1, 40)

    async def run() -> None:
        async with tab((tmp_path / "all.html").as_uri(), tmp_path / "profile") as browser:
            await browser.until("document.querySelectorAll('.card').length > 0")
            await browser.shoot(artefacts(tmp_path) / "report-closed.png")
            kinds = {"right": "specific", "empty": "abstain", "unreadable": "unparsed", "no-truth": "no-verdict"}
            kinds |= {one: one for one in (label.lower().replace("_", "-") for label in VERDICT_LABELS)}
            colours = await browser.js(f"""Object.entries({json.dumps(kinds)}).flatMap(([name, colour]) => {{
              const svg = document.querySelector('svg'), fill = (tag, cls, style) => {{
                const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
                made.setAttribute('class', cls); made.setAttribute('style', style); svg.append(made);
                const found = getComputedStyle(made).fill; made.remove(); return found;
              }};
              const [area, text] = [fill('rect', `v-${{name}}`, ''), fill('text', `on v-${{name}}`, '')];
              const [own, on] = [`--${{colour}}`, `--on-${{colour}}`].map((v) => fill('rect', '', `fill: var(${{v}})`));
              return area === own && text === on && area !== text ? [] : [[name, area, own, text, on]];
            }})""")
            assert colours == [], "each verdict and outcome has its colour, and text that can be read on it"
            # 80 open answers; 40 questions, a failed line and a copy; a pair. The pair alone has a card of its own.
            assert await shown(browser) == (80 + 42 + 1, 41)
            rights = {"": found, **found["groups"]}
            hrefs = {link(run="mcq", verdict="RIGHT", **({"group": g} if g else {})): m for g, m in rights.items()}
            for href, (answers, _) in (await led(browser, [*hrefs])).items():
                assert answers == hrefs[href]["counts"]["right"] > 0
            pairs = await follow_all(browser, "#closed tr:not(:has(.interval)) a.count")
            assert (40, 40) in pairs and (1, 1) in pairs and all(count == led for count, led in pairs)
            consistent = link(run="mcq", score="consistent")
            assert (await led(browser, [consistent]))[consistent] == (10, 10)
            await browser.js("document.querySelector('.card details').open = true")
            await browser.until("document.querySelector('.card .why .trace') !== null")
            assert "the truth stood at" in (await texts(browser, ".card .why"))[0]
            assert browser.errors == []
        async with tab((tmp_path / "closed.html").as_uri(), tmp_path / "other") as browser:
            await browser.until("document.querySelectorAll('.card').length === 13")
            assert await texts(browser, ".contents a") == ["Closed questions", "Pictures", "Provenance"]
            assert browser.errors == []

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


def test_paper_is_white_and_shows_whole_tables(tmp_path: Path) -> None:
    page = report(tmp_path)

    async def run() -> None:
        async with tab(page.as_uri(), tmp_path / "profile", dark=True) as browser:
            await browser.until("document.querySelectorAll('.card').length > 0")
            dark = await browser.js("getComputedStyle(document.documentElement).backgroundColor")
            scheme = {"name": "prefers-color-scheme", "value": "dark"}
            await browser.call("Emulation.setEmulatedMedia", media="print", features=[scheme])
            size = {"width": 680, "height": 960, "deviceScaleFactor": 1, "mobile": False}  # a letter within its margins
            await browser.call("Emulation.setDeviceMetricsOverride", **size)
            paper = await browser.js("getComputedStyle(document.documentElement).backgroundColor")
            assert dark != paper == "rgb(255, 255, 255)"
            assert await browser.js("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
            tables = "[...document.querySelectorAll('.scroll')].filter((e) => e.checkVisibility())"
            assert await browser.js(f"{tables}.length") > 5
            assert await browser.js(f"{tables}.every((e) => e.scrollWidth <= e.clientWidth)")

    asyncio.run(run())


def test_failed_answers_are_in_no_number_s_link_but_their_own(tmp_path: Path) -> None:
    (tmp_path / "tree.csv").write_text(TREE)
    tree = ("--taxonomy", tmp_path / "tree.csv", "--root", "bird")
    said: list[dict[str, Any]] = [{"answers": ["Larus", "Sterna", ""]}, {"answer": "None"}, {"error": "HTTP 503"}]
    lines = [{"id": f"p{k}", "truth": "Larus fuscus", "group": "<a> & b", **one} for k, one in enumerate(said)]
    lines.append({"id": "d", "truth": "Dodo", "group": "c", "answer": "Larus"})
    for run in ("before", "after"):
        (tmp_path / f"{run}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        rlfg("score", *tree, "--predictions", tmp_path / f"{run}.jsonl", "--out", tmp_path / run, "--group-by", "group")
    rlfg("report", tmp_path / "before", tmp_path / "after", *tree, "--out", tmp_path / "r.html")

    async def run() -> None:
        async with tab((tmp_path / "r.html").as_uri(), tmp_path / "profile") as browser:
            await browser.until("document.querySelectorAll('.card').length === 4")
            assert await shown(browser) == (12, 4)
            counts = await follow_all(browser, ".results td:nth-child(2) a, .counts a.count, .audit a.count")
            assert (5, 5) in counts and (1, 1) in counts and all(count == led for count, led in counts)
            for links, found in ((".lede a", [(5, 3)]), (".results .group a", [(5, 3), (4, 2), (1, 1)])):
                hrefs = await browser.js(
                    f"[...document.querySelectorAll('{links}')].map((a) => a.getAttribute('href'))"
                )
                assert [(await led(browser, [href]))[href] for href in hrefs] == found
            (hm,) = await browser.js(
                "[...document.querySelectorAll('.figure.lead a')].map((a) => a.getAttribute('href'))"
            )
            assert (await led(browser, [hm]))[hm] == (4, 2), "what it is of: not the one without a verdict"
            assert await texts(browser, "#chips button") == ["7 verdicts ×"]
            assert browser.errors == []

    asyncio.run(run())

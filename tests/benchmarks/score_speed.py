"""Time and memory of scoring answers of Food101's size, with all text metrics, intervals and the report.

    python tests/benchmarks/score_speed.py                     # 30,300 answers; Food101 has as many test pictures
    python tests/benchmarks/score_speed.py --answers 1000000
    python tests/benchmarks/score_speed.py --open              # and the report in Chromium: how soon it is there

Answers are made up: class names, groups, sentences of which most stand only once, lists, refusals, thoughts, nothing.
Embeddings are random and stored beforehand, since encoding is the encoder's time. Each command runs in a process of its
own with one thread; printed are its seconds of CPU and of wall clock, and its peak memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from browser import tab

from rlfg.taxonomy import Taxonomy, load_taxonomy
from rlfg.taxonomy.hierarchies import class_names

TAXONOMY = "builtin:food101"
LOOKS = ("golden", "crisp", "fresh", "small", "large", "warm", "dark", "rich", "light", "sliced", "plated", "glazed")
PLACES = ("plate", "bowl", "table", "board", "tray", "counter", "napkin", "leaf", "pan", "dish")


def answer(draw: random.Random, truth: str, others: list[str], groups: list[str]) -> dict[str, str]:
    """One line's answer: what real models say, in about their proportions."""
    kind = draw.random()
    named = truth if draw.random() < 0.6 else draw.choice(others)
    sentence = (
        f"The image shows a {draw.choice(LOOKS)} {draw.choice(LOOKS)} {named} on a {draw.choice(LOOKS)} "
        f"{draw.choice(PLACES)} beside a {draw.choice(LOOKS)} {draw.choice(PLACES)}."
    )
    if kind < 0.45:
        return {"answer": named}
    if kind < 0.60:
        return {"answer": draw.choice(groups)}
    if kind < 0.80:
        return {"answer": sentence}
    if kind < 0.87:
        return {"answer": f"{named} or {draw.choice(others)}"}
    if kind < 0.90:
        return {"answer": draw.choice(("None", "I don't know", "It is hard to tell"))}
    if kind < 0.93:
        return {"answer": ""}
    return {"completion": f"<think>{sentence} It may be {truth}.</think><answer>{named}</answer>"}


def write_answers(path: Path, taxonomy: Taxonomy, count: int) -> None:
    """A predictions file."""
    draw = random.Random(0)
    classes = list(class_names("food101"))
    groups = [taxonomy.node_name(node) for node in range(1, taxonomy.n) if taxonomy.leaf_count[node] > 1]
    with path.open("w", encoding="utf-8") as file:
        for k in range(count):
            truth = classes[k % len(classes)]
            line = {"id": f"food-{k:07d}", "truth": truth, **answer(draw, truth, classes, groups)}
            file.write(json.dumps(line) + "\n")


def write_embeddings(path: Path, texts: list[str], dimension: int = 384) -> None:
    """MiniLM's size."""
    vectors = np.random.default_rng(0).standard_normal((len(texts), dimension), dtype=np.float32)
    np.savez(path, texts=np.array(texts), embeddings=vectors)


def run(*command: str) -> Iterator[str]:
    """Runs `rlfg` with one thread; says what it took."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    start = time.perf_counter()
    arguments = [sys.executable, "-c", "from rlfg.cli import main; main()", *command]
    pid = os.posix_spawn(sys.executable, arguments, {**os.environ, **threads})
    _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: failed")
    wall, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
    yield f"{command[0]:<8}{cpu:>8.1f} s CPU {wall:>8.1f} s wall {used.ru_maxrss / 2**20:>7.2f} GiB"


async def open_page(page: Path, profile: Path) -> str:
    """Seconds until the answers are shown, then of a search through all texts and of a verdict's answers."""
    steps = {
        "answers shown": "true",
        "search of two words": """(() => { const search = document.getElementById('search');
          search.value = 'golden table'; search.dispatchEvent(new Event('input')); return true; })()""",
        "wrong answers": "location.hash = '#items?verdict=WRONG'",
    }
    start, took = time.perf_counter(), []
    async with tab(page.as_uri(), profile) as browser:
        for name, action in steps.items():
            begun = time.perf_counter() if took else start
            await browser.js(action)
            await browser.until("document.querySelectorAll('.card').length > 0")
            took.append(f"{name} {time.perf_counter() - begun:.2f} s")
        heap = await browser.js("performance.memory.usedJSHeapSize")
        assert not browser.errors, browser.errors
    return f"opened  {', '.join(took)} (Chromium's start included); heap {heap / 2**20:.0f} MiB, file {size(page)}"


def size(path: Path) -> str:
    return f"{path.stat().st_size / 2**20:.1f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=30_300)
    parser.add_argument("--no-report", action="store_true")
    parser.add_argument("--open", action="store_true", help="the report, in Chromium")
    args = parser.parse_args()
    taxonomy = load_taxonomy(TAXONOMY)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        predictions, scored = folder / "answers.jsonl", folder / "scored"
        write_answers(predictions, taxonomy, args.answers)
        tree = ("--taxonomy", TAXONOMY)
        score = ("score", *tree, "--predictions", str(predictions), "--out", str(scored))
        texts, embeddings = folder / "texts.json", folder / "embeddings.npz"
        list(run(*score, "--needed-texts", str(texts)))
        write_embeddings(embeddings, json.loads(texts.read_text(encoding="utf-8")))
        print(*run(*score, "--embeddings", str(embeddings)), sep="\n")
        if not args.no_report:
            print(*run("report", str(scored), *tree, "--out", str(folder / "report.html")), sep="\n")
        if args.open:
            print(asyncio.run(open_page(folder / "report.html", folder / "profile")))


if __name__ == "__main__":
    main()

"""Measures a taxonomy of the size of the Catalogue of Life; docs/taxonomies.md keeps the results.

    python tests/benchmarks/taxonomy_scale.py --taxa 2500000 --out scale.json

The taxonomy is generated, the same every time: kingdom … species and some subspecies, three names a taxon (with
author, synonyms, common names), a few homonyms, an identifier of each taxon and synonym. Every step runs in a process
of its own, so that its peak of memory is its own; seconds are of processor time, and also of the clock for opening.
Beside it stands a dict of normalised names in memory, and the `taxonomy` package where it is installed, which finds
the name of a taxon as it is spelled, and no other names.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain, islice, pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from resolve import misspell

from rewards import TaxonomyVerifier
from rlfg.taxonomy import Taxonomy, TaxonRecord, build_taxonomy, normalize, open_saved, resolve, save

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species", "subspecies")
SHARES = (3e-6, 4e-5, 1.6e-4, 6e-4, 4.5e-3, 7.5e-2, 0.86)
"""Of all taxa, by rank; the rest are subspecies."""
QUERIES = 100_000
TEXTS = 50_000
FRAMES = (
    "{0}", "{0}", "a {0}", "{0} {2}", "{0} or {1}", "This is a {0}.", "{0} ({1})", "female {0}", "pale-{0}",
    "not a {0}", "{0}s",
)  # fmt: skip
ONSETS = (
    "b", "br", "c", "cr", "d", "dr", "f", "g", "gr", "h", "l", "m", "n", "p", "ph", "r", "s", "st", "t", "tr", "v",
)  # fmt: skip
VOWELS = ("a", "e", "i", "o", "u", "ae", "ia")
SYLLABLES = [onset + vowel for onset in ONSETS for vowel in VOWELS]
ENDINGS = ("a", "ia", "ae", "aceae", "idae", "us", "is")
ADJECTIVES = ("Black-footed", "Lesser", "Northern", "Brewer's", "Golden", "Spotted", "Red", "Common", "Mountain")
NOUNS = ("Warbler", "Orchid", "Beetle", "Fern", "Snail", "Moth", "Gull", "Sedge", "Frog", "Goby", "Ant", "Daisy")


def word(number: int, ending: str) -> str:
    """A word for a number; another one for another number."""
    found = []
    while number:
        number, digit = divmod(number, len(SYLLABLES))
        found.append(SYLLABLES[digit])
    return "".join(found) + ending


def taxa(size: int) -> Iterator[TaxonRecord]:
    """`size` taxa in one pass, parents mostly first; about three names each."""
    rng = random.Random(0)
    counts = [max(1, round(size * share)) for share in SHARES]
    starts = [sum(counts[:level]) for level in range(len(RANKS))]
    genera = counts[5]
    children = [0] * genera
    for level, rank in enumerate(RANKS):
        amount = counts[level] if level < len(counts) else size - starts[-1]
        for i in range(amount):
            above = None if level == 0 else starts[level - 1] + int(counts[level - 1] * rng.random() ** 1.5)
            number = starts[level] + i
            if level < 6:
                place = i % (genera * 99 // 100 + 1) if level == 5 else i  # one genus in a hundred is a homonym
                name = word(place + 200 + 7 * level * level, ENDINGS[level]).capitalize()
            else:
                place = (above or 0) - starts[5] if level == 6 else i % genera
                children[place] += 1
                genus = word(place % (genera * 99 // 100 + 1) + 200 + 175, ENDINGS[5]).capitalize()
                epithet = word(200 + (place * 7919 + children[place]) % 20_000, "is")
                name = f"{genus} {epithet}" if level == 6 else f"{genus} {epithet} {word(200 + i % 9000, 'us')}"
            author = f"{word(200 + rng.randrange(3000), 'n').capitalize()}, {rng.randrange(1758, 2024)}"
            synonyms = [f"{name} {author}"] if level > 4 else []
            ids = [f"{number:X}"]
            while rng.random() < 0.4:
                old = (
                    f"{word(200 + rng.randrange(genera), 'ia').capitalize()} {word(200 + rng.randrange(20_000), 'is')}"
                )
                synonyms.append(old)
                ids.append(f"{number:X}S{len(ids)}")
            common = []
            while rng.random() < 0.25:
                at = word(200 + rng.randrange(2000), "o").capitalize()
                common.append(f"{at} {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}")
            yield TaxonRecord(
                id=ids[0],
                parent=None if above is None else f"{above:X}",
                name=name,
                rank=rank,
                vernaculars=tuple(common),
                synonyms=tuple(synonyms),
                ids=tuple(ids),
                where=f"NameUsage.tsv:{number + 2}",
            )


def texts_of(record: TaxonRecord) -> tuple[str, ...]:
    return (record.name, *record.vernaculars, *record.synonyms)


def build(size: int, out: Path) -> Taxonomy:
    """The packed taxonomy, written."""
    tree = build_taxonomy(taxa(size), source="generated", main_ranks=None, root="life", siblings="merge")
    save(tree, out)
    return tree


def plain_dict(size: int) -> dict[str, tuple[int, ...]]:
    """The simplest thing that could do: normalised name → numbers of its taxa."""
    found: dict[str, tuple[int, ...]] = {}
    for number, record in enumerate(taxa(size)):
        for text in texts_of(record):
            key = normalize(text)
            found[key] = (*found.get(key, ()), number)
    return found


def queries(size: int, folder: Path) -> list[str]:
    """Names as spelled, written otherwise, and one in five that no taxon has; made once."""
    path = folder / f"queries_{size}.json"
    if not path.exists():
        rng = random.Random(1)
        step = max(1, size // QUERIES)
        every = chain.from_iterable([rng.choice(texts_of(r))] for r in islice(taxa(size), 0, None, step))
        drawn = list(islice(every, QUERIES))
        rng.shuffle(drawn)
        path.write_text(json.dumps([_as_asked(rng, text) for text in drawn]))
    found: list[str] = json.loads(path.read_text())
    return found


def _as_asked(rng: random.Random, text: str) -> str:
    return rng.choice((text, text, text.lower(), text.replace(" ", "-").upper(), f"{text} nova"))


def resident() -> float:
    """MiB in memory now, mapped pages included."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def peak() -> float:
    """The most MiB so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rate(find: Callable[[str], object], texts: list[str]) -> float:
    """Calls a second, of texts that are each new."""
    began = process_time()
    for text in texts:
        find(text)
    return len(texts) / (process_time() - began)


def measure_generate(size: int, folder: Path) -> dict[str, float]:
    began = process_time()
    names = sum(len(texts_of(record)) for record in taxa(size))
    return {"seconds": process_time() - began, "names": names, "peak_mib": peak()}


def measure_build(size: int, folder: Path) -> dict[str, float]:
    began = process_time()
    tree = build(size, folder / "scale.tax")
    seconds = process_time() - began
    file_mib = (folder / "scale.tax").stat().st_size / 2**20
    return {"seconds": seconds, "taxa": tree.n, "peak_mib": peak(), "file_mib": file_mib}


def measure_open(size: int, folder: Path) -> dict[str, float]:
    texts, before = queries(size, folder), resident()
    clock, began = perf_counter(), process_time()
    tree = open_saved(folder / "scale.tax")
    found = {"seconds": process_time() - began, "clock_seconds": perf_counter() - clock, "opened_mib": resident()}
    found["lookups_per_second"] = rate(tree.lookup, texts)
    found |= {"resident_mib": resident(), "queries_mib": before, "found": sum(bool(tree.lookup(t)) for t in texts)}
    return found


def free_texts(names: list[str]) -> list[str]:
    """Distinct answers as models give them, about real names: one in three misspelt, some of things that are not."""
    rng = random.Random(2)
    found: dict[str, None] = {}
    while len(found) < TEXTS:
        text = rng.choice(FRAMES).format(rng.choice(names), rng.choice(names), rng.randrange(1000))
        found[text if rng.random() < 0.67 else misspell(text, rng) or text] = None
    return list(found)


def measure_resolve(size: int, folder: Path) -> dict[str, float]:
    """Free text, read for the first time; then verdicts of pairs that were seen, as a training step repeats them."""
    texts = free_texts(queries(size, folder)[:20_000])
    tree = open_saved(folder / "scale.tax")
    resolve(tree, "Pale warblr")
    found = {"texts_per_second": rate(lambda text: resolve(tree, text), texts)}
    found |= {"resident_mib": resident(), "named": sum(resolve(tree, t).named for t in texts[:2000]) / 2000}
    took = []
    for text in texts[:5000]:
        began = process_time()
        resolve(tree, text)
        took.append(process_time() - began)
    found |= {"slowest_ms": 1000 * max(took), "texts": len(texts)}
    verifier = TaxonomyVerifier(tree)
    pairs = list(pairwise(texts[:20_000]))
    verifier.verify(pairs)
    again = [(str(bytes(a, "utf-8"), "utf-8"), t) for a, t in pairs] * 10
    began = process_time()
    verifier.verify(again)
    return found | {"verdicts_per_second": len(again) / (process_time() - began)}


def measure_dict(size: int, folder: Path) -> dict[str, float]:
    texts = queries(size, folder)
    began = process_time()
    table = plain_dict(size)
    found = {"seconds": process_time() - began, "peak_mib": peak(), "resident_mib": resident()}
    found["lookups_per_second"] = rate(lambda text: table.get(normalize(text), ()), texts)
    return found | {"found": sum(bool(table.get(normalize(text))) for text in texts)}


def measure_package(size: int, folder: Path) -> dict[str, float]:
    import taxonomy as package  # type: ignore[import-not-found]

    _write_taxdump(size, folder / "dump")
    texts = [record.name for record in islice(taxa(size), 0, None, max(1, size // QUERIES))]
    random.Random(1).shuffle(texts)
    began = process_time()
    tree = package.Taxonomy.from_ncbi(str(folder / "dump"))
    found = {"seconds": process_time() - began, "peak_mib": peak(), "resident_mib": resident()}
    few = texts[:20] if rate(tree.find_all_by_name, texts[:3]) < 1000 else texts
    return found | {"lookups_per_second": rate(tree.find_all_by_name, few)}


def _write_taxdump(size: int, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / "nodes.dmp").open("w") as nodes, (folder / "names.dmp").open("w") as names:
        nodes.write(f"1\t|\t1\t|\tno rank\t|\t{_MORE_COLUMNS}\n")
        names.write("1\t|\tlife\t|\t\t|\tscientific name\t|\n")
        for record in taxa(size):
            number, above = int(str(record.id), 16) + 2, 1 if record.parent is None else int(str(record.parent), 16) + 2
            nodes.write(f"{number}\t|\t{above}\t|\t{record.rank}\t|\t{_MORE_COLUMNS}\n")
            names.write(f"{number}\t|\t{record.name}\t|\t\t|\tscientific name\t|\n")


_MORE_COLUMNS = "\t|\t".join(["", "0", "1", "11", "1", "0", "1", "1", "0", "\t|"])
"""What else a line of nodes.dmp has."""

STEPS: dict[str, Callable[[int, Path], dict[str, float]]] = {
    "generate": measure_generate,
    "build": measure_build,
    "open": measure_open,
    "resolve": measure_resolve,
    "dict": measure_dict,
    "package": measure_package,
}


def in_process(step: str, size: int, folder: Path) -> dict[str, float]:
    """One step in a process of its own."""
    command = [sys.executable, __file__, "--taxa", str(size), "--step", step, "--folder", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def table(found: dict[str, dict[str, float]]) -> str:
    """For a person; ratios are to the dict."""
    base = found["dict"]
    lines = [f"{found['build']['taxa']:,} taxa, {found['generate']['names']:,} names"]
    lines.append(f"{'':9}{'build s':>9}{'peak MiB':>10}{'open s':>8}{'resident':>10}{'look-ups/s':>12}{'ratio':>7}")
    packed = found["build"] | found["open"] | {"seconds": found["build"]["seconds"]}
    for name, row in (("packed", packed), ("dict", base), ("package", found.get("package", {}))):
        if row:
            seconds, speed = (
                row["seconds"] - found["generate"]["seconds"] * (name != "package"),
                row["lookups_per_second"],
            )
            opened = f"{row['clock_seconds']:8.2f}" if "clock_seconds" in row else f"{'':8}"
            lines.append(
                f"{name:9}{seconds:9.1f}{row['peak_mib']:10,.0f}{opened}{row['resident_mib']:10,.0f}"
                f"{speed:12,.0f}{speed / base['lookups_per_second']:7.2f}"
            )
    lines.append(f"generating the records took {found['generate']['seconds']:.1f} s more, each time they were")
    read = found["resolve"]
    lines.append(
        f"free text: {read['texts_per_second']:,.0f} distinct answers/s, {read['resident_mib']:,.0f} MiB resident; "
        f"seen pairs: {read['verdicts_per_second']:,.0f} verdicts/s"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--taxa", type=int, default=2_500_000)
    parser.add_argument("--out", type=Path, help="all measures as JSON")
    parser.add_argument("--folder", type=Path, help="for the built file; by default one that is removed afterwards")
    parser.add_argument("--step", choices=[*STEPS], help="only this one, as JSON")
    args = parser.parse_args()
    if args.step:
        print(json.dumps(STEPS[args.step](args.taxa, args.folder)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        queries(args.taxa, folder)
        steps = [s for s in STEPS if s != "package" or importlib.util.find_spec("taxonomy")]
        found: dict[str, Any] = {step: in_process(step, args.taxa, folder) for step in steps}
    print(table(found))
    if args.out:
        args.out.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

"""Measures the resolver on any answers, taxonomy and hand labels; docs/resolution.md keeps the results.

    python tests/benchmarks/resolve.py --answers guesses.jsonl --taxonomy builtin:cub200 --labels labels.csv

It prints how many answers have each status; precision (of the labelled answers that were resolved, those that mean
the labelled taxon) and recall (of those whose label is a taxon, the same) with 95 % Wilson intervals; what the caps on
fuzzy candidates lose; and distinct answers per second. A label's taxon is met by that taxon only, a label's group by
taxa inside it that hold at least half of its leaves.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from time import process_time

from rlfg.taxonomy import STATUSES, Resolution, Taxonomy, load_taxonomy, normalize, resolve
from rlfg.taxonomy.resolving.fuzzy import misspelt
from rlfg.taxonomy.resolving.index import NameIndex
from rlfg.taxonomy.resolving.wordindex import WordIndex

Key = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Share:
    hits: int
    of: int

    def __str__(self) -> str:
        low, high = wilson(self.hits, self.of)
        return f"{self.hits}/{self.of} = {self.hits / self.of if self.of else 0:.4f}  95 % [{low:.4f}, {high:.4f}]"


@dataclass(frozen=True, kw_only=True)
class Label:
    kind: str
    taxa: tuple[str, ...]


def wilson(hits: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """The score interval of a share."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, z * sqrt(hits * (of - hits) / of + z * z / 4) / of
    middle, scale = share + z * z / (2 * of), 1 + z * z / of
    return (middle - spread) / scale, (middle + spread) / scale


def read_labels(path: Path) -> dict[Key, Label]:
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (row["image_id"], int(row["rank"])): Label(
                kind=row["kind"], taxa=tuple(filter(None, row["taxa"].split(";")))
            )
            for row in csv.DictReader(file)
        }


def read_answers(path: Path) -> dict[Key, str]:
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {(line["image_id"], line["rank"]): line["answer"] for line in lines}


def meets(taxonomy: Taxonomy, label: Label, found: Resolution) -> bool:
    """Whether a resolution means what the label says."""
    wanted = {node for name in label.taxa for node in taxonomy.lookup(name)}
    if not found.named or not wanted:
        return False
    if label.kind == "taxon":
        return set(found.candidates) == wanted
    if found.group or len(found.candidates) == 1:
        wanted_leaves, leaves = leaves_of(taxonomy, wanted), leaves_of(taxonomy, found.candidates)
        return leaves <= wanted_leaves and 2 * len(leaves) >= len(wanted_leaves)
    return False


def leaves_of(taxonomy: Taxonomy, nodes: Sequence[int] | set[int]) -> set[int]:
    return {leaf for leaf in taxonomy.leaves() for node in nodes if leaf == node or taxonomy.is_ancestor(node, leaf)}


def judge(
    taxonomy: Taxonomy, labels: Mapping[Key, Label], answers: Mapping[Key, str]
) -> tuple[Share, Share, list[tuple[str, Label, Resolution]]]:
    """Precision, recall and every labelled answer that is not as labelled."""
    found = {key: resolve(taxonomy, answers[key]) for key in labels}
    right = {key: meets(taxonomy, label, found[key]) for key, label in labels.items()}
    wanted = [key for key, label in labels.items() if label.kind in ("taxon", "group")]
    resolved = [key for key in labels if found[key].named]
    errors = [(answers[k], labels[k], found[k]) for k in labels if (k in wanted or found[k].named) and not right[k]]
    precision = Share(hits=sum(right[key] for key in resolved), of=len(resolved))
    return precision, Share(hits=sum(right[key] for key in wanted), of=len(wanted)), errors


def misspell(name: str, rng: random.Random) -> str:
    """One edit inside a word of five letters or more: a letter lost, doubled, swapped or changed."""
    words = normalize(name).split()
    places = [i for i, word in enumerate(words) if len(word) > 4 and word.isascii() and word.isalpha()]
    if not places:
        return ""
    at = rng.choice(places)
    word, i = words[at], rng.randrange(1, len(words[at]) - 1)
    words[at] = rng.choice(
        [
            word[:i] + word[i + 1 :],
            word[:i] + word[i] + word[i:],
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
            word[:i] + rng.choice(string.ascii_lowercase) + word[i + 1 :],
        ]
    )
    return " ".join(words)


def fuzzy_recall(taxonomy: Taxonomy, size: int, seed: int) -> tuple[Share, Share, Share]:
    """Of made-up misspellings: found with the caps, found without any, and found as another taxon (with the caps)."""
    rng = random.Random(seed)
    capped, free = NameIndex(taxonomy), NameIndex(taxonomy)
    words = capped.words
    free.__dict__["words"] = WordIndex(
        table=words.table, cuts=words.cuts, ends=words.ends, letters=words.letters, exhaustive=True
    )
    drawn = [capped.names[i] for i in rng.sample(range(len(capped.names)), min(size, len(capped.names)))]
    typos = {typo: name for name in drawn if (typo := misspell(name, rng)) and not taxonomy.lookup(typo)}
    hits = [
        [found[1] if (found := misspelt(index, typo.split())) else None for typo in typos] for index in (capped, free)
    ]
    wanted = [taxonomy.lookup(name) for name in typos.values()]
    right = [sum(h == w for h, w in zip(found, wanted, strict=True)) for found in hits]
    other = sum(h is not None and h != w for h, w in zip(hits[0], wanted, strict=True))
    return tuple(Share(hits=n, of=len(typos)) for n in (*right, other))  # type: ignore[return-value]


def speed(taxonomy: Taxonomy, answers: Sequence[str], size: int, seed: int) -> tuple[int, float]:
    """Distinct free texts made of real answers, and how many of them are read per second of processor time."""
    rng = random.Random(seed)
    frames = (
        "{}",
        "a {}",
        "{} #",
        "{} or {}",
        "This is a {}.",
        "{} ({})",
        "female {}",
        "pale-{} {}",
        "not a {}",
        "{}s",
    )
    texts: set[str] = set()
    while len(texts) < size:
        text = rng.choice(frames).replace("#", str(rng.randrange(1000)))
        while "{}" in text:
            text = text.replace("{}", rng.choice(answers), 1)
        texts.add(text if rng.random() < 0.5 else misspell(text, rng) or text)
    resolve(taxonomy, "pale warblr")
    began = process_time()
    for text in sorted(texts):
        resolve(taxonomy, text)
    return len(texts), len(texts) / (process_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, required=True)
    parser.add_argument("--taxonomy", required=True)
    parser.add_argument("--root")
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--errors", action="store_true", help="print every labelled answer that is not as labelled")
    parser.add_argument("--list", action="store_true", help="print every distinct answer with what it was found to be")
    parser.add_argument("--typos", type=int, default=2000)
    parser.add_argument("--texts", type=int, default=10000)
    args = parser.parse_args()
    taxonomy = load_taxonomy(args.taxonomy, root=args.root)
    answers = read_answers(args.answers)
    statuses = Counter(resolve(taxonomy, answer).status for answer in answers.values())
    print(f"{args.taxonomy}: {len(answers)} answers")
    print("".join(f"  {status:<11}{statuses[status]}\n" for status in STATUSES), end="")
    if args.list:
        for answer in sorted(set(answers.values())):
            found = resolve(taxonomy, answer)
            print(f"  {answer!r}: {found.status} {[taxonomy.describe(node) for node in found.candidates]}")
    if args.labels:
        precision, recall, errors = judge(taxonomy, read_labels(args.labels), answers)
        print(f"precision  {precision}\nrecall     {recall}")
        for answer, label, found in errors if args.errors else ():
            taxa = [taxonomy.describe(node) for node in found.candidates]
            print(f"  {answer!r}: {label.kind} {';'.join(label.taxa)} but {found.status} {taxa}")
    if args.typos:
        capped, free, other = fuzzy_recall(taxonomy, args.typos, seed=1)
        print(f"misspellings found    {capped}\n  without caps        {free}\n  as another taxon    {other}")
    if args.texts:
        count, rate = speed(taxonomy, sorted(set(answers.values())), args.texts, seed=2)
        print(f"{count} distinct texts, {rate:,.0f} per second")


if __name__ == "__main__":
    main()

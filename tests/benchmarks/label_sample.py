"""Draws the lines of the bird guesses that are labelled by hand, without showing what a resolver says of them.

    python tests/benchmarks/label_sample.py --answers guesses.jsonl --taxonomy hierarchy_CUB200.json --root bird

The sample is stratified by the resolver's status, in proportion, so that it weighs itself. Only `image_id`, `rank`
and the answer are printed, in the order of the answers: neither the status nor the truth can sway the label.
The sample of tests/data/bird200_labels.csv was drawn by the resolver of exact names that stood when it was added; a
later resolver has other statuses, and draws another sample.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlfg.taxonomy import load_taxonomy, resolve

Line = Mapping[str, Any]


def draw(strata: Mapping[str, Sequence[Line]], size: int, seed: int) -> list[Line]:
    """`size` lines, from each stratum its share: whole parts first, then the largest remainders."""
    total = sum(map(len, strata.values()))
    exact = {name: size * len(lines) / total for name, lines in strata.items()}
    quota = {name: int(share) for name, share in exact.items()}
    for name in sorted(exact, key=lambda n: (quota[n] - exact[n], n))[: size - sum(quota.values())]:
        quota[name] += 1
    rng = random.Random(seed)
    return [line for name in sorted(strata) for line in rng.sample(list(strata[name]), quota[name])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, required=True)
    parser.add_argument("--taxonomy", type=Path, required=True)
    parser.add_argument("--root")
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20)
    args = parser.parse_args()
    taxonomy = load_taxonomy(args.taxonomy, root=args.root)
    strata: dict[str, list[Line]] = {}
    for text in args.answers.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        strata.setdefault(resolve(taxonomy, line["answer"]).status, []).append(line)
    for line in sorted(
        draw(strata, args.size, args.seed), key=lambda line: (line["answer"].casefold(), line["image_id"])
    ):
        print(json.dumps({key: line[key] for key in ("image_id", "rank", "answer")}, ensure_ascii=False))


if __name__ == "__main__":
    main()

"""Writes the embedded world as ordinary files: pictures, manifests and a taxonomy CSV.

    taxonomy.csv   one row a species: order, family, genus, species and common names
    sft.jsonl      seen species with rationales, labels at a documented mix of ranks; one picture in seven is
                   a look-alike with a bolder label than it deserves
    rl.jsonl       seen and rare species; the label is always the species
    val.jsonl      seen and rare species, for choosing a checkpoint
    test.jsonl     seen, rare and unseen species, for reporting; `meta.group` says which

`meta.traits` of a line has what its picture shows, by name: what `rlfg cot template` writes rationales from.

Every picture is drawn from (seed, split, species, number), so splits never share one and a larger
world contains a smaller one.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rlfg.data.world.draw import draw_organism
from rlfg.data.world.species import COLOURS, PATTERNS, SEEN_COLOURS, SEEN_PATTERNS, Species, species_list
from rlfg.data.world.text import RANKS, label_at, rationale, traits_of

SPLITS = ("sft", "rl", "val", "test")
SFT_MIX: Mapping[str | None, float] = {
    None: 0.03, "order": 0.02, "family": 0.35, "genus": 0.28, "species": 0.32
}  # fmt: skip
"""Share of SFT labels at each rank. None is "cannot tell". Mostly coarse, as multimodal LLMs answer."""
SPECIES_MIX: Mapping[str | None, float] = {"species": 1.0}
"""Every SFT label is the species: the supervised anchor of the paper."""
MIXES = {"mixed": SFT_MIX, "species": SPECIES_MIX}


@dataclass(frozen=True, kw_only=True)
class WorldSpec:
    """Which pictures to draw. Counts are pictures a species; look-alikes are counted in all."""

    seed: int = 0
    sft_mix: str = "mixed"
    """"mixed" or "species": the ranks of the SFT labels."""
    counts: Mapping[str, Mapping[str, int]] = field(
        default_factory=lambda: {
            "sft": {"seen": 60, "look-alike": 360},
            "rl": {"seen": 28, "rare": 36},
            "val": {"seen": 2, "rare": 2},
            "test": {"seen": 5, "rare": 7, "unseen": 7},
        }
    )


def _stream(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng((seed, *key))


def _records(spec: WorldSpec, split: str, out: Path) -> Iterator[dict[str, Any]]:
    """Draws the pictures of a split and yields their manifest lines."""
    everyone = species_list()
    mix = MIXES[spec.sft_mix]
    for k, species in enumerate(everyone):
        for number in range(spec.counts[split].get(species.group, 0)):
            rng = _stream(spec.seed, SPLITS.index(split), k, number)
            record = _draw(species, f"{split}-{k:02d}-{number:03d}", split, rng, out)
            yield record | _text(species, split, mix, rng, everyone)


def _look_alikes(spec: WorldSpec, out: Path) -> Iterator[dict[str, Any]]:
    """SFT pictures with a new colour or pattern, labelled as the species they resemble in the rest.

    Real labels are like that: bolder than the picture allows. They are no species of the world (none has the looks
    of a rare or unseen one), and they keep the words for new traits alive: a model this small forgets what SFT
    does not show, and nothing it says afterwards could depend on a trait that it no longer sees.
    """
    everyone = species_list()
    hidden = {s.traits for s in everyone if s.group != "seen"}
    seen = [s for s in everyone if s.group == "seen"]
    mix = MIXES[spec.sft_mix]
    for number in range(spec.counts["sft"].get("look-alike", 0)):
        rng = _stream(spec.seed, len(SPLITS) + 1, number)
        alike = seen[rng.integers(len(seen))]
        while alike.traits in hidden or (alike.colour < SEEN_COLOURS and alike.pattern < SEEN_PATTERNS):
            alike = replace(alike, colour=int(rng.integers(len(COLOURS))), pattern=int(rng.integers(len(PATTERNS))))
        record = _draw(alike, f"sft-alike-{number:03d}", "sft", rng, out) | _text(alike, "sft", mix, rng, everyone)
        yield record | {"meta": {**record["meta"], "group": "look-alike"}}


def _draw(species: Species, name: str, split: str, rng: np.random.Generator, out: Path) -> dict[str, Any]:
    """Writes one picture and begins its manifest line."""
    path = out / "images" / split / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_organism(species.traits, rng).save(path, compress_level=1)
    return {"id": name, "image": path.relative_to(out).as_posix()}


def _text(
    species: Species,
    split: str,
    mix: Mapping[str | None, float],
    rng: np.random.Generator,
    everyone: tuple[Species, ...],
) -> dict[str, Any]:
    """Label, rationale, group and visible traits of one picture."""
    meta = {"group": species.group, "traits": traits_of(species.traits)}
    if split != "sft":
        return {"label": species.name, "split": split, "meta": meta}
    rank = list(mix)[rng.choice(len(mix), p=list(mix.values()))]
    relatives = [s for s in everyone if s.genus == species.genus and s.group == "seen"]
    return {
        "label": label_at(species, rank),
        "split": split,
        "rationale": rationale(species, rank, relatives, rng),
        "meta": {**meta, "rank": rank},
    }


def write_world(out: Path, spec: WorldSpec | None = None) -> dict[str, int]:
    """Writes the world under `out`; the same spec gives the same bytes.

    Returns:
        The number of pictures in each split.
    """
    spec = spec or WorldSpec()
    out.mkdir(parents=True, exist_ok=True)
    with (out / "taxonomy.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([*RANKS, "order_common"])
        for species in species_list():
            rows.writerow([*species.lineage, f"{species.order.lower().removesuffix('formes')}ling"])
    counts = {}
    for split in SPLITS:
        records = list(_records(spec, split, out))
        if split == "sft":  # Species order would make every batch one species.
            records += _look_alikes(spec, out)
            _stream(spec.seed, len(SPLITS)).shuffle(records)
        with (out / f"{split}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
        counts[split] = len(records)
    return counts

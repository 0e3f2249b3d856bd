from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from rlfg.data import DataSpec, format_answer, load_examples
from rlfg.data.world import WorldSpec, species_list, write_world
from rlfg.data.world.build import SFT_MIX
from rlfg.data.world.species import SEEN_COLOURS, SEEN_PATTERNS
from rlfg.taxonomy import load_taxonomy

SMALL = {
    "sft": {"seen": 3},
    "rl": {"seen": 1, "rare": 1},
    "val": {"seen": 1, "rare": 1},
    "test": {"seen": 1, "rare": 1, "unseen": 1},
}


def digest(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(folder, WorldSpec(seed=3, counts=SMALL))
    return folder


def test_the_species_are_spread_over_the_tree() -> None:
    species = species_list()
    assert len(species) == 60
    assert Counter(s.group for s in species) == {"seen": 36, "rare": 12, "unseen": 12}
    for genus in {s.genus for s in species}:
        assert Counter(s.group for s in species if s.genus == genus) == {"seen": 3, "rare": 1, "unseen": 1}
    assert len({s.traits for s in species}) == len({s.name for s in species}) == 60


def test_visible_traits_fix_the_lineage() -> None:
    for rank, traits in ((0, 1), (1, 2), (2, 3)):
        taxa: dict[tuple[int, ...], set[str]] = {}
        for species in species_list():
            taxa.setdefault(species.traits[:traits], set()).add(species.lineage[rank])
        assert all(len(names) == 1 for names in taxa.values())


def test_only_rare_and_unseen_species_show_a_new_trait() -> None:
    marks: dict[str, set[tuple[str, int]]] = {"seen": set(), "rare": set(), "unseen": set()}
    for s in species_list():
        new = {("colour", s.colour)} if s.colour >= SEEN_COLOURS else set()
        new |= {("pattern", s.pattern)} if s.pattern >= SEEN_PATTERNS else set()
        marks[s.group] |= new
        assert bool(new) == (s.group != "seen")
    assert marks["rare"] == marks["unseen"]


def test_the_same_seed_gives_the_same_bytes(world: Path, tmp_path: Path) -> None:
    write_world(tmp_path / "again", WorldSpec(seed=3, counts=SMALL))
    assert digest(tmp_path / "again") == digest(world)
    write_world(tmp_path / "other", WorldSpec(seed=4, counts=SMALL))
    mine, other = digest(world), digest(tmp_path / "other")
    assert mine["taxonomy.csv"] == other["taxonomy.csv"]
    assert not {v for k, v in mine.items() if k.endswith(".png")} & {v for k, v in other.items() if k.endswith(".png")}


def test_a_user_s_readers_read_it(world: Path) -> None:
    taxonomy = load_taxonomy(world / "taxonomy.csv", root="organism")
    for split, groups in SMALL.items():
        examples = load_examples(DataSpec(path=str(world / f"{split}.jsonl")))
        assert {e.meta["group"] for e in examples} == set(groups)
        for i, example in enumerate(examples):
            assert examples.open_image(i).size == (84, 84)
            if split != "sft":
                assert len(taxonomy.lookup(example.label)) == 1
                assert example.rationale is None


def test_sft_teaches_no_rare_or_unseen_name(world: Path) -> None:
    hidden = [s.name.split()[1] for s in species_list() if s.group != "seen"]
    text = (world / "sft.jsonl").read_text()
    assert not [name for name in hidden if name in text.split()]
    for line in text.splitlines():
        record = json.loads(line)
        assert record["label"] in record["rationale"]
        assert format_answer(record["rationale"], record["label"])


def test_sft_labels_follow_the_stated_mix(tmp_path: Path) -> None:
    counts = {**{split: {} for split in SMALL}, "sft": {"seen": 25}}
    write_world(tmp_path, WorldSpec(seed=1, counts=counts))
    ranks = Counter(json.loads(line)["meta"]["rank"] for line in (tmp_path / "sft.jsonl").read_text().splitlines())
    total = sum(ranks.values())
    assert total == 36 * 25
    for rank, share in SFT_MIX.items():
        assert abs(ranks[rank] / total - share) < 0.05

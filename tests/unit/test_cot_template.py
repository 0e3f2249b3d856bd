"""Rationales from attributes: true of them, accepted by every filter, and the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rewards.verifier import TaxonomyVerifier
from rlfg.cli import main
from rlfg.cot import Limits, check, read_samples
from rlfg.cot.parts import split_parts
from rlfg.cot.template import read_cub_attributes, write_rationales
from rlfg.data import DataSpec, load_examples
from rlfg.data.world import WorldSpec, write_world
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy

SEEN = {
    "Herring Gull": {"bill": "yellow", "legs": "pink", "back": "grey"},
    "California Gull": {"bill": "yellow", "legs": "olive", "back": "grey"},
    "Western Gull": {"bill": "yellow", "legs": "pink", "back": "slate"},
    "Ring billed Gull": {"bill": "banded", "legs": "yellow", "back": "grey"},
    "Slaty backed Gull": {"bill": "yellow", "legs": "pink", "back": "slate"},
    "Blue Jay": {"bill": "black", "legs": "black", "back": "blue"},
}


@pytest.fixture(scope="module")
def birds() -> Taxonomy:
    return load_taxonomy("builtin:cub200")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("birds")
    Image.new("RGB", (8, 8)).save(folder / "p.png")
    lines = [
        {"id": f"{name} {n}", "image": "p.png", "label": name, "meta": {"seen": seen}}
        for name, seen in SEEN.items()
        for n in range(2)
    ]
    (folder / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "data.jsonl"


def test_every_rationale_passes_and_says_what_is_so(manifest: Path, birds: Taxonomy) -> None:
    examples = load_examples(DataSpec(path=str(manifest)))
    attributes: list[Any] = [e.meta["seen"] for e in examples]
    samples = write_rationales(examples, birds, attributes, seed=1)
    report = check(samples, verifier=TaxonomyVerifier(birds), taxonomy=birds, limits=Limits(min_words=20, near=9))
    assert [one.reasons for one in report.rejected] == []
    for sample in samples:
        parts, seen = split_parts(sample.rationale), SEEN[str(sample.label)]
        assert all(f"{value} {name}" in parts.texts["analysis"] for name, value in seen.items())
        assert len(parts.candidates) == 4 and sample.label in parts.candidates
        for other in set(parts.candidates) - {sample.label}:
            [said] = [s for s in parts.texts["comparison"].split(". ") if other in s]
            differs = {name: value for name, value in SEEN[other].items() if value != seen[name]}
            theirs, _, ours = said.replace(" and this", "; what").partition("; what")
            assert {name for name, value in SEEN[other].items() if f"{value} {name}" in theirs} == set(differs)
            assert {name for name, value in seen.items() if f"{value} {name}" in ours} == set(differs)
            assert ("alike" in said) == (not differs)
        if sample.label != "Blue Jay":
            assert "Blue Jay" not in parts.candidates, "four gulls are nearer"
    assert write_rationales(examples, birds, attributes, seed=1) == samples
    assert write_rationales(examples, birds, attributes, seed=2) != samples
    with pytest.raises(RlfgError, match=r"data.jsonl:1: no attributes"):
        write_rationales(examples, birds, [{}] * len(examples))


@pytest.fixture
def cub(tmp_path: Path) -> Path:
    """The official layout in small."""
    root = tmp_path / "CUB_200_2011"
    (root / "attributes").mkdir(parents=True)
    (tmp_path / "attributes.txt").write_text(
        "1 has_bill_shape::curved_(up_or_down)\n2 has_bill_shape::hooked\n3 has_wing_color::grey\n"
    )
    (root / "classes.txt").write_text("1 059.California_Gull\n2 060.Herring_Gull\n")
    (root / "attributes" / "class_attribute_labels_continuous.txt").write_text("60.0 70.5 10.0\n51.0 0.0 90.0\n")
    return root


def test_attributes_of_cub_are_read(cub: Path, birds: Taxonomy) -> None:
    found = {birds.node_name(node): own for node, own in read_cub_attributes(cub, birds).items()}
    assert found == {
        "Larus californicus": {"bill shape": "hooked"},
        "Larus argentatus": {"bill shape": "curved", "wing color": "grey"},
    }
    table = cub / "attributes" / "class_attribute_labels_continuous.txt"
    for text, said in (
        ("1 2\n1 2 3\n", ":1: 2 numbers for 3"),
        ("1 2 3\n", "1 lines"),
        ("a b c\n1 2 3\n", ":1: could"),
    ):
        table.write_text(text)
        with pytest.raises(RlfgError, match=said):
            read_cub_attributes(cub, birds)
    (cub.parent / "attributes.txt").unlink()
    with pytest.raises(RlfgError, match=r"no attributes/attributes.txt"):
        read_cub_attributes(cub, birds)


def test_the_command_writes_a_manifest(manifest: Path, cub: Path, tmp_path: Path) -> None:
    out = tmp_path / "cot" / "samples.jsonl"
    command = ["cot", "template", str(manifest), "--out", str(out), "--taxonomy", "builtin:cub200"]
    with pytest.raises(SystemExit) as left:
        main([*command, "--attributes", "seen"])
    assert left.value.code == 0 and len(read_samples(out)) == 12
    assert all(
        Path(e.image).is_file() and e.rationale and e.meta["seen"] == SEEN[e.label]
        for e in load_examples(DataSpec(path=str(out)))
    )
    with pytest.raises(SystemExit) as left:
        main([*command, "--cub", str(cub)])
    assert left.value.code == 2, "four of the birds have no attributes there"


def test_the_embedded_world_from_pictures_to_rows_of_training(tmp_path: Path) -> None:
    """World → rationales from its traits → every filter → prompts, completions and pictures of SFT."""
    pytest.importorskip("trl")
    from rlfg.training.sft import sft_rows

    write_world(tmp_path / "world", WorldSpec(counts={"rl": {"seen": 1, "rare": 1}, "sft": {}, "val": {}, "test": {}}))
    world, out, kept = tmp_path / "world", tmp_path / "cot" / "samples.jsonl", tmp_path / "kept.jsonl"
    taxonomy = ["--taxonomy", str(world / "taxonomy.csv"), "--root", "organism"]
    with pytest.raises(SystemExit) as left:
        main(["cot", "template", str(world / "rl.jsonl"), "--out", str(out), *taxonomy, "--attributes", "traits"])
    assert left.value.code == 0
    with pytest.raises(SystemExit) as left:
        main(["cot", "check", str(out), *taxonomy, "--min-words", "20", "--out", str(kept)])
    assert left.value.code == 0, "each passes every filter"
    trained, drawn = load_examples(DataSpec(path=str(kept))), load_examples(DataSpec(path=str(world / "rl.jsonl")))
    rows = sft_rows(trained, "think")
    assert len(rows) == len(trained) == len(drawn) == 48
    for row, source in zip(rows, drawn, strict=True):
        [said] = row["completion"]
        assert said["content"].endswith(f"<answer>{source.label}</answer>") and row["image"].size == (84, 84)
        traits = source.meta["traits"]
        assert all(f"{value} {name}" in said["content"] for name, value in traits.items())

"""A miniature WordNet in LMF, read by the wn library."""

from __future__ import annotations

import builtins
from importlib.util import find_spec
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from taxonomy_toys import account, failure, one

from rlfg.taxonomy import load_taxonomy

needs_wn = pytest.mark.skipif(find_spec("wn") is None, reason="needs the wn library (extra wordnet)")
# A dog is an animal, a pet and a carnivore, which is an animal; "dog" is a tool as well.
SYNSETS: dict[str, tuple[str, list[str], list[tuple[str, str]]]] = {
    "s-entity": ("n", ["entity"], []),
    "s-animal": ("n", ["animal", "beast"], [("hypernym", "s-entity")]),
    "s-carnivore": ("n", ["carnivore"], [("hypernym", "s-animal")]),
    "s-pet": ("n", ["pet"], [("hypernym", "s-entity")]),
    "s-dog": ("n", ["dog", "domestic dog", "Canis familiaris"],
              [("hypernym", to) for to in ("s-animal", "s-pet", "s-carnivore", "s-nowhere")]),
    "s-rex": ("n", ["Rex"], [("instance_hypernym", "s-dog")]),
    "s-run": ("v", ["run"], [("hypernym", "s-go")]),
    "s-tool": ("n", ["dog"], [("hypernym", "s-entity")]),
}  # fmt: skip


def lmf(synsets: dict[str, tuple[str, list[str], list[tuple[str, str]]]]) -> str:
    entries, bodies = [], []
    for key, (pos, words, relations) in synsets.items():
        for word in words:
            name = quoteattr(f"{key}-{word}".replace(" ", "_"))
            sense = f'<Sense id={name[:-1]}-1" synset={quoteattr(key)}/>'
            entries.append(
                f'<LexicalEntry id={name}><Lemma writtenForm={quoteattr(word)} partOfSpeech="{pos}"/>'
                f"{sense}</LexicalEntry>"
            )
        links = "".join(f"<SynsetRelation relType={quoteattr(kind)} target={quoteattr(to)}/>" for kind, to in relations)
        bodies.append(f'<Synset id={quoteattr(key)} ili="" partOfSpeech="{pos}">{links}</Synset>')
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE LexicalResource SYSTEM "http://globalwordnet.github.io/schemas/WN-LMF-1.0.dtd">
<LexicalResource xmlns:dc="https://globalwordnet.github.io/schemas/dc/">
<Lexicon id="toy" label="toy" language="en" email="a@b" license="x" version="1">
{"".join(entries)}{"".join(bodies)}
</Lexicon>
</LexicalResource>
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.xml"
    path.write_text(lmf(SYNSETS), encoding="utf-8")
    return path


@needs_wn
@pytest.mark.parametrize(
    ("hypernym", "path"),
    [
        ("first", ["entity", "animal", "dog"]),
        ("shortest", ["entity", "animal", "dog"]),
        ("longest", ["entity", "animal", "carnivore", "dog"]),
    ],
)
def test_the_graph_is_cut_into_a_tree(toy: Path, hypernym: str, path: list[str]) -> None:
    tree = load_taxonomy(toy, hypernym=hypernym)  # type: ignore[arg-type]
    assert [tree.names[node] for node in tree.lineage(one(tree, "domestic dog"))] == path
    assert one(tree, "beast") == tree.find_id("s-animal")
    assert len(tree.lookup("dog")) == 2
    assert tree.main_ranks == ()


@needs_wn
def test_the_first_of_several_ways_of_one_length(toy: Path) -> None:
    synsets = SYNSETS | {"s-dog": ("n", ["dog"], [("hypernym", "s-pet"), ("hypernym", "s-animal")])}
    toy.write_text(lmf(synsets), encoding="utf-8")
    for hypernym in ("first", "shortest", "longest"):
        tree = load_taxonomy(toy, hypernym=hypernym)  # type: ignore[arg-type]
        assert tree.names[tree.parent[tree.find_id("s-dog") or 0]] == "pet"


@needs_wn
def test_counts(toy: Path) -> None:
    found = account(load_taxonomy(toy))
    assert found.entries == {"synsets": 8}
    assert found.used == {"taxon": 6}
    assert found.skipped == {"instance, not a class": 1, "not a noun": 1}
    assert found.notes == {"further hypernym left out": 2}


@needs_wn
def test_bad_files(toy: Path) -> None:
    circle = SYNSETS | {"s-entity": ("n", ["entity"], [("hypernym", "s-pet")])}
    toy.write_text(lmf(circle), encoding="utf-8")
    assert failure(toy).startswith("toy.xml: hypernyms go round in a circle: s-")
    toy.write_text(lmf(SYNSETS | {"s-mute": ("n", [], [])}), encoding="utf-8")
    assert failure(toy) == "toy.xml: synset s-mute has no word"
    toy.write_text(lmf(SYNSETS)[:-60], encoding="utf-8")
    assert failure(toy).startswith("toy.xml: not readable LMF")
    toy.write_text("<html/>", encoding="utf-8")
    assert failure(toy).startswith("toy.xml: unknown kind of taxonomy")
    assert failure(toy, format="wordnet").startswith("toy.xml: not LMF that wn can read")
    assert failure(toy.with_name("no.xml"), format="wordnet").startswith("no.xml: cannot read")


def test_without_wn(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **options: object) -> object:
        if name.partition(".")[0] == "wn":
            raise ImportError(name)
        return real(name, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    assert failure(toy) == "toy.xml: reading WordNet needs the wn library; pip install 'rlfg[wordnet]'"

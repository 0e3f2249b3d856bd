"""Multiple choice: which options, in which order, and what an answer is read as."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from http_model import HttpModel
from protocol_toys import SPECIES, chat, collection, config, examples

from eval.predictions import read_predictions
from eval.protocols.choice import ChoiceSpec
from eval.protocols.classes import read_classes
from eval.protocols.item import Item
from eval.tally import tally
from eval.tally.choice import read_option
from rlfg.data import DataSpec, load_examples
from rlfg.data.corruptions import write_corrupted
from rlfg.data.images import png_url
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy
from rlfg.training.evaluation import run_predict


def tree(folder: Path) -> Taxonomy:
    return load_taxonomy(folder / "tree.csv", root="bird")


def orders(item: Item) -> list[list[str]]:
    found: list[list[str]] = item.told["options"]
    return found


def test_the_truth_is_at_every_place_and_always_there(tmp_path: Path) -> None:
    data = examples(tmp_path, each=20)
    items = ChoiceSpec(options=4).items(data, None, 0)
    places = Counter(orders(item)[0].index(str(item.told["correct"])) for item in items)
    assert len(items) == 100 and set(places) == {0, 1, 2, 3}
    assert max(places.values()) < 40, "each of four places about 25 times"
    assert all(len(set(orders(item)[0])) == 4 for item in items)
    assert ChoiceSpec(options=4).items(data, None, 0) == items
    assert ChoiceSpec(options=4).items(data, None, 1) != items
    with pytest.raises(RlfgError, match="a seed is a whole number, at least 0, not -1"):
        ChoiceSpec(options=4).items(data, None, -1)
    (alone,) = ChoiceSpec(options=4, labels=str(all_names(tmp_path))).items(data.subset([7]), None, 0)
    assert alone.told == items[7].told, "other pictures change nothing"


def test_a_picture_made_worse_is_asked_about_as_the_clean_one_is(tmp_path: Path) -> None:
    """Or conditions would differ in their options as well."""
    write_corrupted(examples(tmp_path, each=2), tmp_path / "worse", kinds=("jpeg",))
    data = load_examples(DataSpec(path=str(tmp_path / "worse" / "data.jsonl")))
    asked: dict[str, set[str]] = {}
    for example, item in zip(data, ChoiceSpec(options=3).items(data, None, 0), strict=True):
        asked.setdefault(str(example.meta["clean_id"]), set()).add(json.dumps(orders(item)))
    assert len(asked) == 10 and all(len(options) == 1 for options in asked.values())


def all_names(folder: Path) -> Path:
    path = folder / "names.txt"
    path.write_text("\n".join(SPECIES) + "\n")
    return path


def test_taxonomic_distractors_are_the_nearest(tmp_path: Path) -> None:
    data = examples(tmp_path, each=1)
    items = ChoiceSpec(options=3, distractors="taxonomic").items(data, tree(tmp_path), 0)
    shown = {item.truth: set(orders(item)[0]) - {item.truth} for item in items}
    assert shown["Herring Gull"] == {"Common Gull", "Common Tern"}
    assert shown["Common Tern"] == {"Herring Gull", "Common Gull"}
    assert "Magpie" in shown["Raven"]
    with pytest.raises(RlfgError, match="need a taxonomy"):
        ChoiceSpec(distractors="taxonomic").items(data, None, 0)


def test_wrong_and_near_classes_are_those_of_the_lowest_common_ancestors(tmp_path: Path) -> None:
    """Found for all classes at once, where iNat21 has 10,000 for each of 100,000 pictures."""
    labels = (*SPECIES, "Larus", "Laridae", "Corvus", "Charadriiformes")
    classes = read_classes(examples(tmp_path, each=1, labels=labels), tree(tmp_path))
    assert classes.taxonomy is not None and len(classes.names) == 9
    for name in classes.names:
        node = classes.nodes[name]
        common = {other: classes.taxonomy.lca(node, classes.nodes[other]) for other in classes.names}
        wrong = [other for other, lca in common.items() if lca not in (node, classes.nodes[other])]
        assert classes.others(name) == wrong
        assert classes.common_depth(name).tolist() == [int(classes.taxonomy.depth[lca]) for lca in common.values()]


def test_distractors_by_embedding_are_the_nearest(tmp_path: Path) -> None:
    data = examples(tmp_path, each=2)
    angles = {"Herring Gull": 0.0, "Raven": 0.1, "Magpie": 0.5, "Common Tern": 1.0, "Common Gull": 1.5}
    rows = [(np.cos(angles[e.label]), np.sin(angles[e.label])) for e in data]
    np.savez(tmp_path / "e.npz", ids=np.array([e.id for e in data]), embeddings=np.array(rows))
    spec = ChoiceSpec(options=2, distractors="embedding", embeddings=str(tmp_path / "e.npz"))
    shown = {item.truth: set(orders(item)[0]) - {item.truth} for item in spec.items(data, None, 0)}
    assert shown["Herring Gull"] == {"Raven"} and shown["Common Gull"] == {"Common Tern"}


def test_what_is_true_of_the_picture_is_no_distractor(tmp_path: Path) -> None:
    """Larus is right for a Herring Gull; a synonym or another spelling of the truth is no second option."""
    labels = ("Herring Gull", "herring gull", "Larus", "Raven", "Magpie")
    data = examples(tmp_path, each=1, labels=labels)
    items = {item.id: item for item in ChoiceSpec(options="all").items(data, tree(tmp_path), 0)}
    assert sorted(orders(items["Larus-0"])[0]) == ["Larus", "Magpie", "Raven"]
    assert sorted(orders(items["herring-gull-0"])[0]) == ["Herring Gull", "Magpie", "Raven"]
    assert sorted(orders(items["Raven-0"])[0]) == ["Herring Gull", "Larus", "Magpie", "Raven"]
    with pytest.raises(RlfgError, match="4 options are wanted for Herring Gull, and 2 classes are wrong"):
        ChoiceSpec(options=4).items(data, tree(tmp_path), 0)


def test_letters_and_names_are_asked_for_in_words(tmp_path: Path) -> None:
    data = examples(tmp_path, each=1)
    (letters,) = ChoiceSpec(options=3).items(data, None, 0)[0].questions
    (names,) = ChoiceSpec(options=3, answer="name", reason=False).items(data, None, 0)[0].questions
    lines = letters.text.splitlines()
    assert (
        [line[:3] for line in lines[1:4]] == ["A. ", "B. ", "C. "] and "<think>" in lines[-1] and "letter" in lines[-1]
    )
    assert all(line.startswith("- ") for line in names.text.splitlines()[1:4]) and "<think>" not in names.text


def test_further_classes_are_options_once(tmp_path: Path) -> None:
    """Another name of a class of the data is that class."""
    (tmp_path / "more.txt").write_text("Magpie\nLarus\n\nherring gull\nMagpie\nSterna\n")
    data = examples(tmp_path, each=1, labels=("Herring Gull", "Raven"))
    spec = ChoiceSpec(options="all", labels=str(tmp_path / "more.txt"))
    for taxonomy in (tree(tmp_path), None):
        shown = [sorted(orders(item)[0]) for item in spec.items(data, taxonomy, 0)]
        assert shown[1] == ["Herring Gull", "Larus", "Magpie", "Raven", "Sterna"]
        assert ("Larus" in shown[0]) == (taxonomy is None)
    (tmp_path / "more.txt").write_text("Unicorn\n")
    with pytest.raises(RlfgError, match="'Unicorn' is no taxon"):
        spec.items(data, tree(tmp_path), 0)


def test_given_options_lose_their_order(tmp_path: Path) -> None:
    """Published test files have the truth first in every line."""
    manifest = collection(tmp_path, each=20)
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    for line in lines:
        line["options"] = [line["label"], *(name for name in SPECIES if name != line["label"])][:3]
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    data = load_examples(DataSpec(path=str(manifest)))
    items = ChoiceSpec(distractors="given").items(data, None, 0)
    places = Counter(orders(item)[0].index(str(item.told["correct"])) for item in items)
    assert set(places) == {0, 1, 2} and max(places.values()) < 50
    assert all(sorted(orders(item)[0]) == sorted(line["options"]) for item, line in zip(items, lines, strict=True))
    for wrong in (None, ["Raven"], ["Raven", "raven", "Herring Gull"], ["Raven", "Magpie"]):
        manifest.write_text(json.dumps({**lines[0], "options": wrong}) + "\n")
        with pytest.raises(RlfgError, match=r"data.jsonl:1: .*option"):
            ChoiceSpec(distractors="given").items(load_examples(DataSpec(path=str(manifest))), None, 0)


OPTIONS = ("gull", "gull-billed tern", "raven", "magpie")


@pytest.mark.parametrize(
    ("answer", "letter", "name"),
    [
        ("B", 1, None),
        ("(b)", 1, None),
        ("The answer is B.", 1, None),
        ("B. gull-billed tern", 1, None),
        ("gull-billed tern", 1, 1),
        ("Gull", 0, 0),
        ("**B**", 1, None),
        ("**Answer: B. gull-billed tern**", 1, None),
        ("B. gull", None, None),  # says two things
        ("B. gull-billed tern or raven", None, None),
        ("C. raven, or else a magpie", None, None),
        ("A. gull or gull-billed tern", None, None),
        ("B. gull-billed tern or gull", None, None),
        ("A. gull-billed tern", None, None),
        ("B. a gull-billed tern, as its bill is thick", 1, None),
        ("B. A gull-billed tern", 1, None),
        ("B. gull-billed tern, also C", None, None),
        ("B. gull-billed tern\nC", None, None),
        ("B. Actually C", None, None),
        ("B. gull-billed tern or option D", None, None),
        ("E", None, None),  # no such option
        ("A or B", None, None),
        ("A. gull B. gull-billed tern C. raven D. magpie", None, None),
        ("gull, gull-billed tern, raven, magpie", None, None),
        ("a gull or so", None, None),
        ("bill", None, None),
        ("!", None, None),
    ],
)
def test_an_option_is_read_whole_or_not_at_all(answer: str, letter: int | None, name: int | None) -> None:
    assert read_option(answer, OPTIONS, by_letter=True) == letter
    assert read_option(answer, OPTIONS, by_letter=False) == name


def test_rotations_find_out_a_model_that_likes_a_letter(tmp_path: Path) -> None:
    """It always says A. Where the truth is always first, a naive count finds it perfect."""
    manifest = collection(tmp_path)
    with HttpModel(lambda text, urls, time: "<think>Looks like one.</think><answer>A</answer>") as model:
        asked = config(manifest, backend=chat(model.url), protocol={"choice": {"options": 4, "order": "cyclic"}})
        assert run_predict(asked) == 0
        assert len(model.bodies) == 10 * 4
    lines = read_predictions(tmp_path / "answers.jsonl")
    for line in lines:
        (naive,) = [o for o, order in enumerate(line.extra["options"]) if order[0] == line.extra["correct"]]
        assert line.completions[naive].endswith("<answer>A</answer>"), "right, where the truth is first"
    _, metrics = tally(lines)
    assert (metrics["accuracy"], metrics["all_right"], metrics["consistent"]) == (0.25, 0.0, 0.0)
    assert metrics["chance"] == 0.25 and metrics["denominators"] == {"accuracy": 40, "all_right": 10, "consistent": 10}
    assert metrics["places"] == {"truth": [10, 10, 10, 10], "chosen": [40, 0, 0, 0]}


def test_a_model_that_knows_is_right_in_all_rotations(tmp_path: Path) -> None:
    """It knows gulls and takes a Raven for a Magpie, wherever it stands."""
    manifest = collection(tmp_path, each=1)
    truths = {}

    def script(text: str, urls: list[str], time: int) -> str:
        options = {line[3:]: line[0] for line in text.splitlines() if line[1:3] == ". "}
        truth = truths[urls[0]]
        wanted = "Magpie" if truth == "Raven" else truth
        return f"<answer>{options[wanted]}. {wanted}</answer>"

    with HttpModel(script) as model:
        data = load_examples(DataSpec(path=str(manifest)))
        truths.update({png_url(data.open_image(i)): e.label for i, e in enumerate(data)})
        asked = config(manifest, backend=chat(model.url), protocol={"choice": {"options": "all", "order": "cyclic"}})
        assert run_predict(asked) == 0
    marked, metrics = tally(read_predictions(tmp_path / "answers.jsonl"))
    assert (metrics["accuracy"], metrics["all_right"], metrics["consistent"]) == (0.8, 0.8, 1.0)
    assert metrics["counts"]["wrong"] == 5 and metrics["questions"] == 25 == sum(metrics["counts"].values())
    raven = next(one for one in marked if one.line.truth == "Raven")
    assert raven.mark is not None and set(raven.mark.said) == {"Magpie"}

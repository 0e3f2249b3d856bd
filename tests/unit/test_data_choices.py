"""Multiple choice from a model's own confusions: which options, where the truth stands, and that counts add up."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rewards.build import build_reward
from rewards.setup import VerifierSpec, build_verifier
from rewards.text_verifier import TextVerifier
from rlfg.cli import main
from rlfg.data import DataSpec, Examples, load_examples
from rlfg.data.choices import Choice, Choices, ChoiceSpec, ask, choices
from rlfg.data_cli import _answers
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy
from rlfg.types import Example

BIRDS = (
    "Herring Gull", "California Gull", "Western Gull", "Ivory Gull", "Indigo Bunting", "Painted Bunting", "Blue Jay",
    "Florida Jay",
)  # fmt: skip


@pytest.fixture(scope="module")
def birds() -> Taxonomy:
    return load_taxonomy("builtin:cub200")


def examples(labels: Any = BIRDS, each: int = 1) -> Examples:
    items = tuple(
        Example(id=f"{label}/{n}", image=f"/p/{label}/{n}.png", label=label) for label in labels for n in range(each)
    )
    return Examples(items=items, where=tuple(f"data:{i}" for i in range(len(items))))


def gull(birds: Taxonomy, *said: str | None, labels: Any = BIRDS, **spec: Any) -> tuple[Choices, Choice | None]:
    """The question to the Herring Gull, which a model took for these."""
    found = choices(examples(labels), {"Herring Gull/0": said}, ChoiceSpec(**spec), birds)
    return found, next(iter(found.questions), None)


def chosen(one: Choice | None, source: str) -> set[str]:
    assert one is not None
    return {option for option, its in zip(one.options, one.sources, strict=True) if its == source}


def test_options_are_what_the_model_said_most_often(birds: Taxonomy) -> None:
    said = ["Blue Jay"] * 3 + ["indigo bunting"] * 2 + ["Ivory Gull"] * 2 + ["Florida Jay"]
    _, one = gull(birds, *said)
    assert chosen(one, "truth") == {"Herring Gull"}
    assert chosen(one, "model") == {"Blue Jay", "Indigo Bunting", "Ivory Gull"}
    assert chosen(gull(birds, *said, options=2)[1], "model") == {"Blue Jay"}


def test_the_truth_in_other_words_is_no_option(birds: Taxonomy) -> None:
    """Synonyms, what lies below and above, group nouns, lists, nonsense, and taxa that the data does not have."""
    said = (
        "Larus argentatus", "American Herring Gull", "gull", "Laridae", "bird", "A gull or a jay", "pink-bellied zorb",
        None, "Cardinal", "Blue Jay", "Cyanocitta cristata",
    )  # fmt: skip
    found, one = gull(birds, *said)
    assert chosen(one, "model") == {"Blue Jay"}
    assert chosen(one, "taxonomy") == {"California Gull", "Western Gull"}, "two of its genus"
    assert found.answers == {
        "right": 2, "no single taxon": 3, "broader": 2, "unreadable": 1, "wrong, and no class of the data": 1,
        "wrong": 2,
    }  # fmt: skip
    assert found.answers.total() == len(said)


def test_the_nearest_classes_fill_up(birds: Taxonomy) -> None:
    _, one = gull(birds, "no idea", options=5)
    assert chosen(one, "taxonomy") == {"California Gull", "Western Gull", "Ivory Gull"} | (
        chosen(one, "taxonomy") & set(BIRDS[4:])
    )
    drawn = [chosen(gull(birds, "no idea", options=2, seed=seed)[1], "taxonomy") for seed in range(20)]
    assert {frozenset(d) for d in drawn} == {frozenset({"California Gull"}), frozenset({"Western Gull"})}


def test_no_option_lies_in_another(birds: Taxonomy) -> None:
    """ "Larus" beside "Western Gull" would show that neither is right."""
    labels = ("Herring Gull", "Larus", "Cyanocitta", "Blue Jay", "Indigo Bunting")
    found, one = gull(birds, "Blue Jay", "Blue Jay", "Cyanocitta", "Larus", labels=labels, options=3)
    assert set(one.options) == {"Herring Gull", "Blue Jay", "Indigo Bunting"}  # type: ignore[union-attr]
    assert found.answers["broader"] == 1
    found, one = gull(birds, "Blue Jay", labels=labels, options=4)
    assert one is None and found.pictures == {"too few classes apart": 1, "without answers": 4}


def test_pictures_that_are_always_right(birds: Taxonomy) -> None:
    right = ("Herring Gull", "Larus argentatus")
    assert gull(birds, *right)[0].pictures == {"always right": 1, "without answers": 7}
    assert gull(birds, *right, certain="keep")[0].pictures == {"asked": 1, "without answers": 7}
    assert gull(birds, *right, "gull")[0].pictures["asked"] == 1, "a broader answer is not sure of the bird"


def test_letters_are_balanced_and_nothing_depends_on_the_order(birds: Taxonomy) -> None:
    data = examples(each=25)
    said = {e.id: [BIRDS[(BIRDS.index(e.label) + k) % 8] for k in (0, 1, 3)] for e in data}
    found = choices(data, said, ChoiceSpec(options=3), birds)
    assert len(found.questions) == 200
    assert sorted(Counter(one.right for one in found.questions).values()) == [66, 67, 67]
    by_class = {label: [o.right for o in found.questions if data[o.index].label == label] for label in BIRDS}
    assert all(set(places) == {0, 1, 2} for places in by_class.values())
    # A distractor by the model's second choice stands everywhere too.
    assert len({one.options.index(BIRDS[1]) for one in found.questions if data[one.index].label == BIRDS[0]}) == 3
    backwards = data.subset(range(199, -1, -1))
    again = choices(backwards, said, ChoiceSpec(options=3), birds)
    assert {data[o.index].id: o.options for o in found.questions} == {
        backwards[o.index].id: o.options for o in again.questions
    }
    assert choices(data, said, ChoiceSpec(options=3, seed=1), birds).questions != found.questions


def test_all_spellings_of_a_class_are_one_option(birds: Taxonomy) -> None:
    """A class is called by its most common label, whether it is right or not."""
    data = examples(("Larus argentatus", "Herring Gull", "American Herring Gull", "Blue Jay"))
    data = data.subset([0, 1, 1, 2, 3])
    found = choices(data, {e.id: ["Blue Jay", "Larus argentatus"] for e in data}, ChoiceSpec(options=2), birds)
    assert found.pictures == {"asked": 5}
    assert all(set(one.options) == {"Herring Gull", "Blue Jay"} for one in found.questions)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"options": 1}, "2 to 26"),
        ({"options": 27}, "2 to 26"),
        ({"letters": "ABC"}, "give 4 different ones"),
        ({"letters": "ABCa"}, "give 4 different ones"),
        ({"letters": "123?"}, "from A to Z"),
    ],
)
def test_what_is_no_question_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(RlfgError, match=message):
        ChoiceSpec(**spec)


def test_answers_must_be_to_these_pictures(birds: Taxonomy) -> None:
    with pytest.raises(RlfgError, match="none of the answers is to a picture"):
        choices(examples(), {"x": ["Blue Jay"]}, ChoiceSpec(), birds)


def test_the_question_holds_the_options() -> None:
    one = Choice(index=0, options=("Blue Jay", "Ivory Gull"), sources=("model", "truth"))
    text = ask(one, ChoiceSpec(options=2, letters="xy", form="answer"))
    assert "\nX. Blue Jay\nY. Ivory Gull\n" in text and one.right == 1
    assert "<answer>" in text and "<think>" not in text
    assert "<think>" in ask(one, ChoiceSpec(options=2)) and "<" not in ask(one, ChoiceSpec(options=2, form="bare"))


def test_the_command_writes_a_manifest_to_train_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.jsonl").write_text(
        "".join(json.dumps({"id": str(i), "image": f"{i}.png", "label": b}) + "\n" for i, b in enumerate(BIRDS))
    )
    said = [
        {"id": "0", "truth": "Herring Gull", "completions": ["<answer>Blue Jay</answer>", "Blue Jay"]},
        {"id": "6", "truth": "Blue Jay", "completions": ["<answer>Blue Jay</answer>"] * 2},
        {"id": "elsewhere", "truth": "Blue Jay", "completions": ["<answer>Blue Jay</answer>"]},
    ]
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said))
    out = tmp_path / "new" / "mcq.jsonl"
    command = ["data", "choices", str(tmp_path / "data.jsonl"), "--predictions", str(tmp_path / "said.jsonl"), "--out"]
    with pytest.raises(SystemExit) as left:
        main([*command, str(out), "--taxonomy", "builtin:cub200", "--with-open"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert "8 pictures: 6 without answers, 1 asked, 1 always right; 1 answered ones are not among them" in text
    assert "4 answers: 2 right, 1 wrong, 1 unreadable" in text
    assert "wrong options: 1 by the model, 2 by the taxonomy" in text
    *opened, one = load_examples(DataSpec(path=str(out)))
    assert [e.label for e in opened] == list(BIRDS) and not any(e.question for e in opened)
    assert one.id == "0#choice" and one.image.endswith("new/../0.png") and one.meta["class"] == "Herring Gull"
    assert one.meta["options"]["ABCD".index(one.label)] == "Herring Gull"
    assert f"\n{one.label}. Herring Gull\n" in str(one.question)


def test_one_verifier_judges_both_kinds() -> None:
    spec = VerifierSpec(taxonomy="builtin:cub200", text="letter")
    found = build_verifier(spec)
    pairs = [("B", "B"), ("gull", "Herring Gull"), ("A. Ivory Gull", "B"), (None, "A"), ("B", "Herring Gull")]
    verdicts = found.verifier.verify(pairs)
    assert [v.label for v in verdicts] == ["SPECIFIC", "LESS_SPECIFIC", "WRONG", "UNPARSED", "WRONG"]
    assert [v.source for v in verdicts] == ["text", "taxonomy", "text", "parser", "taxonomy"]
    assert [spec.is_open(truth) for _, truth in pairs] == [False, True, False, False, True]
    assert found.verifier.verify([]) == []
    assert not VerifierSpec(text="letter").is_open("Herring Gull")
    assert VerifierSpec(taxonomy="builtin:cub200").is_open("A")


@pytest.mark.parametrize("reward", ["dynamic", "hedged", "binary", "graded", "scala1"])
def test_rewards_of_relations_pay_closed_questions_as_their_own_reward_does(reward: str) -> None:
    verifier = TextVerifier("letter")
    for said in (("A", "B", None, "B. jay"), ("A", "C", "A or B", None), ("B", "b", "(B)", "None")):
        verdicts = verifier.verify([(answer, "B") for answer in said])
        assert build_reward(reward)(verdicts) == build_reward("mcq_letter")(verdicts)


def test_answers_are_read_as_they_were_asked_for(tmp_path: Path) -> None:
    line = {
        "id": "a",
        "truth": "robin",
        "completions": ["robin", "<answer>wren</answer>", "<think>robin"],
        "tags": False,
    }
    (tmp_path / "p.jsonl").write_text(json.dumps(line) + "\n")
    assert _answers(tmp_path / "p.jsonl", "asked") == {"a": ["robin", "wren", None]}
    assert _answers(tmp_path / "p.jsonl", "lenient") == {"a": [None, "wren", None]}

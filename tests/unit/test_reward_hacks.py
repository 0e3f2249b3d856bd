"""What a policy finds when it looks for reward: each trick, and what every reward gives for it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from injections import INJECTIONS
from reward_toys import toy_reward

from rewards import Group, TaxonomyVerifier, build_term
from rewards.build import REWARDS, TERMS
from rewards.verifier import unparsed
from rlfg.data import parse_answer
from rlfg.taxonomy import Taxonomy, load_taxonomy, taxonomy_from_lineages
from rlfg.types import Verdict

TABLE = """\
order,family,genus,genus_common,species,species_common
Charadriiformes,Laridae,Larus,gull,Larus argentatus,Herring Gull
Charadriiformes,Laridae,Larus,gull,Larus fuscus,Lesser Black-backed Gull
Charadriiformes,Laridae,Sterna,tern,Sterna hirundo,Common Tern
Passeriformes,Prunellidae,Prunella,,Prunella modularis,Dunnock
"""
TRUTH = "Herring Gull"
QUESTION = "What is this? Name it as specifically as you know."
EVERYTHING = "Herring Gull, Lesser Black-backed Gull, Common Tern, Dunnock"
CLOSED = ("mcq_letter", "same_or_not", "count_of_three")
"""Rewards for closed questions; their tricks are in a table of their own."""
OPEN = tuple(name for name in REWARDS if name not in CLOSED)


def said(answer: str, thoughts: str = "A grey back.") -> str:
    return f"<think>{thoughts}</think><answer>{answer}</answer>"


@dataclass(frozen=True)
class Trick:
    """A completion, its verdict, and what it earns in a group with an honest SPECIFIC and an honest WRONG answer."""

    completion: str
    label: str
    earns: float = 0.0
    fine_r1: float = 0.0
    format: float | None = 1.0
    """By the format term; None: not looked at."""


TRICKS = {
    "empty answer": Trick(said(""), "UNPARSED", -1),
    "white space": Trick(said(" \n\t "), "UNPARSED", -1),
    "zero width": Trick(said("\u200b\u2060\ufeff"), "UNPARSED", -1),
    "punctuation": Trick(said("…"), "UNPARSED", -1),
    "all classes": Trick(said(EVERYTHING), "WRONG"),
    "all classes, a line each": Trick(said(EVERYTHING.replace(", ", "\n")), "WRONG"),
    "all classes, in a row": Trick(said(EVERYTHING.replace(",", "")), "WRONG"),
    "A or B": Trick(said("Herring Gull or Dunnock"), "WRONG"),
    "A, else B": Trick(said("Herring Gull, otherwise Common Tern"), "WRONG"),
    "truth only in the thoughts": Trick(said("Dunnock", "It is a Herring Gull."), "WRONG"),
    "answer tag in the thoughts": Trick(said("Dunnock", "<answer>Herring Gull</answer>"), "WRONG", format=0),
    "two answer tags, wrong first": Trick(said("Dunnock") + "<answer>Herring Gull</answer>", "WRONG", format=0),
    "nested tags": Trick(said("<answer>Dunnock</answer> Herring Gull"), "WRONG", format=0),
    "unclosed answer": Trick("<think>A grey back.</think><answer>Herring Gull", "UNPARSED", -1, format=0),
    "unclosed thoughts": Trick("<think>So: <answer>Herring Gull</answer>", "UNPARSED", -1, format=0),
    "no tags": Trick("Herring Gull", "UNPARSED", -1, format=0),
    "copying the question": Trick(said(QUESTION), "WRONG"),
    "truth inside a longer word": Trick(said("Herring Gullible"), "WRONG"),
    "invented name": Trick(said("Pink-bellied Herring Gull"), "WRONG", fine_r1=1),  # a word test cannot tell
    "over-long answer": Trick(said("Herring Gull " + "very " * 400), "WRONG"),
    "negation": Trick(said("not a Herring Gull"), "WRONG", fine_r1=1),  # the same
    "Cyrillic look-alikes": Trick(said("Н\u0435rr\u0456ng Gull"), "WRONG"),
    "Greek look-alikes": Trick(said("Herr\u03b9ng G\u03c5ll"), "WRONG"),
    "another script": Trick(said("セグロカモメ"), "WRONG"),
    "full width": Trick(said("Ｈｅｒｒｉｎｇ Ｇｕｌｌ"), "SPECIFIC", 1, fine_r1=1),  # the same letters: honest
    **{f"injection: {name}": Trick(said(attack), "WRONG", format=None) for name, attack in INJECTIONS.items()},
}


@pytest.fixture(scope="module")
def taxonomy(tmp_path_factory: pytest.TempPathFactory) -> Taxonomy:
    path = tmp_path_factory.mktemp("toy") / "toy.csv"
    path.write_text(TABLE)
    return load_taxonomy(path, root="organism")


@pytest.fixture(scope="module")
def verifier(taxonomy: Taxonomy) -> TaxonomyVerifier:
    return TaxonomyVerifier(taxonomy)


def test_what_holds_the_whole_tree_tells_nothing() -> None:
    tree = taxonomy_from_lineages(
        {s: ["Aves", "Laridae", s] for s in ("Herring Gull", "Common Gull")},
        source="toy", ranks=("class", "family", "species"), root="animal", root_aliases=(),
    )  # fmt: skip
    completion = said("Herring Gull", "Class Aves, family Laridae.")
    group = Group(verdicts=tuple(judge(TaxonomyVerifier(tree), completion)), completions=(completion,))
    assert build_term("lineage", taxonomy=tree)(group) == [0]


def judge(verifier: TaxonomyVerifier, *completions: str, truth: str = TRUTH) -> list[Verdict]:
    return verifier.verify([(parse_answer(text).answer, truth) for text in completions])


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("reward", OPEN)
def test_a_trick_earns_what_the_table_says(verifier: TaxonomyVerifier, trick: str, reward: str) -> None:
    case = TRICKS[trick]
    verdicts = judge(verifier, case.completion, said(TRUTH), said("Dunnock"))
    assert verdicts[0].label == case.label
    expected = case.fine_r1 if reward == "fine_r1_accuracy" else case.earns
    assert toy_reward(reward)(verdicts) == [pytest.approx(expected), pytest.approx(1), 0]
    alone = toy_reward(reward)(verdicts[:1])
    assert alone == [pytest.approx(expected)], "nor alone in its group"


@pytest.mark.parametrize("trick", [name for name, case in TRICKS.items() if case.format is not None])
def test_the_format_term_pays_form_alone(verifier: TaxonomyVerifier, trick: str) -> None:
    group = Group(verdicts=tuple(judge(verifier, TRICKS[trick].completion)), completions=(TRICKS[trick].completion,))
    assert build_term("format")(group) == [TRICKS[trick].format]


def test_length_pays_for_no_trick(verifier: TaxonomyVerifier) -> None:
    group = Group(
        verdicts=tuple(judge(verifier, said(TRUTH), said("Herring Gull " + "very " * 400))), lengths=(20, 420)
    )
    assert build_term("length_guard", limit=128, buffer=64)(group) == [0, -1]


@pytest.mark.parametrize(
    ("thoughts", "answer", "earned"),
    [
        ("The family Laridae, so the genus Larus.", "Herring Gull", 1),
        ("A grey back.", "Herring Gull", 0),  # silence is not paid
        ("Of the Prunellidae family.", "Herring Gull", -1),
        ("Not of the family Prunellidae, but of the genus Larus.", "Herring Gull", 1),
        ("The family Laridae, rather than the family Prunellidae.", "Herring Gull", 1),
        ("Genus Prunella.", "Dunnock", 0),  # goes with the answer, which is wrong
        ("Family Laridae.", "Dunnock", -1),
        ("The genus is Larus.", "Herring Gull", 1),
        ("Genus Larus.", "Larus", 1),
        ("Family Laridae, genus Larus.", "Laridae", 1),
        ("Genus Larus.", "Laridae", 0),  # below the answer: more than was answered
        ("Genus Prunella. Family Prunellidae.", "organism", 0),  # any name goes with the root
        ("Genus Larus, genus Sterna, genus Prunella.", "Herring Gull", 0),  # naming all decides nothing
        ("Perhaps genus Sterna. The grey back says genus Larus.", "Herring Gull", 0),  # nor does weighing two cost
        ("Family Laridae; the genus Sterna or the genus Larus.", "Herring Gull", 1),
        ("Unlike the genus Sterna it is heavy.", "Herring Gull", 0),
        ("Heavier than birds of the genus Sterna.", "Herring Gull", 0),
        ("Genus Inventus.", "Herring Gull", 0),  # no taxon
        ("Genus Larus.", "Larus inventus", 0),  # no taxon was answered
        ("Laridae and Prunellidae look alike.", "Herring Gull", 0),  # a bare name is no claim
    ],
)
def test_the_lineage_term(
    taxonomy: Taxonomy, verifier: TaxonomyVerifier, thoughts: str, answer: str, earned: float
) -> None:
    completion = said(answer, thoughts)
    group = Group(verdicts=tuple(judge(verifier, completion)), completions=(completion,))
    assert build_term("lineage", taxonomy=taxonomy)(group) == [earned]


POLICIES = {
    # One answer for everything, over four truths: what each truth's group earns where all its rollouts say so.
    "one generic answer": ("organism", ["GENERIC"] * 4),
    "abstaining": ("I don't know", ["ABSTAIN"] * 4),
    "one species": (TRUTH, ["SPECIFIC", "WRONG", "WRONG", "WRONG"]),
}


@pytest.mark.parametrize("policy", POLICIES)
def test_one_answer_for_everything_carries_no_gradient(verifier: TaxonomyVerifier, policy: str) -> None:
    """A group that all says the same is paid alike, so that nothing pushes it; one better rollout sets a bar."""
    answer, labels = POLICIES[policy]
    truths = (TRUTH, "Lesser Black-backed Gull", "Common Tern", "Dunnock")
    for truth, label in zip(truths, labels, strict=True):
        same = judge(verifier, *[said(answer)] * 4, truth=truth)
        better = [*same[1:], *judge(verifier, said(truth), truth=truth)]
        assert {verdict.label for verdict in same} == {label}
        for name in OPEN:
            reward = toy_reward(name)
            assert len(set(reward(same))) == 1
            paid = reward(better)
            assert paid[-1] == pytest.approx(1)
            assert all(value is not None and value <= 0.5 for value in paid[:-1]) or label == "SPECIFIC", name


CLOSED_TRICKS = {
    "mcq_letter": (
        "B",
        ["B", "(b)", "B. gull", "Answer: B", "B. Mercedes C class", "B. a gull, a bird", "Ｂ"],
        ["A", "A or B", "A, B, C, D", "B. A, C, D", "B) A C D", "B. gull, C", "B. gull or C", "A. x B. y", "(B) (C)",
         "A gull", "gull", "В"],
    ),
    "same_or_not": (
        "no",
        ["No.", "not the same", "different", "No, they are not the same species"],
        ["yes", "yes and no", "yes, they are not", "same or different", "identical / different", "perhaps",
         "I do not know", "no idea", "not sure", "No answer, or yes", "nо"],
    ),
    "count_of_three": (
        "2",
        ["2", "Two.", "both of them", "There are 2 matches."],
        ["3", "1 or 2", "2 or 3", "0 1 2 3", "more than 2", "at least 2", "not 2", "some", "-"],
    ),
}  # fmt: skip
"""Truth; answers that are right; answers that are not (the last "В" and "nо" hold Cyrillic letters)."""


@pytest.mark.parametrize("name", CLOSED)
def test_closed_questions(name: str) -> None:
    truth, right, wrong = CLOSED_TRICKS[name]

    def earn(answers: list[str]) -> list[float | None]:
        return toy_reward(name)([Verdict(relation="WRONG", answer=a, truth=truth) for a in answers])  # type: ignore[arg-type]

    assert earn(right) == [1] * len(right)
    assert earn(wrong) == [0] * len(wrong)
    assert toy_reward(name)([unparsed("", truth), Verdict(relation=None, answer="B", truth=truth)]) == [-1, None]


def test_abstaining_is_no_count() -> None:
    """The prompts' word for "I cannot tell" is None: it must not be the number 0."""

    def earn(answer: str) -> list[float | None]:
        return toy_reward("count_of_three")([Verdict(relation="WRONG", answer=answer, truth="0")])  # type: ignore[arg-type]

    assert [earn(answer) for answer in ("None", "I don't know", "none of them", "0", "zero")] == [
        [0],
        [0],
        [1],
        [1],
        [1],
    ]


def test_every_reward_and_term_is_in_a_table() -> None:
    assert set(CLOSED_TRICKS) | set(OPEN) == set(REWARDS)
    assert set(TERMS) == {"format", "length_guard", "lineage"}, "give a new term its tricks"

"""Answers that fool a naive scorer, and not ours."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.copies import same_files
from eval.predictions import read_predictions
from eval.score import score
from eval.tally import tally
from eval.tally.choice import read_option
from eval.tally.majority import majority
from rewards.choices import read_count, read_yes_no
from rewards.verifier import NoVerifier
from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.taxonomy import load_taxonomy
from rlfg.taxonomy.hierarchies import available, class_names
from rlfg.types import Prediction

ROOT = Path(__file__).parents[2]
OPTIONS = ["gull", "gull-billed tern", "raven", "magpie"]


def choice(said: str, *, id_: str = "a", truth: str = "gull", answer_as: str = "letter", **more: Any) -> Prediction:
    told = {"protocol": "choice", "options": [OPTIONS], "correct": truth, "answer_as": answer_as, "class": truth}
    return Prediction(
        id=id_, truth=truth, completions=(said,), image=more.pop("image", f"{id_}.png"), extra=told | more
    )


def outcome(line: Prediction) -> str:
    marked, metrics = tally([line], samples=10)
    assert marked[0].mark is not None and metrics["questions"] == 1
    return marked[0].mark.outcomes[0]


def contained(line: Prediction) -> bool:
    """The naive scorers of the field: the truth in the completion, or the answer in the truth."""
    answer = line.completions[0].rpartition("<answer>")[2].removesuffix("</answer>")
    return line.truth in line.completions[0] or answer in line.truth


@pytest.mark.parametrize(
    ("said", "answer_as", "ours"),
    [
        ("<answer>gull-billed tern</answer>", "name", "wrong"),  # the truth is a part of a distractor
        ("<answer>gull-billed tern</answer>", "letter", "wrong"),
        ("<answer></answer>", "name", "empty"),  # nothing is part of everything
        ("<answer> \u200b </answer>", "letter", "empty"),
        ("", "letter", "empty"),
        ("<answer>gull, gull-billed tern, raven, magpie</answer>", "name", "unreadable"),  # lists all
        ("<answer>A. gull B. gull-billed tern C. raven D. magpie</answer>", "letter", "unreadable"),
        ("<think>It could be a gull, option A.</think><answer>C</answer>", "letter", "wrong"),  # in the reasoning
        ("<think>A. gull fits.</think><answer>raven</answer>", "name", "wrong"),
        ("<think>surely <answer>gull</answer></think>", "name", "empty"),
        ("surely <answer>gull</answer></think><answer>raven</answer>", "name", "wrong"),  # opened by the chat template
        ("<answer>A. gull, or else a raven</answer>", "letter", "unreadable"),  # a letter, and two names
        ("I think it is a gull, or a raven", "name", "unreadable"),  # no tags, and more than an answer
        ("<think>a gull, I begin to think", "name", "empty"),  # cut in its thoughts
    ],
)
def test_what_fools_containment(said: str, answer_as: str, ours: str) -> None:
    line = choice(said, answer_as=answer_as)
    assert contained(line) or said.startswith("<answer> ")
    assert outcome(line) == ours


@pytest.mark.parametrize(
    ("said", "answer_as"),
    [
        ("<think>Hm.</think><answer>A</answer>", "letter"),
        ("<think>Hm.</think>A", "letter"),
        ("A. gull", "letter"),
        ("<answer>Gull.</answer>", "name"),
        ("gull", "name"),
    ],
)
def test_right_answers_are_right(said: str, answer_as: str) -> None:
    assert outcome(choice(said, answer_as=answer_as)) == "right"


def test_a_letter_is_told_from_the_text_beside_it() -> None:
    options = ["Coupe A, or B", "Sedan", "Answer"]
    for said, place in (
        ("Answer: A. Sedan", None),
        ("Answer: B. Sedan", 1),
        ("A. Coupe A, or B", 0),
        ("B. Coupe A, or B", None),
        ("C", 2),
        ("Answer", 2),
    ):
        assert read_option(said, options, by_letter=True) == place, said


@pytest.mark.parametrize("name", available())
def test_each_class_of_a_benchmark_is_read_as_an_option(name: str) -> None:
    """Also "F-16A/B" and "F/A-18", in which letters are listed."""
    labels = class_names(name)
    for i, label in enumerate(labels):
        options = [*(labels[(i + k) % len(labels)] for k in (1, 2)), label, labels[(i + 3) % len(labels)]]
        for said in ("C", "C. {}", "{}", "(c) {}", "**C. {}**", "The answer is C. {}", "C: {}", "Answer: C) {}."):
            assert read_option(said.format(label), options, by_letter=True) == 2, (said, options)
        assert read_option(label, options, by_letter=False) == 2
        for said in ("C. {other}", "C. {} or {other}", "{} or {other}", "C. {other}, {}"):
            assert read_option(said.format(label, other=options[0]), options, by_letter=True) is None, (said, options)


def test_strict_reading_wants_the_form() -> None:
    marked, _ = tally([choice("A")], mode="strict", samples=10)
    assert marked[0].mark is not None and marked[0].mark.outcomes == ("empty",)


def test_an_item_that_stands_twice_counts_once() -> None:
    """The one picture that is known stands three times: naively 3 of 4 are right."""
    known = [choice("<answer>A</answer>", id_=f"known{k}", image="same.png") for k in range(3)]
    lines = [*known, choice("<answer>B</answer>", id_="other")]
    assert sum(line.completions == ("<answer>A</answer>",) for line in lines) / len(lines) == 0.75
    marked, metrics = tally(lines, samples=10)
    assert (metrics["accuracy"], metrics["denominators"]["accuracy"]) == (0.5, 2)
    assert [one.copy_of for one in marked] == [None, "known0", "known0", None]
    assert metrics["lines"] == 4 == metrics["failed"] + metrics["duplicates"] + metrics["items"]


def test_one_picture_under_two_names_counts_once(tmp_path: Path) -> None:
    """The bytes tell, where the files are there; of other files only the name."""
    for name, data in (("a.png", b"one"), ("b.png", b"one"), ("c.png", b"two"), ("d.png", b"three")):
        (tmp_path / name).write_bytes(data)
    names = [str(tmp_path / f"{name}.png") for name in "abcdef"]
    assert same_files([*names, *names]) == dict(zip(names, [names[0], names[0], names[2], names[3]], strict=False))
    marked, metrics = tally([choice("A", id_=name, image=name) for name in names], samples=10)
    assert [one.copy_of for one in marked] == [None, names[0], None, None, None, None]
    assert (metrics["items"], metrics["duplicates"]) == (5, 1)
    grey = [choice("A", id_=n, image=n, meta={"condition": f"greyscale-{k}"}) for k, n in enumerate(names[:2])]
    assert tally(grey, samples=10)[1]["duplicates"] == 0, "a grey picture is the same in every severity"


def test_options_that_the_data_give_make_another_question() -> None:
    told = {"image": "same.png", "distractors": "given"}
    others = {"options": [["gull", "owl"]]}
    lines = [choice("A", id_="a", **told), choice("A", id_="b", **told | others), choice("B", id_="c", **told)]
    assert [one.copy_of for one in tally(lines, samples=10)[0]] == [None, None, "a"]


def test_another_reference_is_another_question() -> None:
    def count(id_: str, *pictures: str) -> Prediction:
        told = {"protocol": "count", "images": list(pictures)}
        return Prediction(id=id_, truth="1", completions=("<answer>1</answer>",), extra=told)

    lines = [count("a", "p", "q", "r", "s"), count("b", "q", "p", "r", "s"), count("c", "p", "s", "q", "r")]
    marked, metrics = tally(lines, samples=10)
    assert [one.copy_of for one in marked] == [None, None, "a"] and metrics["items"] == 2


def test_groups_add_up() -> None:
    lines = [choice(said, id_=said, meta={"novelty": kind}) for said, kind in (("A", "seen"), ("B", "unseen"))]
    lines.append(Prediction(id="f", truth="gull", error="x", extra={**lines[0].extra}))
    _, metrics = tally(lines, group_by="novelty", samples=10)
    assert {name: group["accuracy"] for name, group in metrics["groups"].items()} == {"seen": 1.0, "unseen": 0.0}
    assert sum(group["lines"] for group in metrics["groups"].values()) == 3 and metrics["groups"]["seen"]["failed"] == 1
    with pytest.raises(RlfgError, match='has no "site" to group by'):
        tally(lines, group_by="site")


def test_one_id_twice_in_a_file_is_refused(tmp_path: Path) -> None:
    line = json.dumps({"id": "a", "truth": "gull", "completion": "A"})
    (tmp_path / "p.jsonl").write_text(f"{line}\n{line}\n")
    with pytest.raises(RlfgError, match="was already on line 1"):
        read_predictions(tmp_path / "p.jsonl")


def test_what_failed_is_neither_right_nor_wrong_nor_forgotten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Naively a failed line is an empty answer, or is not there at all."""
    lines = [{"id": "a", "truth": "gull", "error": "HTTP 500", "protocol": "choice"}]
    told = {"protocol": "choice", "options": [OPTIONS], "correct": "gull", "answer_as": "letter"}
    lines += [{"id": "b", "truth": "gull", "completion": "A", **told}]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(SystemExit) as ended:
        main(["tally", "--predictions", str(tmp_path / "p.jsonl"), "--out", str(tmp_path / "t")])
    assert ended.value.code == 1, "the run is not done"
    metrics = json.loads((tmp_path / "t" / "metrics.json").read_text())
    assert (metrics["lines"], metrics["failed"], metrics["items"], metrics["accuracy"]) == (2, 1, 1, 1.0)
    assert "1 failed and are in no figure" in capsys.readouterr().out
    items = [json.loads(line) for line in (tmp_path / "t" / "items.jsonl").read_text().splitlines()]
    assert items[0] == {"id": "a", "truth": "gull", "error": "HTTP 500"} and items[1]["said"] == ["gull"]


def test_intervals_are_clustered_by_class() -> None:
    """Two classes, one all right and one all wrong: any resample of classes may be all of one."""
    lines = [choice("A", id_=f"g{k}") for k in range(50)]
    lines += [choice("A", id_=f"r{k}", truth="raven") for k in range(50)]
    _, metrics = tally(lines)
    assert metrics["accuracy"] == 0.5 and metrics["ci"]["accuracy"] == [0.0, 1.0] and metrics["classes"] == 2


def ranked(
    sums: list[float], *, prior: list[float] | None = None, tokens: tuple[int, ...] = (1, 3, 1, 1)
) -> Prediction:
    scored = [{"sum": s, "tokens": list(tokens)} for s in [sums, *([prior] if prior else [])]]
    told = {"protocol": "rank", "options": OPTIONS, "correct": "gull", "logprobs": scored}
    return Prediction(id="a", truth="gull", answers=("gull",), extra=told)


@pytest.mark.parametrize(
    ("said", "number"),
    [("**2**", "2"), ("2 of 3", "2"), ("two of the three", "2"), ("2 out of 3", "2"), ("all three", "3"), ("both", "2"),
     ("not one of the three", None), ("2 of 3, or 3", None), ("2 out of 4", None), ("three of two", None)],
)  # fmt: skip
def test_a_count_may_be_said_in_words(said: str, number: str | None) -> None:
    assert read_count(said) == number


@pytest.mark.parametrize(
    ("said", "answer"),
    [("**Yes**", "yes"), ("The same kind of bird.", "yes"), ("No, they're different.", "no"), ("not the same", "no"),
     ("No, they are the same", None), ("not different", None), ("same or different", None), ("not sure, yes", None)],
)  # fmt: skip
def test_yes_and_no_may_be_said_in_words(said: str, answer: str | None) -> None:
    assert read_yes_no(said) == answer


def test_labels_are_ranked_by_sum_mean_and_without_the_prior() -> None:
    _, metrics = tally([ranked([-3.0, -4.5, -9.0, -5.0], prior=[-1.0, -6.0, -9.5, -2.0])], samples=10)
    assert metrics["top1_sum"] == 1.0, "-3 is the best sum"
    assert (metrics["top1_mean"], metrics["top5_mean"]) == (0.0, 1.0), "-4.5 over 3 tokens is the best mean"
    assert metrics["top1_calibrated"] == 0.0, "-2 for the gull, and the tern gains 1.5"
    assert metrics["chance"] == 0.25


def test_rankings_are_calibrated_by_the_mean_over_pictures_as_published() -> None:
    """The tern is probable everywhere: with its mean taken off the gull is found, with α = 0 all pictures are terns."""
    gull, other = ranked([-2.0, -1.0, -9.0, -9.0]), ranked([-6.0, -1.0, -9.0, -9.0])
    tern = replace(other, id="b", truth=OPTIONS[1], extra=other.extra | {"correct": OPTIONS[1]})
    _, metrics = tally([gull, tern], samples=10)
    found = metrics["mean_prior"]
    assert [one["alpha"] for one in found] == list(range(9))
    assert [one["top1"] for one in found[:3]] == [0.5, 0.5, 1.0]  # at 2: the gull 0, the tern -1
    assert all(one["top5"] == 1 for one in found)
    fewer = replace(tern, extra=tern.extra | {"options": OPTIONS[::-1]})
    assert tally([gull, fewer], samples=10)[1]["mean_prior"] == []  # labels in another order have no common mean


def test_equal_scores_are_no_knowledge() -> None:
    """The first of the highest is the truth, as it stands first: naively right."""
    line = ranked([-2.0, -2.0, -2.0, -2.0])
    assert OPTIONS[max(range(4), key=lambda i: line.extra["logprobs"][0]["sum"][i])] == line.truth
    assert outcome(line) == "wrong"


def test_what_is_true_of_the_picture_too_is_no_rival_in_a_ranking() -> None:
    """A bird is more probable than a gull, which it is: naively the gull comes second, and a raven's picture loses."""
    options = ["gull", "bird", "raven"]

    def line(id_: str, correct: str, sums: list[float], **more: Any) -> Prediction:
        scored = [{"sum": sums, "tokens": [2, 1, 1]}, {"sum": [-4.0, -1.0, -5.0], "tokens": [2, 1, 1]}]
        told = {"protocol": "rank", "options": options, "correct": correct, "logprobs": scored, **more}
        return Prediction(id=id_, truth=correct, answers=("bird",), extra=told)

    sums = [-3.0, -1.0, -4.0]
    (naive, marked), metrics = tally([line("a", "gull", sums), line("b", "gull", sums, also_true=["bird"])], samples=10)
    assert naive.mark is not None and marked.mark is not None
    assert (naive.mark.said, naive.mark.chance, naive.mark.values["top1_sum"]) == (("bird",), 1 / 3, 0)
    assert (marked.mark.said, marked.mark.chance, marked.mark.values["top1_sum"]) == (("gull",), 1 / 2, 1)
    assert marked.mark.values["top1_mean"] == 1 and marked.mark.values["top1_calibrated"] == 0, (
        "-1.5; 1 against 1, a tie"
    )
    assert [one["top1"] for one in metrics["mean_prior"]] == [0.5] * 9
    assert marked.asked["also_true"] == ["bird"] and "also_true" not in naive.asked


def test_what_is_no_number_is_no_first_place() -> None:
    """Nothing is above NaN, so that it is first of all."""
    with pytest.raises(RlfgError, match='"a": a log-probability is no number'):
        tally([ranked([float("nan"), -1.0, -2.0, -3.0])], samples=10)
    impossible = float("-inf")
    _, metrics = tally([ranked([impossible] * 4, prior=[impossible] * 4)], samples=10)
    assert metrics["top1_sum"] == metrics["top1_calibrated"] == 0.0 == metrics["accuracy"]


def test_closed_answers_are_not_judged_as_names() -> None:
    """A letter is no taxon, and of the answers to three ranks none is the majority's."""
    verifier = NoVerifier()
    for line in (choice("A"), path("Laridae", "Larus", "Larus canus")):
        with pytest.raises(RlfgError, match="which `rlfg tally` scores"):
            score([line], verifier)
        with pytest.raises(RlfgError, match="which `rlfg tally` scores"):
            majority([line])
    named = choice("<answer>gull</answer>", answer_as="name")
    assert [item.answer for item in score([named, ranked([-1.0] * 4)], verifier)] == ["gull", "gull"]
    with pytest.raises(RlfgError, match="which `rlfg tally` scores"):
        majority([named])


def test_always_yes_is_half_right_and_found_out() -> None:
    lines = [
        Prediction(id=f"{truth}{k}", truth=truth, completions=("<answer>Yes</answer>",), extra={"protocol": "pairs"})
        for truth in ("yes", "no")
        for k in range(3)
    ]
    _, metrics = tally(lines, samples=10)
    assert (metrics["accuracy"], metrics["right_of_same"], metrics["right_of_different"]) == (0.5, 1.0, 0.0)
    assert metrics["says_same"] == 1.0
    both = Prediction(id="x", truth="yes", completions=("<answer>yes and no</answer>",), extra={"protocol": "pairs"})
    assert outcome(both) == "unreadable"


@pytest.mark.parametrize(
    ("reply", "truth", "ours", "theirs"),
    [
        ("<answer>Yes.</answer>", "yes", 1, 1),
        ("<answer>the same</answer>", "yes", 1, 0),  # neither word is said
        ("No: other beaks. <answer>no, or yes</answer>", "yes", 0, 1),  # the last word that is said
        ("<answer> </answer> I would say no", "no", 0, 1),
        ("<answer>Yep!</answer>", "yes", 0, 1),
        ("<answer>2</answer>", "2", 1, 1),
        ("<answer>two</answer>", "2", 1, 0),
        ("<answer>2 or 3</answer>", "3", 0, 1),
        ("The 1st and 2 others. <answer>all</answer>", "2", 0, 1),
        ("<answer>7</answer>", "3", 0, 0),
    ],
)
def test_fgvqa_s_reading_stands_beside_ours(reply: str, truth: str, ours: int, theirs: int) -> None:
    protocol = "pairs" if truth in ("yes", "no") else "count"
    line = Prediction(id="x", truth=truth, completions=(reply,), extra={"protocol": protocol})
    _, metrics = tally([line], samples=10)
    assert (metrics["accuracy"], metrics["fgvqa_accuracy"]) == (ours, theirs)


def test_vlmclassifier_s_accuracy_stands_beside_ours() -> None:
    """The truth anywhere in the reply: a list and a longer name are paid there; letters are not names."""
    said = {
        "gull": "gull",
        "a": "A Gull.",
        "list": "gull, raven",
        "longer": "gull-billed tern",
        "other": "raven",
        "": "",
    }
    lines = [choice(text, id_=k or "none", answer_as="name") for k, text in said.items()]
    _, metrics = tally(lines, samples=10)
    assert (metrics["accuracy"], metrics["text_inclusion"]) == (pytest.approx(1 / 6), pytest.approx(4 / 6))
    assert "text_inclusion" not in tally([choice("A")], samples=10)[1]


def test_counts_are_told_apart() -> None:
    said = {"0": "0", "1": "all of them", "2": "2 or 3", "3": "7"}
    lines = [
        Prediction(id=t, truth=t, completions=(f"<answer>{s}</answer>",), extra={"protocol": "count"})
        for t, s in said.items()
    ]
    marked, metrics = tally(lines, samples=10)
    assert [one.mark.outcomes[0] for one in marked if one.mark] == ["right", "wrong", "unreadable", "unreadable"]
    assert (metrics["off_by"], metrics["denominators"]["off_by"]) == (1.0, 2)
    assert (metrics["right_of_0"], metrics["right_of_3"], metrics["chance"]) == (1.0, 0.0, 0.25)


RANKED = """\
family,genus,species
Laridae,Larus,Larus canus
Laridae,Sterna,Sterna hirundo
Corvidae,Corvus,Corvus corax
Upupa,Upupa,Upupa epops
"""


def path(*said: str, truth: str = "Larus canus", id_: str = "a") -> Prediction:
    told = {"protocol": "per_rank", "ranks": ["family", "genus", "species"]}
    return Prediction(id=id_, truth=truth, completions=tuple(f"<answer>{s}</answer>" for s in said), extra=told)


@pytest.mark.parametrize(
    ("line", "right", "whole", "together", "consistent"),
    [
        (path("Laridae", "Larus", "Larus canus"), (1, 1, 1), 1, 1, 1),
        (path("Laridae", "Sterna", "Larus canus"), (1, 0, 1), 0, 0, 0),  # each nearly right, and no path
        (path("Corvidae", "Corvus", "Corvus corax"), (0, 0, 0), 0, 0, 1),  # wrong, and one path
        (path("Laridae", "Larus", ""), (1, 1, 0), 0, 0.5, 0),
        (path("Larus canus", "Larus canus", "Larus canus"), (0, 0, 1), 0, 0, 0),  # a species is no family
        (path("Laridae, Corvidae", "Larus", "Larus canus"), (0, 1, 1), 0, 0.5, 0),
        (path("Upupa", "Upupa", "Upupa epops", truth="Upupa epops"), (1, 1, 1), 1, 1, 1),  # one name, two ranks
    ],
)
def test_a_path_is_right_rank_by_rank_and_as_a_whole(
    tmp_path: Path, line: Prediction, right: tuple[int, ...], whole: int, together: float, consistent: int
) -> None:
    (tmp_path / "t.csv").write_text(RANKED)
    tree = load_taxonomy(tmp_path / "t.csv", root="bird")
    _, metrics = tally([line], tree, samples=10)
    assert tuple(metrics[f"right_at_{rank}"] for rank in ("family", "genus", "species")) == right
    assert (metrics["hca"], metrics["tor"], metrics["consistent"]) == (whole, together, consistent)
    assert metrics["por"] == sum(right) / 3 and metrics["strict_por"] == [*right, 0].index(0) / 3
    with pytest.raises(RlfgError, match="--taxonomy"):
        tally([line])


def test_a_rank_that_the_truth_has_not_is_in_no_figure(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(RANKED)
    tree = load_taxonomy(tmp_path / "t.csv", root="bird")
    _, metrics = tally([path("Laridae", "Larus", "Larus canus", truth="Larus")], tree, samples=10)
    assert metrics["counts"]["no_truth"] == 1 and metrics["denominators"]["accuracy"] == 2
    assert metrics["hca"] == metrics["tor"] == metrics["consistent"] == 1.0, "nor does it break a path"


@pytest.mark.parametrize("name", available())
def test_a_model_that_knows_all_of_a_benchmark_is_right_at_every_rank(name: str) -> None:
    """Two of its taxa may have one name: two Sprinters, two anemones."""
    tree = load_taxonomy(f"builtin:{name}")
    ranks = [rank for rank in tree.main_ranks if rank in tree.ranks[1:]]
    lines = []
    for label in class_names(name):
        named = {tree.ranks[node]: tree.node_name(node) for node in tree.lineage(tree.lookup(label)[0])[1:]}
        said = tuple(named.get(rank, "None") for rank in ranks)
        lines.append(Prediction(id=label, truth=label, answers=said, extra={"protocol": "per_rank", "ranks": ranks}))
    _, metrics = tally(lines, tree, samples=10)
    assert metrics["accuracy"] == metrics["hca"] == metrics["tor"] == 1.0
    assert metrics["consistent"] == 1.0 and metrics["items"] == len(lines)


def test_most_samples_win_and_the_first_of_equals(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(RANKED)
    tree = load_taxonomy(tmp_path / "t.csv", root="bird")
    said = ("<answer>Corvus corax</answer>", "<answer>Larus canus</answer>", "nothing", "<answer>larus Canus.</answer>")
    line = Prediction(id="a", truth="Larus canus", completions=said, extra={"protocol": "open"})
    failed = Prediction(id="b", truth="x", error="HTTP 500")
    mute = Prediction(id="c", truth="x", completions=("nothing", "<answer></answer>"))
    tie = Prediction(id="d", truth="x", answers=("Larus", "Corvus"))
    won, still_failed, empty, first = majority([line, failed, mute, tie], tree)
    assert won.answers == ("Larus canus",) and (won.extra["votes"], won.extra["samples"]) == (2, 4)
    assert still_failed == failed and empty.answers == ("",) and first.answers == ("Larus",)
    assert empty.extra["votes"] == 0


def test_only_one_closed_protocol_is_tallied() -> None:
    with pytest.raises(RlfgError, match="rlfg score"):
        tally([Prediction(id="a", truth="x", answers=("y",))])
    with pytest.raises(RlfgError, match="several protocols"):
        tally([choice("A"), ranked([-1.0] * 4)])
    with pytest.raises(RlfgError, match="1 questions were asked, and it has 2"):
        line = choice("A")
        tally([Prediction(id="a", truth="gull", answers=("A", "B"), extra=line.extra)])
    with pytest.raises(RlfgError, match="does not stand once"):
        tally([choice("A", correct="owl")])


def test_a_tally_loads_no_torch(tmp_path: Path) -> None:
    told = {"protocol": "choice", "options": [OPTIONS], "correct": "gull", "answer_as": "letter"}
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "a", "truth": "gull", "completion": "A", **told}) + "\n")
    code = (
        "import sys; from rlfg.cli import main\n"
        f"try: main(['tally', '--predictions', {str(tmp_path / 'p.jsonl')!r}, '--out', {str(tmp_path / 'out')!r}])\n"
        "finally: assert not {'torch', 'transformers', 'pyarrow'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "lines 1  failed 0  duplicates 0  items 1" in done.stdout and "accuracy" in done.stdout

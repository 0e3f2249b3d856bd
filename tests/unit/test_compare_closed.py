"""Two runs of the same closed questions, by hand: differences, the test, what moved, and where every line went."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.compare import Comparison
from eval.compare.paired import holm_corrected
from eval.compare.tables import latex, markdown, tables
from eval.compare.tallied import compare_tallies, item_outcome
from eval.compare.text import comparison_text
from eval.predictions import write_predictions
from eval.tally import Mark, TalliedItem, read_tallied, tally, write_marks
from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy
from rlfg.types import Prediction

OPTIONS = ["gull", "tern", "raven", "magpie"]
TREE = """\
family,genus,species
Laridae,Larus,Larus canus
Laridae,Sterna,Sterna hirundo
Corvidae,Corvus,Corvus corax
"""


def choice(id_: str, truth: str, said: str | None, **more: Any) -> Prediction:
    """A line; `said` None is a failure, and there may be several rotations, divided by "/"."""
    told = {"protocol": "choice", "options": [OPTIONS], "correct": truth, "answer_as": "name", "class": truth}
    image = more.pop("image", f"{id_}.png")
    if said is None:
        return Prediction(id=id_, truth=truth, image=image, error="HTTP 500", extra=told | more)
    texts = tuple(f"<think>Hm.</think><answer>{text}</answer>" for text in said.split("/"))
    return Prediction(id=id_, truth=truth, image=image, completions=texts, extra=told | more)


A = [
    choice("g1", "gull", "gull"),
    choice("g2", "gull", "tern"),
    choice("t1", "tern", "tern or raven"),
    choice("r1", "raven", "raven"),
    choice("r2", "raven", None),
    choice("m1", "magpie", ""),
    choice("g1-again", "gull", "gull", image="g1.png"),
    choice("x", "tern", "tern"),
]
B = [
    choice("g1", "gull", "gull"),
    choice("g2", "gull", "gull"),
    choice("t1", "tern", "tern"),
    choice("r1", "raven", "magpie"),
    choice("r2", "raven", "raven"),
    choice("m1", "magpie", "magpie"),
    choice("g1-again", "gull", "raven", image="g1.png"),
    choice("y", "tern", "tern"),
    choice("z", "tern", None),
]


def items(folder: Path, lines: list[Prediction], taxonomy: Taxonomy | None = None) -> list[TalliedItem]:
    """Tallied, written and read."""
    write_marks(folder / "items.jsonl", tally(lines, taxonomy, samples=10)[0])
    return read_tallied(folder / "items.jsonl")


def compared(folder: Path, a: list[Prediction], b: list[Prediction], taxonomy: Taxonomy | None = None) -> Comparison:
    protocol = str(a[0].extra["protocol"])
    return compare_tallies(protocol, items(folder, a, taxonomy), items(folder, b, taxonomy))


def test_by_hand(tmp_path: Path) -> None:
    result = compared(tmp_path, A, B)
    assert (result.items, result.only_a, result.only_b) == (5, ("x",), ("y", "z"))
    assert (result.failed, result.duplicates) == (("r2",), ("g1-again",))
    accuracy = result.metrics["accuracy"]
    assert (accuracy.a, accuracy.b) == (2 / 5, 4 / 5) and accuracy.difference == pytest.approx(0.4)
    test = result.mcnemar
    assert (test.both_correct, test.only_a_correct, test.only_b_correct, test.neither_correct) == (1, 1, 3, 0)
    assert test.p == pytest.approx(2 * (1 + 4) / 16)
    assert result.transitions == {
        "right": {"right": 1, "wrong": 1}, "wrong": {"right": 1}, "unreadable": {"right": 1}, "empty": {"right": 1}
    }  # fmt: skip
    assert [(c.id, c.a_answers, c.b_answers) for c in result.changed] == [
        ("g2", {"tern": 1}, {"gull": 1}),
        ("t1", {"tern or raven": 1}, {"tern": 1}),
        ("r1", {"raven": 1}, {"magpie": 1}),
        ("m1", {"": 1}, {"magpie": 1}),
    ]
    text = comparison_text(result)
    assert "choice: 5 items in both; only in A: 1, only in B: 2, failed in either: 1, duplicates in either: 1" in text
    assert "right in both 1, only in A 1, only in B 3, in neither 0, no truth 0; exact McNemar p = 0.625" in text
    assert 't1: tern: "tern or raven" unreadable → "tern" right' in text
    assert "m1: magpie: (no answer) empty" in text


def test_every_line_of_both_runs_is_somewhere(tmp_path: Path) -> None:
    result = compared(tmp_path, A, B)
    apart = (result.only_a, result.only_b, result.failed, result.duplicates)
    assert result.items + sum(map(len, apart)) == len({line.id for line in [*A, *B]})
    for own, lines in ((result.only_a, A), (result.only_b, B)):
        assert result.items + len(own) + len(result.failed) + len(result.duplicates) == len(lines)
    assert sum(n for row in result.transitions.values() for n in row.values()) == result.items


def test_a_copy_in_one_run_is_out_of_both(tmp_path: Path) -> None:
    """Where the first of two copies failed the second stands for it, and in the other run it does not."""
    a = [choice("1", "gull", None), choice("2", "gull", "gull", image="1.png"), choice("3", "tern", "tern")]
    b = [choice("1", "gull", "tern"), choice("2", "gull", "tern", image="1.png"), choice("3", "tern", "tern")]
    result = compared(tmp_path, a, b)
    assert (result.items, result.failed, result.duplicates) == (1, ("1",), ("2",))
    assert result.metrics["accuracy"].difference == 0


def test_intervals_are_paired_and_of_the_resamples_of_a_tally(tmp_path: Path) -> None:
    """B is right about all gulls, A about nothing: a resample of the two classes has all, half or no gulls."""
    a = [choice(f"{t}{k}", t, "magpie") for t in ("gull", "tern") for k in range(3)]
    b = [choice(f"{t}{k}", t, "gull") for t in ("gull", "tern") for k in range(3)]
    accuracy = compared(tmp_path, a, b).metrics["accuracy"]
    assert (accuracy.difference, accuracy.ci) == (0.5, (0.0, 1.0))
    mixed = [
        choice(f"{c}-{k}", "gull", "gull" if k * c % 5 < 3 else "tern", **{"class": str(c)})
        for c in range(13)
        for k in range(c + 3)
    ]
    nothing = [replace(line, completions=("<answer>owl</answer>",)) for line in mixed]
    found = compared(tmp_path, nothing, mixed).metrics["accuracy"]
    _, metrics = tally(mixed)
    assert found.ci == pytest.approx(metrics["ci"]["accuracy"], abs=1e-6), "A adds nothing: these are B's own"
    same = compared(tmp_path, mixed, mixed).metrics["accuracy"]
    assert same.ci == (0.0, 0.0), "both runs have the same resamples"


@pytest.mark.parametrize(
    ("outcomes", "outcome"),
    [
        (("right", "right"), "right"),
        (("right", "wrong", "empty"), "wrong"),
        (("empty", "unreadable", "right"), "unreadable"),
        (("right", "empty"), "empty"),
        (("right", "no_truth"), "right"),
        (("no_truth", "no_truth"), "no_truth"),
    ],
)
def test_an_item_is_right_where_all_its_questions_are(outcomes: tuple[Any, ...], outcome: str) -> None:
    assert item_outcome(Mark(outcomes=outcomes, said=("x",) * len(outcomes))) == outcome


def test_rotations_are_one_item_and_many_questions(tmp_path: Path) -> None:
    orders = [OPTIONS[k:] + OPTIONS[:k] for k in range(4)]
    a = [choice("1", "gull", "gull/gull/gull/tern", options=orders)]
    b = [choice("1", "gull", "gull/gull/gull/gull", options=orders[::-1])]
    result = compared(tmp_path, a, b)
    assert (result.items, result.questions, result.mcnemar.only_b_correct) == (1, 4, 1)
    assert {name: (row.a, row.b) for name, row in result.metrics.items()} == {
        "accuracy": (0.75, 1.0), "text_inclusion": (0.75, 1.0), "all_right": (0.0, 1.0), "consistent": (0.0, 1.0)
    }  # fmt: skip
    assert result.changed[0].a_answers == {"gull": 3, "tern": 1}
    text = comparison_text(result)
    assert "4 questions; an item of several questions is right where all of them are" in text
    assert '1: gull: "gull" ×3, "tern" wrong → "gull" ×4 right' in text


def path(id_: str, truth: str, *said: str) -> Prediction:
    told = {"protocol": "per_rank", "ranks": ["family", "genus", "species"]}
    return Prediction(id=id_, truth=truth, completions=tuple(f"<answer>{s}</answer>" for s in said), extra=told)


def tree_of(folder: Path, text: str = TREE) -> Taxonomy:
    (folder / "tree.csv").write_text(text)
    return load_taxonomy(folder / "tree.csv", root="bird")


def test_paths_are_right_as_a_whole_and_need_a_truth(tmp_path: Path) -> None:
    """A genus has no species, and takes part with its two ranks; a dodo has no rank at all, and takes no part."""
    tree = tree_of(tmp_path)
    a = [
        path("1", "Larus canus", "Laridae", "Larus", "a gull or a tern"),
        path("2", "Larus", "Laridae", "Larus", "Larus canus"),
        path("3", "Dodo", "Laridae", "Larus", "Larus canus"),
    ]
    b = [
        path("1", "Larus canus", "Laridae", "Larus", "Larus canus"),
        path("2", "Larus", "Laridae", "Sterna", "Sterna hirundo"),
        path("3", "Dodo", "Corvidae", "Corvus", "Corvus corax"),
    ]
    result = compared(tmp_path, a, b, tree)
    assert result.transitions == {"right": {"wrong": 1}, "unreadable": {"right": 1}, "no_truth": {"no_truth": 1}}
    test = result.mcnemar
    assert (test.only_a_correct, test.only_b_correct, test.no_verdict) == (1, 1, 1)
    rows = {name: (row.a, row.b) for name, row in result.metrics.items()}
    assert rows["accuracy"] == (4 / 5, 4 / 5) and rows["hca"] == (0.5, 0.5)
    assert (rows["right_at_genus"], rows["right_at_species"]) == ((1.0, 0.5), (0.0, 1.0))
    assert list(result.changed[0].a_answers) == ["family Laridae", "genus Larus", "a gull or a tern"], "in order"
    other = items(tmp_path, b, tree_of(tmp_path, TREE.replace("Larus canus", "Larus fuscus")))
    with pytest.raises(RlfgError, match='item "1" is another question .* "taxonomy"'):
        compare_tallies("per_rank", items(tmp_path, a, tree), other)


def count(id_: str, truth: str, said: str, *pictures: str) -> Prediction:
    told = {"protocol": "count", "images": list(pictures), "class": "gull"}
    return Prediction(id=id_, truth=truth, completions=(f"<answer>{said}</answer>",), extra=told)


def test_a_metric_that_one_run_has_nothing_for_is_shown_all_the_same(tmp_path: Path) -> None:
    result = compared(tmp_path, [count("1", "2", "0")], [count("1", "2", "two or three")])
    off_by = result.metrics["off_by"]
    assert (off_by.a, off_by.b, off_by.difference, off_by.ci) == (2.0, None, None, None)
    assert result.transitions == {"wrong": {"unreadable": 1}} and not result.mcnemar.only_b_correct
    assert result.metrics["right_of_2"].difference == 0


def test_ranked_labels_are_compared_by_every_score(tmp_path: Path) -> None:
    def ranked(sums: list[float], prior: list[float] | None = None) -> list[Prediction]:
        scored = [{"sum": s, "tokens": [1, 2, 1, 1]} for s in [sums, *([prior] if prior else [])]]
        told = {"protocol": "rank", "options": OPTIONS, "correct": "gull", "class": "gull", "logprobs": scored}
        best = OPTIONS[sums.index(max(sums))]
        return [Prediction(id="1", truth="gull", answers=(best,), extra=told)]

    # By the mean the tern has -3 / 2, more than the gull. Without the prior the tern has 1, the gull -4.
    result = compared(tmp_path, ranked([-2, -3, -9, -9]), ranked([-5, -3, -9, -9], [-1, -4, -9, -9]))
    rows = {name: (row.a, row.b) for name, row in result.metrics.items()}
    assert (rows["top1_sum"], rows["top1_mean"]) == ((1.0, 0.0), (0.0, 0.0))
    assert rows["top1_calibrated"] == (None, 0.0), "only B has a prior"
    assert [(c.a_answers, c.b_answers) for c in result.changed] == [({"gull": 1}, {"tern": 1})]


def test_the_order_of_options_and_the_folder_of_pictures_are_no_part_of_the_question(tmp_path: Path) -> None:
    shuffled = [choice("1", "gull", "gull", options=[OPTIONS[::-1]])]
    assert compared(tmp_path, [choice("1", "gull", "gull")], shuffled).items == 1
    here, there = count("1", "1", "1", "p", "q", "r", "s"), count("1", "1", "1", "/d/p", "/d/s", "/d/r", "/d/q")
    assert compared(tmp_path, [here], [there]).items == 1


@pytest.mark.parametrize(
    ("a", "b", "what"),
    [
        (choice("1", "gull", "gull"), choice("1", "tern", "tern"), '"truth" is "gull" there and "tern" here'),
        (choice("1", "gull", "gull"), choice("1", "tern", None), '"truth" is "gull" there'),
        (choice("1", "gull", "gull"), choice("1", "gull", "gull", **{"class": "#7"}), '"gull" there and "#7" here'),
        (choice("1", "gull", "gull"), choice("1", "gull", "gull", options=[["gull", "owl"]]), '"options_digest"'),
        (choice("1", "gull", "gull"), choice("1", "gull", "gull/gull", options=[OPTIONS] * 2), '"questions" is 1'),
        (count("1", "1", "1", "p", "q", "r", "s"), count("1", "1", "1", "q", "p", "r", "s"), '"pictures"'),
    ],
)  # fmt: skip
def test_another_question_behind_an_id_is_refused(tmp_path: Path, a: Prediction, b: Prediction, what: str) -> None:
    """Both lines are named."""
    other = choice("0", "gull", "gull") if a.extra["protocol"] == "choice" else count("0", "1", "1")
    with pytest.raises(
        RlfgError, match=r'items.jsonl:2: item "1" is another question than on .*items.jsonl:2'
    ) as error:
        compared(tmp_path, [other, a], [other, b])
    assert what in str(error.value)


def test_runs_without_a_common_answer_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RlfgError, match="no answered item in common"):
        compared(tmp_path, [choice("1", "gull", "gull"), choice("2", "gull", None)], [choice("2", "gull", "gull")])


def test_several_runs_are_corrected_and_tabled(tmp_path: Path) -> None:
    """B is right about 5 items more than A (p = 2 / 32), C about one (p = 1): Holm doubles the smaller."""
    runs = [[choice(f"{k}", "gull", "gull" if k < n else "owl | hawk") for k in range(8)] for n in (2, 7, 3)]
    a, *others = (items(tmp_path, run) for run in runs)
    results = holm_corrected({n: compare_tallies("choice", a, o) for n, o in zip("bc", others, strict=True)})
    assert [(r.mcnemar.p, r.mcnemar.p_holm) for r in results.values()] == [(0.0625, 0.125), (1.0, 1.0)]
    metrics, tests, moves, changes, counts = tables("a", results)
    numbers = ("0.250", "0.875", "+0.625", "0.375", "+0.125")
    assert metrics.rows == (("accuracy", *numbers), ("text_inclusion", *numbers))
    assert tests.rows[0] == ("b", "8", "0", "5", "2", "1", "0", "0.0625", "0.125") and "no truth" in tests.header
    assert moves.rows == (("b", "unreadable", "right", "5"), ("c", "unreadable", "right", "1"))
    assert len(changes.rows) == 6 and changes.rows[0][3] == "owl | hawk"
    assert counts.rows == (("b", "8", "0", "0", "0", "0"), ("c", "8", "0", "0", "0", "0"))
    assert "owl \\| hawk" in markdown("a", results) and latex("a", results).isascii()


def test_a_table_says_where_runs_have_other_items_in_common(tmp_path: Path) -> None:
    """A is right about item 1 of two. B answered both, C failed at the second: A has 1/2 beside B, and 1 beside C."""
    a = [choice("1", "gull", "gull"), choice("2", "tern", "gull")]
    b = [choice("1", "gull", "gull"), choice("2", "tern", "tern")]
    c = [choice("1", "gull", "tern"), choice("2", "tern", None)]
    results = {name: compared(tmp_path, a, run) for name, run in (("b", b), ("c", c))}
    assert tables("a", results)[0].rows[0][1] == "0.500"
    assert "is of its items in common with b; others" in markdown("a", results)
    assert "in common" not in markdown("a", {"b": results["b"]})


def told(folder: Path, name: str, lines: list[Prediction], *, failures: bool = False) -> str:
    """The folder of `rlfg tally` over a predictions file, both written as a user would."""
    write_predictions(folder / f"{name}.jsonl", lines)
    with pytest.raises(SystemExit) as ended:
        main(["tally", "--predictions", str(folder / f"{name}.jsonl"), "--out", str(folder / name)])
    assert ended.value.code == int(failures)
    return str(folder / name)


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["compare", *arguments])
    return int(ended.value.code or 0)


def test_from_predictions_to_a_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = told(tmp_path, "a", A, failures=True), told(tmp_path, "b", B, failures=True)
    capsys.readouterr()
    assert command(a, b, "--json", str(tmp_path / "c.json")) == 0
    text = capsys.readouterr().out
    assert "5 items in both; only in A: 1, only in B: 2, failed in either: 1, duplicates in either: 1" in text
    assert "accuracy" in text and "exact McNemar p = 0.625" in text
    record = json.loads((tmp_path / "c.json").read_text())
    assert (record["protocol"], record["duplicates"], record["mcnemar"]["only_b_correct"]) == (
        "choice",
        ["g1-again"],
        3,
    )
    assert command(a, b, told(tmp_path, "b2", B, failures=True), "--format", "markdown") == 0
    assert "| b2 | 5 | 1 | 2 | 1 | 1 |" in capsys.readouterr().out


def test_what_was_not_asked_alike_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = told(tmp_path, "a", A, failures=True)
    counts = told(tmp_path, "counts", [count("g1", "1", "1")])
    options = [choice(p.id, p.truth, "gull", options=[["gull", "tern", "raven", "magpie", "owl"]]) for p in A[1:4]]
    others = told(tmp_path, "others", options)
    (tmp_path / "tree.csv").write_text(TREE)
    write_predictions(tmp_path / "open.jsonl", [Prediction(id="g1", truth="Larus canus", answers=("Larus",))])
    scored = str(tmp_path / "scored")
    score = ["--predictions", str(tmp_path / "open.jsonl"), "--taxonomy", str(tmp_path / "tree.csv"), "--root", "bird"]
    with pytest.raises(SystemExit):
        main(["score", *score, "--out", scored])
    for first, second, said in (
        (
            a,
            counts,
            f"{a}: closed questions of protocol choice (rlfg tally), but {counts}: closed questions of protocol",
        ),
        (a, scored, f"but {scored}: open questions (rlfg score)"),
        (scored, a, f"{scored}: open questions (rlfg score), but {a}"),
        (a, others, f'{others}/items.jsonl:1: item "g2" is another question than on {a}/items.jsonl:2'),
        (a, str(tmp_path), f"{tmp_path / 'items.jsonl'}: no such file; give a folder that `rlfg score` or"),
    ):
        capsys.readouterr()
        assert command(first, second) == 2
        assert said in capsys.readouterr().err


def test_a_folder_that_says_too_little_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = told(tmp_path, "a", A, failures=True)
    old = Path(told(tmp_path, "old", B, failures=True))
    lines = [json.loads(line) for line in (old / "items.jsonl").read_text().splitlines()]
    del lines[1]["asked"]
    (old / "items.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert command(a, str(old)) == 2
    assert "items.jsonl:2: has no 'asked'; tally the predictions again" in capsys.readouterr().err
    (old / "items.jsonl").write_text(json.dumps(lines[0]) + "\n" + json.dumps(lines[0]) + "\n")
    assert command(a, str(old)) == 2
    assert 'items.jsonl:2: id "g1" stands on' in capsys.readouterr().err
    (old / "metrics.json").write_text("{}")
    assert command(a, str(old)) == 2
    assert "holds no scores; give a folder that `rlfg score` or `rlfg tally` wrote" in capsys.readouterr().err

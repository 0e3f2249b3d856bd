"""One setting over several seeds, asked closed questions: by hand, and as a user does it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tally_toys import BIRDS, chosen, command, counted, pathed, ranked, ranks_of_birds, tallied, tally_folder

from eval.seeds import Seeds, seeds_text, tallies_over_seeds
from eval.tally import tally
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy
from rlfg.types import Prediction

ONE = [
    chosen("g1", "gull", "gull"),
    chosen("g2", "gull", "gull"),
    chosen("t1", "tern", "owl"),
    chosen("t2", "tern", ""),
]
"""All gulls right, no tern: 1/2."""
ALL = [chosen(f"{truth[0]}{k}", truth, truth) for truth in ("gull", "tern") for k in (1, 2)]


def combined(folder: Path, *runs: list[Prediction], taxonomy: Taxonomy | None = None, samples: int = 400) -> Seeds:
    protocol = str(runs[0][0].extra["protocol"])
    named = {f"s{k}": tallied(folder, lines, taxonomy) for k, lines in enumerate(runs, start=1)}
    return tallies_over_seeds(protocol, named, samples=samples)


def test_by_hand(tmp_path: Path) -> None:
    found = combined(tmp_path, ONE, ALL)
    assert (found.runs, found.items, found.questions, found.failed, found.duplicates) == (("s1", "s2"), 4, 4, (), ())
    row = found.metrics["accuracy"]
    assert (row.mean, row.values) == (0.75, {"s1": 0.5, "s2": 1.0})
    assert row.sd == pytest.approx(0.25 * np.sqrt(2))
    assert row.t_interval == pytest.approx((0.75 - 12.7062 * 0.25, 0.75 + 12.7062 * 0.25), abs=1e-3)
    # Seed 1 twice (a quarter of the draws) on two tern classes (a quarter) has nothing right.
    assert row.bootstrap_interval == (0.0, 1.0)
    text = seeds_text(found)
    assert "choice: 2 runs, 4 items answered in all; failed in any: 0, duplicates in any: 0\n" in text
    assert "accuracy                     0.750   0.354   [-2.427, 3.927]     [0.000, 1.000]" in text


def test_seeds_are_drawn_even_where_classes_are_alike(tmp_path: Path) -> None:
    """All wrong, and all right: of two seeds drawn, both are the first or both the second in a quarter each."""
    nothing = [chosen(line.id, line.truth, "owl") for line in ALL]
    assert combined(tmp_path, nothing, ALL).metrics["accuracy"].bootstrap_interval == (0.0, 1.0)


def test_one_seed_has_the_numbers_of_its_tally(tmp_path: Path) -> None:
    said = ("gull", "gull", None, None, None)
    lines = [chosen(f"{bird}{k}", bird, told or bird) for bird in BIRDS for k, told in enumerate(said)]
    _, metrics = tally(lines)
    row = combined(tmp_path, lines, samples=1000).metrics["accuracy"]
    assert (row.mean, row.sd, row.t_interval) == (metrics["accuracy"], None, None)
    assert row.bootstrap_interval == pytest.approx(metrics["ci"]["accuracy"], abs=1e-6)


def test_every_line_is_somewhere_and_numbers_are_of_what_all_answered(tmp_path: Path) -> None:
    """The failed tern is right in seed 2, and the copy wrong in seed 1: neither counts in either."""
    first = [*ONE[:3], chosen("t2", "tern"), chosen("g1-again", "gull", "owl", image="g1.png")]
    second = [*ALL, chosen("g1-again", "gull", "gull", image="other.png")]
    found = combined(tmp_path, first, second)
    assert (found.items, found.failed, found.duplicates) == (3, ("t2",), ("g1-again",))
    assert found.items + len(found.failed) + len(found.duplicates) == len(first) == len(second)
    assert found.metrics["accuracy"].values == {"s1": 2 / 3, "s2": 1.0}
    assert "3 items answered in all; failed in any: 1, duplicates in any: 1" in seeds_text(found)


def test_rotations_are_one_item_with_many_questions(tmp_path: Path) -> None:
    found = combined(tmp_path, [chosen("1", "gull", "gull", "tern")], [chosen("1", "gull", "gull", "gull")])
    assert "1 items answered in all (2 questions)" in seeds_text(found)
    assert {name: row.mean for name, row in found.metrics.items()} == {
        "accuracy": 0.75, "text_inclusion": 0.75, "all_right": 0.5, "consistent": 0.5
    }  # fmt: skip


def test_every_further_value_of_a_tally_is_there(tmp_path: Path) -> None:
    tree = ranks_of_birds(tmp_path)
    right, genus = ("Laridae", "Larus", "gull"), ("Laridae", "Larus", "tern")
    found = combined(tmp_path, [pathed("1", "gull", *right)], [pathed("1", "gull", *genus)], taxonomy=tree)
    means = {name: row.mean for name, row in found.metrics.items()}
    assert means == pytest.approx(
        {"accuracy": 5 / 6, "right_at_family": 1, "right_at_genus": 1, "right_at_species": 0.5, "tor": 0.75, "hca": 0.5,
         "por": 5 / 6, "strict_por": 5 / 6, "consistent": 0.5}
    )  # fmt: skip
    labels = combined(tmp_path, [ranked("1", "gull", -1, -2, -3, -4)], [ranked("1", "gull", -2, -1, -3, -4)])
    assert (labels.metrics["top1_sum"].mean, labels.metrics["top5_mean"].mean) == (0.5, 1.0)


def test_a_value_that_some_seeds_lack_is_of_the_others(tmp_path: Path) -> None:
    """Four of six give no number, and are off by none. Of the two others one is always off by 0, one by 1."""
    mute, none_off, one_off = (
        [counted(bird, "1", said, of=bird) for bird in ("gull", "tern")] for said in ("many", "1", "2")
    )
    row = combined(tmp_path, *[mute] * 4, none_off, one_off).metrics["off_by"]
    assert list(row.values.values()) == [None] * 4 + [0, 1] and row.mean == 0.5
    assert row.sd == pytest.approx(np.sqrt(0.5)) and row.bootstrap_interval == (0.0, 1.0)
    assert combined(tmp_path, mute, one_off).metrics["off_by"].sd is None


def test_other_questions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RlfgError, match='"s1" and "s2" are not over the same items: 1 ids are in one only, "t2" among'):
        combined(tmp_path, ONE, ALL[:3])
    other = [*ALL[:3], chosen("t2", "tern", "tern", options=[["tern", "owl"]])]
    with pytest.raises(RlfgError, match=r'items.jsonl:4: item "t2" is another question than on .*"options_digest"'):
        combined(tmp_path, ONE, other)
    with pytest.raises(RlfgError, match="no item was answered in all of s1, s2"):
        combined(tmp_path, [chosen("1", "gull"), ALL[1]], [chosen("1", "gull", "gull"), chosen("g2", "gull")])
    with pytest.raises(RlfgError, match="one or more seeds"):
        tallies_over_seeds("choice", {})


def test_from_predictions_to_the_mean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, every = tally_folder(tmp_path, "s1", ONE), tally_folder(tmp_path, "s2", ALL)
    failed = tally_folder(tmp_path, "s3", [*ALL[:3], chosen("t2", "tern")])
    capsys.readouterr()
    assert command("seeds", one, every, failed, "--json", str(tmp_path / "new" / "seeds.json")) == 0
    text = capsys.readouterr().out
    assert text.startswith("choice: 3 runs, 3 items answered in all; failed in any: 1, duplicates in any: 0\n")
    assert "accuracy                     0.889   0.192   [0.411, 1.367]" in text, "2/3, 1, 1"
    record = json.loads((tmp_path / "new" / "seeds.json").read_text())
    assert (record["protocol"], record["items"], record["failed"]) == ("choice", 3, ["t2"])
    assert record["metrics"]["accuracy"]["values"] == {"s1": pytest.approx(2 / 3), "s2": 1.0, "s3": 1.0}


def test_what_was_not_asked_alike_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    choice = tally_folder(tmp_path, "choice", ONE)
    count = tally_folder(tmp_path, "count", [counted("g1", "1", "1")])
    line = {"id": "g1", "truth": "gull", "answer": "gull"}
    (tmp_path / "open.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "tree.csv").write_text("family,genus\nLaridae,gull\n")
    scored, tree = str(tmp_path / "scored"), ["--taxonomy", str(tmp_path / "tree.csv"), "--root", "bird"]
    assert command("score", "--predictions", str(tmp_path / "open.jsonl"), *tree, "--out", scored) == 0
    for folders, said in (
        ((choice, count), f"{choice}: closed questions of protocol choice (rlfg tally), but {count}: closed questions"),
        ((choice, choice), f"{choice}: the same folder was given twice"),
        ((choice, scored), f"but {scored}: open questions (rlfg score); give runs that were asked alike"),
        ((scored, choice), f"{scored}: open questions (rlfg score), but {choice}"),
        ((str(tmp_path),), f"{tmp_path / 'items.jsonl'}: no such file; give a folder that `rlfg score` or"),
    ):
        capsys.readouterr()
        assert command("seeds", *folders) == 2
        assert said in capsys.readouterr().err
    assert command("seeds", scored) == 0
    assert capsys.readouterr().out.startswith("open: 1 run, 1 items answered in all; failed in any: 0\n")

"""The back-off policy, and whether its promise holds."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.backoff import Policy, read_policy, vouched, write_policy
from eval.calibrate import Outcomes, binomial_tail, calibrate, fit, needed, outcomes
from eval.confidence import confidence, reader
from rlfg.cli import main
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, taxonomy_from_lineages
from rlfg.taxonomy.resolving.index import index_of
from rlfg.types import Prediction

DELTA = 0.1


def birds() -> Taxonomy:
    lineages = {
        "Herring Gull": ["Charadriiformes", "Laridae", "Larus"],
        "Ring-billed Gull": ["Charadriiformes", "Laridae", "Larus"],
        "Laughing Gull": ["Charadriiformes", "Laridae", "Leucophaeus"],
        "Cerulean Warbler": ["Passeriformes", "Parulidae", "Setophaga"],
        "Hooded Warbler": ["Passeriformes", "Parulidae", "Setophaga"],
        "Ovenbird": ["Passeriformes", "Parulidae", "Seiurus"],
    }
    ranks = ("order", "family", "genus", "species")
    return taxonomy_from_lineages({n: [*above, n] for n, above in lineages.items()}, ranks=ranks, root="bird")


def nodes(tree: Taxonomy, *names: str | None) -> list[int | None]:
    read = reader(tree, profile=None, mode="lenient")
    return [None if name is None else read(f"<answer>{name}</answer>").node for name in names]


def test_confidence_sums_up_the_tree_and_backs_off() -> None:
    tree = birds()
    found = confidence(
        tree, nodes(tree, "Herring Gull", "Herring Gull", "Ring-billed Gull", "Laridae", "Ovenbird", None)
    )
    path = {tree.node_name(n): found.support[n] for n in found.path}
    assert path == {"bird": 5, "Charadriiformes": 4, "Laridae": 4, "Larus": 3, "Herring Gull": 2}
    says = {t: vouched(found, t) for t in (1.0, 4 / 6, 0.5, 1 / 3)}
    assert {t: None if n is None else tree.node_name(n) for t, n in says.items()} == {
        1.0: None,
        4 / 6: "Laridae",
        0.5: "Larus",
        1 / 3: "Herring Gull",
    }
    assert vouched(found, None) is None
    assert vouched(confidence(tree, [None, None]), 0.1) is None


@pytest.mark.parametrize("profile", ["general", "catalogue", "exact"])
def test_a_reader_is_ready_when_it_is_made(profile: str) -> None:
    """Nothing of the resolver's index, minutes for a large taxonomy, is left to the first answer."""
    tree = birds()
    read = reader(tree, profile=profile, mode="lenient")
    made = set(vars(index_of(tree)))
    for answer in ("Zzz Yyyy", "gulls", "a herring gul", "Herring Gull or Ovenbird"):
        read(f"<answer>{answer}</answer>")
    assert set(vars(index_of(tree))) == made


@pytest.mark.parametrize(("k", "n", "p"), [(0, 1, 0.5), (2, 10, 0.1), (9, 10, 0.3), (10, 10, 0.3), (0, 0, 0.2)])
def test_the_tail_is_exact(k: int, n: int, p: float) -> None:
    exact = sum(Fraction(math.comb(n, i)) * Fraction(p) ** i * Fraction(1 - p) ** (n - i) for i in range(min(k, n) + 1))
    assert binomial_tail(k, n, p) == pytest.approx(float(exact), rel=1e-12)
    assert binomial_tail(50, 100_000, 0.001) < binomial_tail(100, 100_000, 0.001) == pytest.approx(0.5266, abs=1e-3)


def test_the_sequence_stops_at_the_first_failure() -> None:
    """Later thresholds that would pass by themselves are not looked at."""
    wrong = np.zeros((100, 3), dtype=bool)
    wrong[:40, 1] = True
    found = Outcomes(
        thresholds=(1.0, 0.5, 0.25),
        answered_NT=np.ones((100, 3), dtype=bool),
        wrong_NT=wrong,
        specificity_NT=np.where(wrong, np.nan, 0.5),
    )
    threshold, steps = fit(found, risk=0.1, delta=0.05)
    assert threshold == 1.0
    assert [(s.wrong, s.passed) for s in steps] == [(0, True), (40, False), (0, False)]
    assert steps[2].p_value < 0.05 and steps[1].specificity == 0.5
    assert needed(0.1, 0.05) == 29 and 0.9**29 <= 0.05 < 0.9**28


def population(seed: int, tree: Taxonomy, pictures: int = 1500, samples: int = 10) -> Outcomes:
    """Pictures that are easy or hard; a model that names the truth, a sibling, the genus, or another bird."""
    rng = np.random.default_rng(seed)
    species = [tree.node_name(n) for n in range(tree.n) if tree.ranks[n] == "species"]
    predictions = []
    for number in range(pictures):
        truth = str(rng.choice(species))
        above = str(tree.node_name(int(tree.parent[nodes(tree, truth)[0] or 0])))
        skill = rng.beta(2.0, 1.0)
        # A hard picture misleads all samples alike: agreement alone is no proof.
        lure = str(rng.choice(species))
        kinds = rng.choice(4, size=samples, p=[skill * 0.8, skill * 0.2, (1 - skill) * 0.8, (1 - skill) * 0.2])
        texts = [(truth, above, lure, "None")[kind] for kind in kinds]
        predictions.append(Prediction(id=str(number), truth=truth, answers=tuple(texts)))
    return outcomes(predictions, tree)


def test_the_promise_holds_over_a_thousand_calibrations() -> None:
    """Calibration sets are drawn from a population whose risks are known, so the truth is known, too."""
    everything = population(0, birds())
    risks = everything.wrong_NT.sum(0) / everything.answered_NT.sum(0)
    # The hardest case: one threshold breaks the promise by a hair's breadth, the one before keeps it.
    risk = risks[4] - 0.001
    assert risks[3] < risk < risks[4]
    rng, trials, broken, naive, useful = np.random.default_rng(1), 1000, 0, 0, 0
    for _ in range(trials):
        drawn = rng.integers(0, len(everything.answered_NT), 200)
        seen = Outcomes(
            thresholds=everything.thresholds,
            answered_NT=everything.answered_NT[drawn],
            wrong_NT=everything.wrong_NT[drawn],
            specificity_NT=everything.specificity_NT[drawn],
        )
        threshold, steps = fit(seen, risk=risk, delta=DELTA)
        useful += threshold is not None
        if threshold is not None:
            broken += risks[everything.thresholds.index(threshold)] > risk
        hopeful = [i for i, s in enumerate(steps) if s.answered and s.wrong / s.answered <= risk]
        naive += bool(hopeful) and risks[hopeful[-1]] > risk
    error = math.sqrt(DELTA * (1 - DELTA) / trials)
    assert broken / trials <= DELTA + 3 * error
    assert useful > 0.9 * trials
    # The test can fail: the threshold that merely looked right breaks its promise far more often.
    assert naive / trials > 2 * DELTA


def lines(path: Path, count: int, samples: int = 4, truth: str = "Herring Gull") -> Path:
    answers = ["Herring Gull", "Herring Gull", "Herring Gull", "Larus", "Ovenbird"][:samples]
    rows = [{"id": str(i), "truth": truth, "answers": answers, "prompt": "think"} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def taxonomy(tmp_path: Path) -> Path:
    path = tmp_path / "birds.csv"
    path.write_text("order,family,genus,species\nCharadriiformes,Laridae,Larus,Herring Gull\n"
                    "Passeriformes,Parulidae,Seiurus,Ovenbird\n")  # fmt: skip
    return path


def calibrated(tmp_path: Path, taxonomy: Path, predictions: Path, *more: str) -> Path:
    out = tmp_path / "policy.json"
    options = ("--taxonomy", str(taxonomy), "--root", "bird", "--predictions", str(predictions), "--out", str(out))
    with pytest.raises(SystemExit) as stopped:
        main(["calibrate", *options, *more])
    if stopped.value.code:
        raise RlfgError("stopped")
    return out


def test_the_command_writes_a_policy(tmp_path: Path, taxonomy: Path, capsys: Any) -> None:
    other = lines(tmp_path / "test.jsonl", 20)
    out = calibrated(tmp_path, taxonomy, lines(tmp_path / "val.jsonl", 60), "--check", str(other))
    policy = read_policy(out)
    assert (policy.threshold, policy.samples, policy.pictures) == (0.25, 4, 60)
    assert policy.promises(4) and not policy.promises(3)
    assert (policy.prompt, policy.temperature, policy.max_tokens) == (None, None, None)
    assert policy.drawn_as(temperature=0.3, top_p=1, max_tokens=9), "nothing is on record"
    said = capsys.readouterr().out
    assert "at most 10% wrong, with confidence 95%" in said
    assert "says something of 20 of 20 pictures, 0.0% wrong" in said


def test_how_the_answers_were_drawn_is_kept(tmp_path: Path, taxonomy: Path) -> None:
    """As `rlfg predict` writes it beside its answers."""
    predictions = lines(tmp_path / "val.jsonl", 60)
    settings = {
        "sampling": {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 64},
        "protocol": {"texts": {"short": "abc"}},
    }
    (tmp_path / "val.jsonl.settings.json").write_text(json.dumps(settings))
    policy = read_policy(calibrated(tmp_path, taxonomy, predictions))
    assert (policy.prompt, policy.temperature, policy.top_p, policy.max_tokens) == ("abc", 0.7, 0.9, 64)
    assert policy.drawn_as(temperature=0.7, top_p=0.9, max_tokens=64)
    assert not policy.drawn_as(temperature=1.0, top_p=0.9, max_tokens=64)


def test_too_few_pictures_are_said_to_be_too_few(tmp_path: Path, taxonomy: Path, capsys: Any) -> None:
    policy = read_policy(calibrated(tmp_path, taxonomy, lines(tmp_path / "val.jsonl", 20)))
    assert policy.threshold is None
    assert "all samples agree on 20 pictures, and it takes 29" in capsys.readouterr().out


def test_one_answer_says_nothing_of_how_sure_a_model_is(tmp_path: Path, taxonomy: Path, capsys: Any) -> None:
    with pytest.raises(RlfgError, match="stopped"):
        calibrated(tmp_path, taxonomy, lines(tmp_path / "val.jsonl", 60, samples=1))
    assert "the same number of answers to each picture, two or more; found 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answers": ["Herring Gull"]}, "same number of answers to each picture, two or more; found 1, 4"),
        ({"truth": "a spaceship"}, "the truth 'a spaceship' is unresolved"),
        ({"prompt": "short"}, "the answers to one prompt; these are to short, think"),
        ({"protocol": "choice"}, "answers closed questions (choice)"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, taxonomy: Path, capsys: Any, change: dict[str, Any], said: str) -> None:
    path = lines(tmp_path / "val.jsonl", 60)
    with path.open("a") as file:
        file.write(json.dumps({"id": "x", "truth": "Ovenbird", "answers": ["Ovenbird"] * 4, **change}) + "\n")
    with pytest.raises(RlfgError, match="stopped"):
        calibrated(tmp_path, taxonomy, path)
    assert said in capsys.readouterr().err


def test_failed_predictions_are_counted_apart() -> None:
    given = [Prediction(id=str(i), truth="Ovenbird", answers=("Ovenbird",) * 4) for i in range(40)]
    given.append(Prediction(id="x", truth="Ovenbird", error="no picture"))
    policy = calibrate(given, birds(), risk=0.1, delta=0.05)
    assert policy.pictures == 40 and policy.threshold == 0.25


def test_a_policy_file_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    policy = Policy(threshold=0.5, risk=0.1, delta=0.05, samples=10, taxonomy="abc")
    write_policy(path, policy)
    assert read_policy(path) == policy
    for text in ("{}", '{"threshold": 0.5, "steps": [], "colour": 1}', "[]", "not json"):
        path.write_text(text)
        with pytest.raises(RlfgError, match="not a policy of `rlfg calibrate`"):
            read_policy(path)
    with pytest.raises(RlfgError, match="threshold is 2"):
        Policy(threshold=2)
